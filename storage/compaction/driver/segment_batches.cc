// SPDX-License-Identifier: Apache-2.0
#include "storage/compaction/driver/segment_batches.h"

#include <algorithm>

namespace weir::compaction {

host::Task<Result<SegmentBatches::Piece>> SegmentBatches::Next() {
  if (stop_->is_asked) co_return RunStop::Stopped();
  log_start_ = log_.start();
  next_ = std::max(next_, log_start_);
  if (next_ >= end_) co_return Piece{.is_last = true};
  auto read = co_await host::Await<Result<Bytes>>(
      [&](auto done) { log_.Read(next_, end_, piece_bytes_, std::move(done)); });
  if (stop_->is_asked) co_return RunStop::Stopped();
  if (!read && read.error().kind == Error::Kind::kInvalid) {
    co_return Fail(Error::Kind::kUnavailable, read.error().message);
  }
  if (!read) co_return std::unexpected(read.error());
  co_return Split(std::move(*read));
}

Result<SegmentBatches::Piece> SegmentBatches::Split(Bytes bytes) {
  Piece piece{.batches = {}, .bytes = bytes.size()};
  if (bytes.empty()) return Damaged("its last batches are missing");
  records::BatchRun run(std::move(bytes));
  while (true) {
    auto batch = run.Next();
    if (!batch) return Damaged(batch.error().message);
    if (!*batch) break;
    const records::BatchHeader& header = (*batch)->header;
    bool may_be_within = next_ == from_ || next_ == log_start_;
    bool follows = header.base_offset >= next_ || (may_be_within && header.end_offset() > next_);
    if (!follows || header.end_offset() > end_) {
      return Damaged("a batch has the offsets " + std::to_string(header.base_offset.value()) +
                     " to " + std::to_string(header.last_offset().value()) +
                     "; they must lie from " + std::to_string(next_.value()) + " to below " +
                     std::to_string(end_.value()));
    }
    next_ = header.end_offset();
    piece.batches.push_back(std::move(**batch));
  }
  piece.is_last = next_ == end_;
  return piece;
}

std::unexpected<Error> SegmentBatches::Damaged(const std::string& how) const {
  return Fail(Error::Kind::kCorrupt,
              "the log is damaged at offset " + std::to_string(next_.value()) + ": " + how);
}

}  // namespace weir::compaction
