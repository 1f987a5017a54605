// SPDX-License-Identifier: Apache-2.0
// What must hold of the batches of one file beyond their checksums, which leave offset and leader
// epoch out: each follows upon the one before, and is of the epoch that the log's history says. A
// flipped bit in either would be served otherwise.
#pragma once

#include <optional>
#include <string>

#include "common/base/planted_bug.h"
#include "storage/log/log.h"
#include "storage/log/scan.h"
#include "storage/log/segment.h"

namespace weir::log {

class BatchOrder {
 public:
  // From `position` of the segment on, where a batch begins, at `least` or above. `indexes` are
  // its own; `epochs` outlives it.
  BatchOrder(const Segment& segment, const Indexes& indexes, uint64_t position, Offset least,
             const LeaderEpochs& epochs)
      : base_(segment.base()),
        end_(segment.end()),
        epochs_(&epochs),
        least_(least),
        indexed_last_(indexes.offsets.LastOf(position)) {}

  // Why the batch cannot come next; empty where it can. `after` is the one behind it, where that is
  // known: offsets may be missing, so only that tells an offset that has become too large.
  std::string Judge(const records::BatchHeader& header, const records::BatchHeader* after) const {
    if (PLANTED_BUG("log: offset and epoch are believed")) return "";
    std::string fault = OutOfPlace(header, base_, least_);
    if (!fault.empty()) return fault;
    const bool is_too_large =
        header.end_offset() > end_ || (after != nullptr && header.base_offset > least_ &&
                                       after->base_offset < header.end_offset());
    if (is_too_large || (indexed_last_ && *indexed_last_ != header.last_offset())) {
      return "its offset " + std::to_string(header.base_offset.value()) + " is not what it was";
    }
    const auto epoch = epochs_->EpochAt(header.base_offset);
    if (epoch && header.leader_epoch != kNoLeaderEpoch && *epoch != header.leader_epoch) {
      return "its leader epoch " + std::to_string(header.leader_epoch.value()) + " is not " +
             std::to_string(epoch->value()) + ", with which it was written";
    }
    return "";
  }
  void Take(const records::BatchHeader& header) {
    least_ = header.end_offset();
    indexed_last_.reset();
  }

  // The next one begins there or above.
  Offset least() const { return least_; }

 private:
  Offset base_;
  Offset end_;
  const LeaderEpochs* epochs_;
  Offset least_;
  std::optional<Offset> indexed_last_;
};

}  // namespace weir::log
