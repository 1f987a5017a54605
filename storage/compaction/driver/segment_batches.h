// SPDX-License-Identifier: Apache-2.0
// Reads the batches of a closed segment in their order, piece by piece, and finds what is wrong
// with them. One strand; the log outlives it, or `stop` says that it does not.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/bytes.h"
#include "common/host/task.h"
#include "common/records/batch.h"
#include "storage/compaction/driver/cleanable_log.h"
#include "storage/compaction/driver/run_stop.h"

namespace weir::compaction {

class SegmentBatches {
 public:
  struct Piece {
    // Each is what its checksum says, and has its place.
    std::vector<records::BatchRun::Batch> batches;
    size_t bytes = 0;
    // There are no more.
    bool is_last = false;
  };

  // From the batch that holds `from` to the one that ends at `end`.
  SegmentBatches(CleanableLog& log, Offset from, Offset end, size_t piece_bytes,
                 std::shared_ptr<RunStop> stop)
      : log_(log),
        from_(from),
        end_(end),
        piece_bytes_(piece_bytes),
        stop_(std::move(stop)),
        next_(from) {}

  // kCorrupt, with the place, where what lies there is no batch of this segment's; kUnavailable
  // when it was stopped, or the segment is gone. Not after the last piece.
  host::Task<Result<Piece>> Next();

 private:
  Result<Piece> Split(Bytes bytes);
  // At the batch that was to be read next.
  std::unexpected<Error> Damaged(const std::string& how) const;

  CleanableLog& log_;
  const Offset from_;
  const Offset end_;
  const size_t piece_bytes_;
  const std::shared_ptr<RunStop> stop_;
  // All below it was read.
  Offset next_;
  // A log may begin within a segment, and even within a batch.
  Offset log_start_;
};

}  // namespace weir::compaction
