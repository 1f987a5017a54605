// SPDX-License-Identifier: Apache-2.0
// One file of a log's records, what is known of it, and its names, which are Kafka's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/ids.h"
#include "storage/log/offset_index.h"

namespace weir::log {

struct Segment {
  explicit Segment(Offset first) : base(first), index(first) {}

  Offset base;
  // What is written and whole; the file may hold more of a write under way.
  uint64_t bytes = 0;
  OffsetIndex index;
  // Of the index's file, once it was written.
  uint32_t index_checksum = 0;
};

std::string RecordsName(Offset base);  // "00000000000000000042.log"
std::string IndexName(Offset base);    // "00000000000000000042.index"

// The base offset that a name of records says; nothing for any other name.
std::optional<Offset> ParseRecordsName(std::string_view name);

}  // namespace weir::log
