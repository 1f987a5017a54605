// SPDX-License-Identifier: Apache-2.0
// What needs everything else to stand still: cutting, emptying, a clean stop. Each goes by steps of
// which any may be the last before a crash: the log is then whole, and as it was before or shorter.
#include <glog/logging.h>

#include <algorithm>
#include <utility>

#include "common/base/planted_bug.h"
#include "storage/log/producer_snapshot.h"
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
  while (self->writing_ || self->syncing_ || self->checkpointing_ || self->changing_) {
    co_await self->Settled();
  }
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
  if (change == Change::kClose && self->journaled_) self->journaled_->Leave();
  --self->changes_;
  busy.End();
  self->StartSyncing();
  co_return changed;
}

host::Task<Result<void>> Store::Cut(Offset end) {
  if (end >= end_) co_return Result<void>();
  if (auto left = co_await LeaveToFiles(); !left) co_return left;
  end = std::max(end, start_);
  mark_.reset();
  const size_t index = segments_.empty() ? 0 : SegmentOf(end);
  Offset cut = end;
  // Where all files are lost, there is nothing to cut.
  auto part = std::make_shared<Segment>(end);
  if (!segments_.empty()) {
    auto below = co_await PartBelow(segments_[index], end, &cut);
    if (!below) co_return std::unexpected(below.error());
    part = std::move(*below);
  }
  // Of a batch that the start divides, nothing is left.
  cut = std::max(cut, start_);
  Producers producers = producers_;
  if (producers_.changed_end() > cut) {
    auto folded = co_await FoldProducers(cut, index, part->bytes());
    if (!folded) co_return std::unexpected(folded.error());
    producers = std::move(*folded);
  }
  if (!PLANTED_BUG("log: epochs outlive a cut")) epochs_.TruncateTo(cut);
  std::erase_if(damages_, [&](Damage& damage) {
    if (damage.to > cut) damage.bytes = 0;
    damage.to = std::min(damage.to, cut);
    return damage.from >= cut;
  });
  if (auto less = co_await ClaimLess(part, cut); !less) co_return less;
  if (auto files = co_await CutFiles(index, part); !files) co_return files;
  producers_ = std::move(producers);
  end_ = written_ = durable_ = synced_ = cut;
  if (journaled_) journaled_->EndsAt(cut);
  PlanFromFiles();
  co_return Result<void>();
}

host::Task<Result<SegmentPointer>> Store::PartBelow(SegmentPointer segment, Offset end,
                                                    Offset* cut) {
  if (auto loaded = co_await Load(segment); !loaded) co_return std::unexpected(loaded.error());
  auto reader = co_await Reader(segment);
  if (!reader) co_return std::unexpected(reader.error());
  auto part = std::make_shared<Segment>(*segment);
  part->indexes = std::make_shared<Indexes>(*segment->indexes);
  SegmentFold& fold = part->file.fold;
  const uint64_t from = fold.Rewind(part->indexes->offsets.Floor(end), *part->indexes);
  std::string path = RecordsPath(segment->base());
  // The boundary is the front of the batch that holds `end`, or the end of what is whole.
  bool is_found = false;
  auto scanned =
      co_await Scan(*reader, path, from, segment->bytes(), BatchRun::Check::kHeaders,
                    [&](const BatchHeader& header, uint64_t) -> std::string {
                      if (header.end_offset() > end) {
                        *cut = std::min(end, header.base_offset);
                        is_found = true;
                        return "the boundary";
                      }
                      std::string fault = OutOfPlace(header, fold.base, fold.end);
                      if (!fault.empty()) return fault;
                      fold.Add(header, options_.index_interval_bytes, part->indexes.get());
                      return "";
                    });
  if (!scanned) co_return std::unexpected(scanned.error());
  if (!scanned->fault.empty() && !is_found) {
    LOG(WARNING) << path << " is damaged at position " << scanned->position
                 << ", and cut there: " << scanned->fault;
    *cut = std::min(end, fold.end);
  }
  co_return std::move(part);
}

// The checkpoint says that what goes now is there.
host::Task<Result<void>> Store::ClaimLess(SegmentPointer part, Offset cut) {
  if (checkpoint_ && checkpoint_->end > cut) {
    Checkpoint less{start_, cut, {}, {}};
    for (const Checkpoint::File& file : checkpoint_->files) {
      if (file.fold.base < part->base()) less.files.push_back(file);
    }
    if (part->bytes() > 0) {
      // Of the indexes' files, what is left is the front.
      SetChecksums(*part->indexes, &part->file);
      less.files.push_back(part->file);
    }
    auto wrote = co_await WriteCheckpoint(std::move(less), Names::kSynced);
    if (!wrote) co_return wrote;
  }
  LeaderEpochs saved = saved_epochs_;
  saved.TruncateTo(cut);
  if (saved != saved_epochs_) {
    if (auto wrote = co_await WriteEpochs(std::move(saved)); !wrote) co_return wrote;
  }
  // Those that were removed before are gone for certain only now.
  auto dropped = co_await DropSnapshots(cut + 1, Offset::Max());
  if (dropped && has_folder_) dropped = co_await SyncFolderNames(host_.disk, folder_);
  co_return dropped;
}

// Leaves what `part` says of the segment, and nothing after it; synced.
host::Task<Result<void>> Store::CutFiles(size_t segment, SegmentPointer part) {
  reader_ = nullptr;
  reader_of_ = nullptr;
  loaded_.clear();
  const bool is_kept = part->bytes() > 0;
  size_t kept = is_kept ? segment + 1 : segment;
  while (segments_.size() > kept) {
    if (auto removed = co_await RemoveLastSegment(); !removed) co_return removed;
  }
  ++layout_;
  if (!is_kept) {
    active_ = nullptr;
    has_active_ = false;
    co_return Result<void>();
  }
  if (part->bytes() < segments_.back()->bytes()) {
    auto file = co_await OpenFile(host_.disk, RecordsPath(part->base()), host::OpenMode::kWrite);
    if (!file) co_return std::unexpected(file.error());
    auto cut = co_await TruncateFile(*file, part->bytes());
    if (cut) cut = co_await SyncFile(*file);
    if (!cut) co_return std::unexpected(cut.error().While("cutting " + RecordsPath(part->base())));
    active_ = std::move(*file);
  }
  segments_.back() = std::move(part);
  has_active_ = true;
  co_return Result<void>();
}

// Synced one by one, the last one first, so that a crash leaves no gap.
host::Task<Result<void>> Store::RemoveLastSegment() {
  Offset base = segments_.back()->base();
  active_ = nullptr;
  auto removed = co_await RemovePath(host_.disk, RecordsPath(base));
  if (removed) removed = co_await RemovePath(host_.disk, Path(IndexName(base)));
  if (removed) removed = co_await RemovePath(host_.disk, Path(TimeIndexName(base)));
  if (removed) removed = co_await SyncFolderNames(host_.disk, folder_);
  if (removed) segments_.pop_back();
  co_return removed;
}

// The producers of all that is below `cut`, which lies at `position` of the segment.
host::Task<Result<Producers>> Store::FoldProducers(Offset cut, size_t segment, uint64_t position) {
  Producers producers;
  Offset from;
  for (auto at = snapshots_.upper_bound(cut); at != snapshots_.begin();) {
    const Offset snapshot = *--at;
    auto bytes = co_await ReadWholeFile(host_.disk, Path(SnapshotName(snapshot)));
    if (!bytes && bytes.error().kind != Error::Kind::kNotFound) {
      co_return std::unexpected(bytes.error());
    }
    auto decoded = bytes ? DecodeProducerSnapshot(bytes->view(), snapshot) : std::nullopt;
    if (!decoded) continue;
    producers = std::move(*decoded);
    from = snapshot;
    break;
  }
  for (size_t i = 0; i <= segment && i < segments_.size(); ++i) {
    SegmentPointer at = segments_[i];
    if (at->end() <= from) continue;
    if (auto loaded = co_await Load(at); !loaded) co_return std::unexpected(loaded.error());
    auto reader = co_await Reader(at);
    if (!reader) co_return std::unexpected(reader.error());
    const uint64_t begin = at->base() < from ? at->indexes->offsets.Floor(from) : 0;
    const uint64_t to = i == segment ? position : at->bytes();
    Offset next = at->base();
    auto end = co_await Scan(*reader, RecordsPath(at->base()), std::min(begin, to), to,
                             BatchRun::Check::kHeaders,
                             [&](const BatchHeader& header, uint64_t) -> std::string {
                               std::string fault = OutOfPlace(header, at->base(), next);
                               if (!fault.empty()) return fault;
                               next = header.end_offset();
                               if (header.base_offset >= from) producers.Apply(header);
                               return "";
                             });
    if (!end) co_return std::unexpected(end.error());
    // What is damaged is no longer known; what follows it is.
  }
  co_return producers;
}

host::Task<Result<void>> Store::Empty(Offset start) {
  if (auto left = co_await LeaveToFiles(); !left) co_return left;
  mark_.reset();
  damages_.clear();
  if (!segments_.empty()) {
    // From the last to the first: what is left at any time is the front of a log.
    Checkpoint less{start_, segments_.front()->base(), {}, {}};
    if (auto wrote = co_await WriteCheckpoint(std::move(less), Names::kSynced); !wrote) {
      co_return wrote;
    }
    auto dropped = co_await DropSnapshots(segments_.front()->base() + 1, Offset::Max());
    if (!dropped) co_return dropped;
    auto nothing = std::make_shared<Segment>(segments_.front()->base());
    if (auto cut = co_await CutFiles(0, nothing); !cut) co_return cut;
  }
  if (auto made = co_await EnsureFolder(); !made) co_return made;
  if (auto wrote = co_await WriteEpochs({}); !wrote) co_return wrote;
  if (auto dropped = co_await DropSnapshots(Offset(0), Offset::Max()); !dropped) co_return dropped;
  epochs_ = {};
  producers_ = {};
  start_ = end_ = written_ = durable_ = synced_ = start;
  if (journaled_) journaled_->EndsAt(start);
  PlanFromFiles();
  // An empty folder would begin at 0.
  co_return co_await WriteCheckpoint(CheckpointOf(start), Names::kSynced);
}

host::Task<Result<void>> Store::CleanStop() {
  closed_ = true;
  const bool has_nothing_new = checkpoint_ ? *checkpoint_ == CheckpointOf(end_) : segments_.empty();
  if (!has_nothing_new) {
    if (auto sealed = co_await Seal(Folds{epochs_, producers_}, true); !sealed) co_return sealed;
  }
  // All is in its files: the journal may forget it.
  if (auto synced = co_await SyncWritten(); !synced) co_return synced;
  active_ = nullptr;
  reader_ = nullptr;
  reader_of_ = nullptr;
  co_return Result<void>();
}

}  // namespace weir::log
