// SPDX-License-Identifier: Apache-2.0
#include "storage/compaction/core/dirty_scan.h"

#include <glog/logging.h>

#include <algorithm>

namespace weir::compaction {

using records::BatchHeader;

bool DirtyScan::Take(const BatchHeader& header, std::string_view batch) {
  if (header.end_offset() <= first_dirty_) return true;
  // Whether its transaction was aborted is not known here, and the keys of what was aborted must
  // not supersede anything. A marker has no key of the topic's.
  if (header.is_transactional() && !header.is_control()) {
    mapped_end_ = std::max(mapped_end_, header.base_offset);
    return false;
  }
  runs_.clear();
  if (!header.is_control() && !ReadRecords(header, batch, &room_, &runs_)) ++unreadable_;
  for (const RecordRun& record : runs_) {
    if (record.offset < first_dirty_) continue;
    if (record.key && !map_->Put(*record.key, record.offset)) {
      // The run ends within the batch: however many keys a batch has, each run gets on.
      mapped_end_ = record.offset;
      return false;
    }
    ++records_;
  }
  mapped_end_ = header.end_offset();
  if (header.is_idempotent()) last_of_producers_[header.producer_id] = header.last_offset();
  return true;
}

void DirtyScan::ReachedEnd(Offset end) {
  CHECK_GE(end, mapped_end_);
  mapped_end_ = end;
}

}  // namespace weir::compaction
