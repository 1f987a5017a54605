// SPDX-License-Identifier: Apache-2.0
#include "storage/compaction/driver/log_view.h"

namespace weir::compaction {
namespace {

// What both indexes hold for so many bytes of records, at the most.
uint64_t IndexBytesMax(uint64_t bytes) {
  constexpr uint64_t kIntervalBytes = 4096;
  constexpr uint64_t kTimeEntryBytes = 12;
  return (bytes / kIntervalBytes + 1) * kTimeEntryBytes;
}

}  // namespace

std::vector<ClosedSegment> LogView::Closed() const {
  std::vector<ClosedSegment> closed;
  for (const log::ClosedSegment& segment : log_.ClosedSegments()) {
    closed.push_back({.base = segment.base,
                      .end = segment.end,
                      .bytes = segment.bytes,
                      .index_bytes = IndexBytesMax(segment.bytes),
                      .first_timestamp = segment.first_timestamp,
                      .max_timestamp = segment.largest_timestamp});
  }
  return closed;
}

}  // namespace weir::compaction
