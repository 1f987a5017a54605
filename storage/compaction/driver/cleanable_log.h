// SPDX-License-Identifier: Apache-2.0
// A partition's log as the cleaner sees it. One strand; callbacks never come within the call.
//
// Where the log is being cut or closed, or has other segments than were asked for, the answer is
// kUnavailable or kInvalid: the run gives up, and nothing is wrong.
#pragma once

#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/callback.h"
#include "common/base/error.h"
#include "common/base/ids.h"
#include "storage/compaction/core/batch_filter.h"
#include "storage/compaction/core/plan.h"

namespace weir::compaction {

class CleanableLog {
 public:
  virtual ~CleanableLog() = default;

  virtual Offset start() const = 0;
  virtual Offset end() const = 0;
  // Nothing below it is ever cut: the high watermark, as far as this replica knows.
  virtual Offset stable_end() const = 0;
  // Oldest first, without the one that is written.
  virtual std::vector<ClosedSegment> Closed() const = 0;
  virtual ProducerBatches Producers() const = 0;

  // Whole batches from the one that holds `from`, or the first above it, none that begins at or
  // after `limit`; up to `max_bytes`, but at least one. Empty where there are none.
  virtual void Read(Offset from, Offset limit, size_t max_bytes,
                    Callback<void(Result<Bytes>)> done) = 0;

  // Where, on the host's disk, the segment is to be written that Replace takes. What is there and
  // was not taken is none of the log's, and gone when it is opened again.
  virtual std::string CleanedPath(Offset base) const = 0;

  // Puts the file CleanedPath(bases.front()), which is synced, in the place of these closed
  // segments, which stand one behind the other: all of it or nothing, also across a crash. It holds
  // batches with offsets of theirs, in their order.
  virtual void Replace(std::vector<Offset> bases, Callback<void(Result<void>)> done) = 0;
};

}  // namespace weir::compaction
