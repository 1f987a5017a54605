// SPDX-License-Identifier: Apache-2.0
// The name that somebody may have meant.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::cli {

// How many letters must be put in, taken out or changed.
size_t EditDistance(std::string_view a, std::string_view b);

// The nearest of `names`, if it is near enough to be worth a hint.
std::optional<std::string> Nearest(std::string_view typed, const std::vector<std::string>& names);

}  // namespace weir::cli
