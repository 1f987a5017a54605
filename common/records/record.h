// SPDX-License-Identifier: Apache-2.0
// One record, as views into bytes that somebody else keeps.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "common/base/ids.h"
#include "common/base/time.h"

namespace weir::records {

struct Header {
  std::string_view key;
  std::optional<std::string_view> value;
  bool operator==(const Header&) const = default;
};

struct Record {
  Offset offset;
  WallTime timestamp;
  std::optional<std::string_view> key;
  std::optional<std::string_view> value;
  std::vector<Header> headers;
  bool operator==(const Record&) const = default;
};

}  // namespace weir::records
