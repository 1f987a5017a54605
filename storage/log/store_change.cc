// SPDX-License-Identifier: Apache-2.0
// What needs everything else to stand still: cutting, emptying, a clean stop. Each goes by steps of
// which any may be the last before a crash: the log is then whole, and as it was before or shorter.
#include <glog/logging.h>

#include <algorithm>
#include <utility>

#include "common/base/planted_bug.h"
#include "storage/log/scan.h"
#include "storage/log/store.h"

namespace weir::log {

using records::BatchHeader;
using records::BatchRun;

void Store::Truncate(Offset end, Callback<void(Result<void>)> done) {
  ++changes_;
  ++generation_;
  host::Spawn(RunChange(shared_from_this(), Change::kTruncate, end), std::move(done));
}

void Store::Restart(Offset start, Callback<void(Result<void>)> done) {
  CHECK_GE(start, Offset(0));
  ++changes_;
  ++generation_;
  host::Spawn(RunChange(shared_from_this(), Change::kRestart, start), std::move(done));
}

void Store::Close(Callback<void(Result<void>)> done) {
  ++changes_;
  host::Spawn(RunChange(shared_from_this(), Change::kClose, Offset(0)), std::move(done));
}

host::Task<Result<void>> Store::RunChange(std::shared_ptr<Store> self, Change change,
                                          Offset offset) {
  co_await Turn(self->host_.strand);
  while (self->writing_ || self->syncing_ || self->changing_) co_await self->Settled();
  Result<void> changed;
  Busy busy(self, &self->changing_);
  if (self->failed_) {
    changed = std::unexpected(*self->failed_);
  } else if (self->closed_ || self->abandoned_) {
    changed = weir::Fail(Error::Kind::kUnavailable, "the log in " + self->folder_ + " is closed");
  } else if (change == Change::kTruncate) {
    changed = co_await self->Cut(offset);
  } else if (change == Change::kRestart) {
    changed = co_await self->Empty(offset);
  } else {
    changed = co_await self->CleanStop();
  }
  if (!changed && !self->closed_) self->Fail(changed.error());
  --self->changes_;
  busy.End();
  co_return changed;
}

host::Task<Result<void>> Store::Cut(Offset end) {
  if (end >= end_) co_return Result<void>();
  end = std::max(end, start_);
  size_t segment = SegmentOf(end);
  auto reader = co_await Reader(segment);
  if (!reader) co_return std::unexpected(reader.error());
  // The boundary is the front of the batch that holds `end`.
  Offset cut = end;
  auto boundary = co_await Scan(*reader, RecordsPath(segments_[segment].base),
                                segments_[segment].index.Floor(end), segments_[segment].bytes,
                                BatchRun::Check::kHeaders,
                                [&](const BatchHeader& header, uint64_t) -> std::string {
                                  if (header.end_offset() <= end) return "";
                                  cut = header.base_offset;
                                  return "boundary";
                                });
  if (!boundary) co_return std::unexpected(boundary.error());
  if (boundary->fault != "boundary") {
    co_return weir::Fail(Error::Kind::kCorrupt,
                         RecordsPath(segments_[segment].base) + " is damaged at position " +
                             std::to_string(boundary->position) + ": " + boundary->fault);
  }
  Producers producers = producers_;
  if (producers_.changed_end() > cut) {
    auto folded = co_await FoldProducers(cut, segment, boundary->position);
    if (!folded) co_return std::unexpected(folded.error());
    producers = std::move(*folded);
  }
  bool had_checkpoint = checkpoint_end_.has_value();
  // It says that what goes now is there.
  if (checkpoint_end_ && *checkpoint_end_ > cut) {
    if (auto removed = co_await RemoveCheckpoint(); !removed) co_return removed;
  }
  if (auto files = co_await CutFiles(segment, boundary->position); !files) co_return files;
  if (!PLANTED_BUG("log: epochs outlive a cut")) epochs_.TruncateTo(cut);
  producers_ = std::move(producers);
  end_ = written_ = durable_ = cut;
  PlanFromFiles();
  if (!had_checkpoint || checkpoint_end_) co_return Result<void>();
  co_return co_await Seal(Folds{epochs_, producers_});
}

// Leaves `position` bytes of the segment, and nothing after it; synced.
host::Task<Result<void>> Store::CutFiles(size_t segment, uint64_t position) {
  reader_ = nullptr;
  size_t kept = position == 0 ? segment : segment + 1;
  while (segments_.size() > kept) {
    if (auto removed = co_await RemoveLastSegment(); !removed) co_return removed;
  }
  if (segments_.empty() || position == 0) co_return Result<void>();
  if (!active_) {
    if (auto opened = co_await OpenActive(); !opened) co_return opened;
  }
  auto cut = co_await TruncateFile(active_, position);
  if (cut) cut = co_await SyncFile(active_);
  if (!cut) {
    co_return std::unexpected(cut.error().While("cutting " + RecordsPath(segments_.back().base)));
  }
  segments_.back().bytes = position;
  segments_.back().index.TruncateTo(position);
  co_return Result<void>();
}

// Synced one by one, the last one first, so that a crash leaves no gap.
host::Task<Result<void>> Store::RemoveLastSegment() {
  Offset base = segments_.back().base;
  active_ = nullptr;
  auto removed = co_await RemovePath(host_.disk, RecordsPath(base));
  if (removed) removed = co_await RemovePath(host_.disk, Path(IndexName(base)));
  if (removed) removed = co_await SyncFolderNames(host_.disk, folder_);
  if (removed) segments_.pop_back();
  co_return removed;
}

// The producers of all that is below `cut`, which lies at `position` of the segment.
host::Task<Result<Producers>> Store::FoldProducers(Offset cut, size_t segment, uint64_t position) {
  Producers producers;
  std::vector<Checkpoint::File> folded;
  if (checkpoint_end_ && *checkpoint_end_ <= cut) {
    auto bytes = co_await ReadWholeFile(host_.disk, Path(kCheckpointName));
    if (!bytes) co_return std::unexpected(bytes.error());
    if (auto checkpoint = Checkpoint::Decode(bytes->view())) {
      producers = std::move(checkpoint->producers);
      folded = std::move(checkpoint->files);
    }
  }
  for (size_t i = 0; i <= segment; ++i) {
    uint64_t from = 0;
    for (const auto& file : folded) {
      if (file.base == segments_[i].base) from = file.bytes;
    }
    uint64_t to = i == segment ? position : segments_[i].bytes;
    if (from >= to) continue;
    auto reader = co_await Reader(i);
    if (!reader) co_return std::unexpected(reader.error());
    auto end =
        co_await Scan(*reader, RecordsPath(segments_[i].base), from, to, BatchRun::Check::kHeaders,
                      [&](const BatchHeader& header, uint64_t) -> std::string {
                        producers.Apply(header);
                        return "";
                      });
    if (!end) co_return std::unexpected(end.error());
    if (!end->fault.empty()) {
      co_return weir::Fail(Error::Kind::kCorrupt,
                           RecordsPath(segments_[i].base) + " is damaged at position " +
                               std::to_string(end->position) + ": " + end->fault);
    }
  }
  co_return producers;
}

host::Task<Result<void>> Store::Empty(Offset start) {
  if (checkpoint_end_) {
    if (auto removed = co_await RemoveCheckpoint(); !removed) co_return removed;
  }
  if (auto cut = co_await CutFiles(0, 0); !cut) co_return cut;
  epochs_ = {};
  producers_ = {};
  start_ = end_ = written_ = durable_ = start;
  PlanFromFiles();
  // An empty folder would begin at 0.
  co_return co_await WriteCheckpoint({});
}

host::Task<Result<void>> Store::CleanStop() {
  closed_ = true;
  bool has_nothing_new = checkpoint_end_ ? *checkpoint_end_ == end_ : segments_.empty();
  if (!has_nothing_new) {
    if (durable_ < written_ && !active_) {
      if (auto opened = co_await OpenActive(); !opened) co_return opened;
    }
    Folds folds{epochs_, producers_};
    if (auto sealed = co_await Seal(folds); !sealed) co_return sealed;
  }
  active_ = nullptr;
  reader_ = nullptr;
  co_return Result<void>();
}

}  // namespace weir::log
