// SPDX-License-Identifier: Apache-2.0
// What is known of one segment: a fold over the headers of its batches, by Kafka's rules of when an
// index gets an entry. Pure. The indexes themselves may be left out of memory.
#pragma once

#include <cstdint>

#include "common/base/ids.h"
#include "common/base/time.h"
#include "common/records/batch.h"
#include "storage/log/format/offset_index.h"
#include "storage/log/format/time_index.h"

namespace weir::log {

struct Indexes {
  explicit Indexes(Offset base) : offsets(base), times(base) {}
  OffsetIndex offsets;
  TimeIndex times;
  bool operator==(const Indexes&) const = default;
};

struct SegmentFold {
  SegmentFold() = default;
  explicit SegmentFold(Offset first) : base(first), end(first), largest_at(first) {}

  Offset base;
  // One past the last offset; the base where there is no batch.
  Offset end;
  // All that is whole and written; the file may hold more of a write under way.
  uint64_t bytes = 0;
  // The largest timestamps of the first batch and of all; -1 where there is none.
  WallTime first_timestamp{-1};
  WallTime largest{-1};
  // Where the batch ends that has `largest`.
  Offset largest_at;
  // Entries in the indexes, and bytes since the last was made.
  uint32_t offset_entries = 0;
  uint32_t time_entries = 0;
  uint64_t bytes_since_entry = 0;
  // Of the time index's last entry; -1 where there is none.
  WallTime last_time_entry{-1};

  // The next batch; `indexes`, where there are any, follow. An entry is made for a batch that
  // begins more than `interval` bytes after the one before that has one.
  void Add(const records::BatchHeader& header, uint64_t interval, Indexes* indexes);

  // No batch will follow: the time index ends with the largest timestamp.
  void Finish(Indexes& indexes);

  // Takes back what lies behind the last entry whose batch begins before `position`; the batches
  // from there to `position` are to be added again, and it says where they begin.
  uint64_t Rewind(uint64_t position, Indexes& indexes);

  bool operator==(const SegmentFold&) const = default;
};

}  // namespace weir::log
