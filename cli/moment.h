// SPDX-License-Identifier: Apache-2.0
// Points in time as people write them.
#pragma once

#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/base/time.h"

namespace weir::cli {

// "2026-05-01T13:45:00Z", "2026-05-01T13:45:00.250+02:00", "2026-05-01" (UTC), "-90m" (so long
// before `now`; ms, s, m, h, d), or milliseconds since 1970.
Result<WallTime> ParseMoment(std::string_view text, WallTime now);

// "2026-05-01T13:45:00.250Z".
std::string FormatMoment(WallTime time);

}  // namespace weir::cli
