// SPDX-License-Identifier: Apache-2.0
// Which build this is, for --version, the log's first line and the nodes' registrations.
#pragma once

#include <string>
#include <string_view>

namespace weir {

// "major.minor.patch".
std::string_view BuildVersion();

// "weir 0.1.0 (optimized)", or the build's checks instead: "debug", "sanitized".
std::string DescribeBuild();

}  // namespace weir
