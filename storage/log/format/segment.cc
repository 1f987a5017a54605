// SPDX-License-Identifier: Apache-2.0
#include "storage/log/format/segment.h"

#include <glog/logging.h>

namespace weir::log {

void SegmentFold::Add(const records::BatchHeader& header, uint64_t interval, Indexes* indexes) {
  CHECK_GE(header.base_offset, end);
  if (header.max_timestamp > largest) {
    largest = header.max_timestamp;
    largest_at = header.last_offset();
  }
  if (bytes == 0) first_timestamp = header.max_timestamp;
  if (bytes_since_entry > interval) {
    ++offset_entries;
    if (largest > last_time_entry) {
      last_time_entry = largest;
      ++time_entries;
    }
    if (indexes) {
      indexes->offsets.Add(header.last_offset(), bytes);
      indexes->times.MaybeAdd(largest, largest_at);
    }
    bytes_since_entry = 0;
  }
  bytes_since_entry += header.size();
  bytes += header.size();
  end = header.end_offset();
}

void SegmentFold::Finish(Indexes& indexes) {
  if (!indexes.times.MaybeAdd(largest, largest_at)) return;
  last_time_entry = largest;
  ++time_entries;
}

// At an entry of the offset index the time index has all that came before it: so both can be
// cut there, and nothing but what follows need be read again.
uint64_t SegmentFold::Rewind(uint64_t position, Indexes& indexes) {
  indexes.offsets.TruncateTo(position);
  auto from = indexes.offsets.last_position();
  if (!from) {
    indexes = Indexes(base);
    *this = SegmentFold(base);
    return 0;
  }
  indexes.times.TruncateTo(indexes.offsets.last_offset());
  largest = last_time_entry = indexes.times.largest();
  largest_at = indexes.times.largest_at();
  offset_entries = static_cast<uint32_t>(indexes.offsets.size());
  time_entries = static_cast<uint32_t>(indexes.times.size());
  bytes = *from;
  // Where the batch there begins is not known; it is the next to be added.
  end = base;
  bytes_since_entry = 0;
  return *from;
}

}  // namespace weir::log
