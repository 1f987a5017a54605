// SPDX-License-Identifier: Apache-2.0
#include "storage/compaction/driver/clean_run.h"

#include <glog/logging.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "storage/compaction/core/batch_filter.h"
#include "storage/compaction/core/dirty_scan.h"
#include "storage/compaction/core/offset_map.h"
#include "storage/compaction/driver/segment_batches.h"
#include "storage/log/files.h"

namespace weir::compaction {
namespace {

using Group = std::span<const ClosedSegment>;
using records::BatchRun;

// The map has a slot for every eight bytes that are dirty: more records than that would have keys
// of no length.
size_t MapBytes(const Cleanable& cleanable, const RunOptions& options) {
  uint64_t enough = cleanable.dirty_bytes / 8 * OffsetMap::kSlotBytes;
  return static_cast<size_t>(std::min<uint64_t>(enough, options.map_bytes));
}

// Lives in the frame of CleanLog.
class Run {
 public:
  Run(host::Host host, CleanableLog* log, const Cleanable& cleanable,
      const CompactionConfig& config, const RunOptions& options, std::shared_ptr<Throttle> throttle,
      std::shared_ptr<RunStop> stop)
      : host_(host),
        log_(*log),
        cleanable_(cleanable),
        config_(config),
        options_(options),
        throttle_(std::move(throttle)),
        stop_(std::move(stop)),
        map_(MapBytes(cleanable, options), KeyHasher{host.random.Next(), host.random.Next()}),
        scan_(cleanable.first_dirty, &map_) {}

  host::Task<Result<RunReport>> Go();

 private:
  // What is written in the place of a group.
  struct Output {
    // Nothing as long as all that was judged stays as it is, in a group of one segment.
    log::FilePointer file;
    // What stays as it is, of which nothing was written yet: its bytes, and where it ends.
    uint64_t unwritten_front = 0;
    Offset front_end;
    uint64_t written = 0;
    Pieces pieces;
    uint64_t pieces_bytes = 0;
    // What of the group was not judged yet.
    uint64_t to_come = 0;

    uint64_t bytes() const { return unwritten_front + written + pieces_bytes; }
    // By how much a batch may grow, so that every position in the segment has 32 bits.
    uint64_t room() const {
      constexpr uint64_t kSegmentBytesMax = std::numeric_limits<int32_t>::max();
      return kSegmentBytesMax - std::min(kSegmentBytesMax, bytes() + to_come);
    }
  };

  host::Task<Result<void>> MapDirty();
  host::Task<Result<bool>> MapSegment(ClosedSegment segment);
  host::Task<Result<void>> CleanGroup(Group group, BatchFilter& filter);
  host::Task<Result<void>> WriteGroup(Group group, BatchFilter& filter, Output& output);
  host::Task<Result<void>> Put(Group group, Offset end, BatchFilter::Verdict verdict,
                               Output& output);
  host::Task<Result<void>> Begin(Group group, Output& output);
  host::Task<Result<void>> WriteFront(const ClosedSegment& segment, Output& output);
  host::Task<Result<void>> Replace(Group group, Output& output);
  host::Task<Result<void>> Flush(Output& output);
  // Pays for bytes that were read or written.
  host::Task<Result<void>> Pay(uint64_t bytes);

  host::Host host_;
  CleanableLog& log_;
  const Cleanable cleanable_;
  const CompactionConfig config_;
  const RunOptions options_;
  const std::shared_ptr<Throttle> throttle_;
  const std::shared_ptr<RunStop> stop_;
  std::vector<ClosedSegment> closed_;
  OffsetMap map_;
  DirtyScan scan_;
  RunReport report_;
};

host::Task<Result<RunReport>> Run::Go() {
  closed_ = log_.Closed();
  std::erase_if(closed_, [&](const auto& segment) { return segment.end > cleanable_.end; });
  // As they are now: what they write from here on is not cleaned.
  FilterScope scope{.map = &map_,
                    .now = host_.clock.WallNow(),
                    .delete_retention_ms = config_.delete_retention_ms,
                    .producers = log_.Producers()};
  if (auto mapped = co_await MapDirty(); !mapped) co_return std::unexpected(mapped.error());
  report_.clean_end = scope.mapped_end = scan_.mapped_end();
  report_.records_mapped = scan_.records();
  report_.keys = map_.size();
  report_.map_bytes = map_.bytes();
  if (report_.clean_end == cleanable_.first_dirty) co_return report_;
  scope.last_of_producers = scan_.last_of_producers();
  BatchFilter filter(std::move(scope));
  for (Group group : GroupSegments(closed_, report_.clean_end, config_)) {
    auto cleaned = co_await CleanGroup(group, filter);
    if (!cleaned) co_return std::unexpected(cleaned.error());
  }
  report_.records_before = filter.tally().records;
  report_.records_after = filter.tally().records_kept;
  report_.unreadable = filter.tally().unreadable;
  co_return report_;
}

host::Task<Result<void>> Run::MapDirty() {
  for (const ClosedSegment& segment : closed_) {
    if (segment.end <= cleanable_.first_dirty) continue;
    auto goes_on = co_await MapSegment(segment);
    if (!goes_on) co_return std::unexpected(goes_on.error());
    if (!*goes_on) co_return Result<void>();
  }
  scan_.ReachedEnd(cleanable_.end);
  co_return Result<void>();
}

// False where no more can be mapped.
host::Task<Result<bool>> Run::MapSegment(ClosedSegment segment) {
  Offset from = std::max(segment.base, cleanable_.first_dirty);
  SegmentBatches reader(log_, from, segment.end, options_.piece_bytes, stop_);
  while (true) {
    auto piece = co_await reader.Next();
    if (!piece) co_return std::unexpected(piece.error());
    for (const BatchRun::Batch& batch : piece->batches) {
      if (!scan_.Take(batch.header, batch.bytes.view())) co_return false;
    }
    if (auto paid = co_await Pay(piece->bytes); !paid) co_return std::unexpected(paid.error());
    if (piece->is_last) co_return true;
  }
}

host::Task<Result<void>> Run::CleanGroup(Group group, BatchFilter& filter) {
  Output output;
  for (const ClosedSegment& segment : group) output.to_come += segment.bytes;
  report_.bytes_before += output.to_come;
  auto done = co_await WriteGroup(group, filter, output);
  report_.bytes_after += output.bytes();
  if (!output.file) co_return done;
  if (done) done = co_await Replace(group, output);
  // Nobody will read it, and it may be large. Once it was stopped, the log may be gone.
  if (!done && !stop_->is_asked) {
    std::ignore = co_await log::RemovePath(host_.disk, log_.CleanedPath(group.front().base));
  }
  co_return done;
}

host::Task<Result<void>> Run::WriteGroup(Group group, BatchFilter& filter, Output& output) {
  for (const ClosedSegment& segment : group) {
    SegmentBatches reader(log_, segment.base, segment.end, options_.piece_bytes, stop_);
    for (bool is_last = false; !is_last;) {
      auto piece = co_await reader.Next();
      if (!piece) co_return std::unexpected(piece.error());
      is_last = piece->is_last;
      for (const BatchRun::Batch& batch : piece->batches) {
        Offset end = batch.header.end_offset();
        uint64_t room = output.room();
        output.to_come -= std::min(output.to_come, batch.bytes.size());
        auto verdict = filter.Judge(batch.header, batch.bytes, end == group.back().end, room);
        auto put = co_await Put(group, end, std::move(verdict), output);
        if (!put) co_return put;
      }
      if (auto paid = co_await Pay(piece->bytes); !paid) co_return paid;
    }
  }
  if (output.file) co_return co_await Flush(output);
  co_return Result<void>();
}

host::Task<Result<void>> Run::Put(Group group, Offset end, BatchFilter::Verdict verdict,
                                  Output& output) {
  if (!output.file) {
    if (verdict.fate == BatchFilter::Fate::kKept && group.size() == 1) {
      output.unwritten_front += verdict.batch.size();
      output.front_end = end;
      co_return Result<void>();
    }
    if (auto begun = co_await Begin(group, output); !begun) co_return begun;
  }
  if (verdict.batch.empty()) co_return Result<void>();
  output.pieces_bytes += verdict.batch.size();
  output.pieces.push_back(std::move(verdict.batch));
  if (output.pieces_bytes < options_.piece_bytes) co_return Result<void>();
  co_return co_await Flush(output);
}

// With what was judged before, which stays as it was.
host::Task<Result<void>> Run::Begin(Group group, Output& output) {
  if (stop_->is_asked) co_return RunStop::Stopped();
  std::string path = log_.CleanedPath(group.front().base);
  auto file = co_await log::OpenFile(host_.disk, path, host::OpenMode::kCreate);
  if (!file) co_return std::unexpected(file.error());
  // A run before it may have been broken off.
  auto emptied = co_await log::TruncateFile(*file, 0);
  if (!emptied) co_return std::unexpected(emptied.error().While("emptying " + path));
  output.file = std::move(*file);
  if (output.unwritten_front == 0) co_return Result<void>();
  co_return co_await WriteFront(group.front(), output);
}

host::Task<Result<void>> Run::WriteFront(const ClosedSegment& segment, Output& output) {
  SegmentBatches reader(log_, segment.base, output.front_end, options_.piece_bytes, stop_);
  for (bool is_last = false; !is_last;) {
    auto piece = co_await reader.Next();
    if (!piece) co_return std::unexpected(piece.error());
    is_last = piece->is_last;
    for (const BatchRun::Batch& batch : piece->batches) output.pieces.push_back(batch.bytes);
    output.pieces_bytes += piece->bytes;
    output.unwritten_front -= std::min<uint64_t>(output.unwritten_front, piece->bytes);
    if (auto paid = co_await Pay(piece->bytes); !paid) co_return paid;
    if (auto wrote = co_await Flush(output); !wrote) co_return wrote;
  }
  output.unwritten_front = 0;
  co_return Result<void>();
}

host::Task<Result<void>> Run::Replace(Group group, Output& output) {
  auto synced = co_await log::SyncFile(output.file);
  if (!synced) co_return std::unexpected(synced.error().While("syncing a cleaned segment"));
  if (stop_->is_asked) co_return RunStop::Stopped();
  std::vector<Offset> bases;
  for (const ClosedSegment& segment : group) bases.push_back(segment.base);
  auto replaced = co_await host::Await<Result<void>>(
      [&](auto done) { log_.Replace(std::move(bases), std::move(done)); });
  // These are its segments no more.
  if (!replaced && replaced.error().kind == Error::Kind::kInvalid) {
    co_return Fail(Error::Kind::kUnavailable, replaced.error().message);
  }
  co_return replaced;
}

host::Task<Result<void>> Run::Flush(Output& output) {
  if (output.pieces.empty()) co_return Result<void>();
  uint64_t bytes = std::exchange(output.pieces_bytes, 0);
  auto wrote =
      co_await log::WriteFile(output.file, output.written, std::exchange(output.pieces, {}));
  output.written += bytes;
  if (!wrote) co_return std::unexpected(wrote.error().While("writing a cleaned segment"));
  co_return co_await Pay(bytes);
}

host::Task<Result<void>> Run::Pay(uint64_t bytes) {
  // A run that is stopped ends soon, however slow it is to be.
  constexpr Duration kSleepMax = std::chrono::seconds(1);
  Instant until = host_.clock.Now() + throttle_->Take(bytes, host_.clock.Now());
  while (true) {
    if (stop_->is_asked) co_return RunStop::Stopped();
    Instant now = host_.clock.Now();
    if (now >= until) co_return Result<void>();
    Instant wake = std::min(until, now + kSleepMax);
    co_await host::AwaitDone([&](auto done) { host_.strand.RunAt(wake, std::move(done)); });
  }
}

}  // namespace

host::Task<Result<RunReport>> CleanLog(host::Host host, CleanableLog* log, Cleanable cleanable,
                                       CompactionConfig config, RunOptions options,
                                       std::shared_ptr<Throttle> throttle,
                                       std::shared_ptr<RunStop> stop) {
  Run run(host, log, cleanable, config, options, std::move(throttle), std::move(stop));
  co_return co_await run.Go();
}

}  // namespace weir::compaction
