// SPDX-License-Identifier: Apache-2.0
// The recovery point. What a checkpoint tells of is on the disk before it; so are the folds that go
// with it, of which the producers may be lost, for they can be made again.
#include <glog/logging.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/base/planted_bug.h"
#include "storage/log/producer_snapshot.h"
#include "storage/log/store.h"

namespace weir::log {

void Store::StartAdvancing() {
  if (mark_ && !checkpointing_ && changes_ == 0) host::Spawn(AdvanceLoop(shared_from_this()));
}

host::Task<void> Store::AdvanceLoop(std::shared_ptr<Store> self) {
  Busy busy(self, &self->checkpointing_);
  while (self->mark_ && !self->failed_ && !self->abandoned_) {
    Mark mark = *std::exchange(self->mark_, std::nullopt);
    auto advanced = co_await self->Advance(std::move(mark));
    if (!advanced) self->Fail(advanced.error());
  }
  busy.End();
}

// Meanwhile the active segment stays the active one: a roll waits.
host::Task<Result<void>> Store::Advance(Mark mark) {
  const Offset end = mark.fold.end;
  SegmentPointer segment = segments_.back();
  CHECK_EQ(segment->base(), mark.fold.base);
  if (synced_ < end) {
    if (auto synced = co_await SyncWritten(); !synced) co_return synced;
  }
  Checkpoint::File file = segment->file;
  file.fold = mark.fold;
  if (auto loaded = co_await Load(segment); !loaded) co_return loaded;
  auto done = co_await SaveIndexes(host_.disk, folder_, segment->indexes, &file);
  if (done) done = co_await WriteFolds(end, *mark.folds);
  if (!done) co_return done;
  Checkpoint checkpoint = CheckpointOf(end);
  checkpoint.files.back() = file;
  if (segment->file.fold == file.fold) segment->file = file;
  co_return co_await WriteCheckpoint(std::move(checkpoint), Names::kLater);
}

host::Task<Result<void>> Store::Seal(Folds folds, bool stays_active) {
  mark_.reset();
  if (!PLANTED_BUG("log: a checkpoint before what it tells of")) {
    if (auto synced = co_await SyncWritten(); !synced) co_return synced;
  }
  if (has_active_) {
    SegmentPointer segment = segments_.back();
    if (auto loaded = co_await Load(segment); !loaded) co_return loaded;
    segment->file.fold.Finish(*segment->indexes);
    auto saved = co_await SaveIndexes(host_.disk, folder_, segment->indexes, &segment->file);
    if (!saved) co_return saved;
  }
  if (auto made = co_await EnsureFolder(); !made) co_return made;
  if (auto wrote = co_await WriteFolds(written_, folds); !wrote) co_return wrote;
  auto wrote = co_await WriteCheckpoint(CheckpointOf(written_), Names::kSynced);
  if (wrote && has_active_ && !stays_active) {
    has_active_ = false;
    active_ = nullptr;
    loaded_.push_back(segments_.back());
  }
  co_return wrote;
}

host::Task<Result<void>> Store::WriteFolds(Offset end, const Folds& folds) {
  if (folds.epochs != saved_epochs_) {
    if (auto wrote = co_await WriteEpochs(folds.epochs); !wrote) co_return wrote;
  }
  auto wrote =
      co_await WriteWholeFile(host_.disk, Path(SnapshotName(end)),
                              EncodeProducerSnapshot(folds.producers), Durability::kCached);
  if (!wrote) co_return wrote;
  // The last one before each segment stays, for a cut to begin with; and so does the newest.
  std::optional<Offset> before;
  if (auto at = snapshots_.lower_bound(end); at != snapshots_.begin()) before = *std::prev(at);
  snapshots_.insert(end);
  const bool is_needed = before && std::ranges::any_of(segments_, [&](const auto& segment) {
                           return *before <= segment->base() && segment->base() < end;
                         });
  if (!before || is_needed) co_return Result<void>();
  co_return co_await DropSnapshots(*before, *before + 1);
}

// Synced before the checkpoint that relies on it.
host::Task<Result<void>> Store::WriteEpochs(LeaderEpochs epochs) {
  std::string path = Path(kEpochCheckpointName);
  auto wrote = co_await WriteWholeFile(host_.disk, path + ".tmp", EncodeEpochCheckpoint(epochs),
                                       Durability::kSynced);
  if (wrote) wrote = co_await RenamePath(host_.disk, path + ".tmp", path);
  if (wrote) wrote = co_await SyncFolderNames(host_.disk, folder_);
  if (wrote) saved_epochs_ = std::move(epochs);
  co_return wrote;
}

Checkpoint Store::CheckpointOf(Offset end) const {
  Checkpoint checkpoint{start_, end, {}, damages_};
  for (const SegmentPointer& segment : segments_) checkpoint.files.push_back(segment->file);
  return checkpoint;
}

// Where an older one may come back after a crash, it claims less, and does no harm.
host::Task<Result<void>> Store::WriteCheckpoint(Checkpoint checkpoint, Names names) {
  std::string path = Path(kCheckpointName);
  checkpoint.damages = damages_;
  auto wrote =
      co_await WriteWholeFile(host_.disk, path + ".new", checkpoint.Encode(), Durability::kSynced);
  if (wrote) wrote = co_await RenamePath(host_.disk, path + ".new", path);
  if (wrote && names == Names::kSynced) wrote = co_await SyncFolderNames(host_.disk, folder_);
  if (wrote) {
    checkpoint_ = std::move(checkpoint);
    checkpointed_at_ = host_.clock.Now();
  }
  co_return wrote;
}

host::Task<Result<void>> Store::DropSnapshots(Offset from, Offset to) {
  while (true) {
    auto at = snapshots_.lower_bound(from);
    if (at == snapshots_.end() || *at >= to) co_return Result<void>();
    Offset snapshot = *at;
    auto removed = co_await RemovePath(host_.disk, Path(SnapshotName(snapshot)));
    if (!removed) co_return removed;
    snapshots_.erase(snapshot);
  }
}

}  // namespace weir::log
