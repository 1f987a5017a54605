// SPDX-License-Identifier: Apache-2.0
// Amounts as people write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"

namespace weir::cli {

// "3MB", "64KiB", "1.5MB/s", "1000": bytes; k, M and G count thousands, Ki, Mi and Gi 1024s.
Result<int64_t> ParseBytes(std::string_view text);

// 1234567 as "1.2 MB".
std::string FormatBytes(int64_t bytes);

// "host:port,host:port". Refused where one is not that.
Result<std::vector<std::string>> ParseEndpoints(std::string_view text);

// "key=value".
Result<std::pair<std::string, std::string>> ParseSetting(std::string_view text);

}  // namespace weir::cli
