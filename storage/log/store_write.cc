// SPDX-License-Identifier: Apache-2.0
// One write is under way at a time, and one sync beside it; what comes meanwhile goes together with
// the next.
#include <glog/logging.h>

#include <utility>

#include "common/base/planted_bug.h"
#include "storage/log/store.h"

namespace weir::log {

void Store::StartWriting() {
  if (!writing_ && !pending_.empty()) host::Spawn(WriteLoop(shared_from_this()));
}

void Store::StartSyncing() {
  if (options_.flush && !syncing_ && durable_ < written_) {
    host::Spawn(SyncLoop(shared_from_this()));
  }
}

host::Task<void> Store::WriteLoop(std::shared_ptr<Store> self) {
  Busy busy(self, &self->writing_);
  while (!self->failed_ && !self->pending_.empty()) {
    std::vector<Pending> group = self->TakeGroup();
    auto wrote = co_await self->WriteGroup(std::move(group));
    if (self->abandoned_) break;
    if (!wrote) {
      self->Fail(wrote.error());
      break;
    }
    self->StartSyncing();
    self->events_->OnWritten(self->written_);
    if (self->abandoned_) break;
  }
  busy.End();
}

std::vector<Store::Pending> Store::TakeGroup() {
  constexpr size_t kGroupBytesMax = 4 << 20;
  std::vector<Pending> group;
  size_t bytes = 0;
  while (!pending_.empty() && (group.empty() || !pending_.front().rolls)) {
    bytes += pending_.front().bytes;
    if (!group.empty() && bytes > kGroupBytesMax) break;
    group.push_back(std::move(pending_.front()));
    pending_.pop_front();
  }
  return group;
}

host::Task<Result<void>> Store::WriteGroup(std::vector<Pending> group) {
  if (segments_.empty() || group.front().rolls) {
    auto started = co_await StartSegment(group.front().base, group.front().rolls);
    if (!started) co_return started;
  }
  if (!active_) {
    auto opened = co_await OpenActive();
    if (!opened) co_return opened;
  }
  Pieces pieces;
  for (Pending& pending : group) {
    for (Bytes& piece : pending.pieces) pieces.push_back(std::move(piece));
  }
  auto wrote = co_await WriteFile(active_, segments_.back().bytes, std::move(pieces));
  Segment& segment = segments_.back();
  if (!wrote) {
    co_return std::unexpected(wrote.error().While("writing " + RecordsPath(segment.base)));
  }
  for (const Pending& pending : group) {
    segment.index.Told(pending.last, segment.bytes, pending.bytes);
    segment.bytes += pending.bytes;
  }
  written_ = group.back().last + 1;
  CHECK_LE(written_, end_);
  co_return Result<void>();
}

host::Task<Result<void>> Store::StartSegment(Offset base, std::shared_ptr<const Folds> rolls) {
  while (syncing_) co_await Settled();
  if (failed_) co_return std::unexpected(*failed_);
  CHECK_EQ(written_, base);
  if (rolls) {
    auto sealed = co_await Seal(*rolls);
    if (!sealed) co_return sealed;
  }
  if (auto made = co_await EnsureFolder(); !made) co_return made;
  auto opened = co_await OpenFile(host_.disk, RecordsPath(base), host::OpenMode::kCreate);
  if (!opened) co_return std::unexpected(opened.error());
  if (!PLANTED_BUG("log: the name of a segment is not synced")) {
    auto synced = co_await SyncFolderNames(host_.disk, folder_);
    if (!synced) co_return synced;
  }
  segments_.emplace_back(base);
  active_ = std::move(*opened);
  co_return Result<void>();
}

host::Task<Result<void>> Store::OpenActive() {
  auto opened =
      co_await OpenFile(host_.disk, RecordsPath(segments_.back().base), host::OpenMode::kWrite);
  if (!opened) co_return std::unexpected(opened.error());
  active_ = std::move(*opened);
  co_return Result<void>();
}

host::Task<Result<void>> Store::EnsureFolder() {
  if (has_folder_) co_return Result<void>();
  auto made = co_await MakeFolderSynced(host_.disk, folder_);
  if (made) has_folder_ = true;
  co_return made;
}

host::Task<void> Store::SyncLoop(std::shared_ptr<Store> self) {
  Busy busy(self, &self->syncing_);
  while (!self->failed_ && !self->abandoned_ && self->durable_ < self->written_) {
    auto synced = co_await self->SyncWritten();
    if (!synced) self->Fail(synced.error());
  }
  busy.End();
}

host::Task<Result<void>> Store::SyncWritten() {
  if (durable_ == written_) co_return Result<void>();
  // The file does not change meanwhile: a roll waits for the sync under way.
  Offset target = written_;
  Result<void> synced;
  if (!PLANTED_BUG("log: durable before the sync")) synced = co_await SyncFile(active_);
  if (!synced) {
    co_return std::unexpected(
        synced.error().While("syncing " + RecordsPath(segments_.back().base)));
  }
  durable_ = target;
  if (options_.flush && events_ != nullptr) events_->OnDurable(durable_);
  co_return Result<void>();
}

host::Task<Result<void>> Store::Seal(const Folds& folds) {
  if (!PLANTED_BUG("log: a checkpoint before what it tells of")) {
    if (auto synced = co_await SyncWritten(); !synced) co_return synced;
  }
  if (!segments_.empty()) {
    auto wrote = co_await WriteIndex(host_.disk, folder_, segments_.back());
    if (!wrote) co_return wrote;
  }
  co_return co_await WriteCheckpoint(folds);
}

host::Task<Result<void>> Store::WriteCheckpoint(const Folds& folds) {
  Checkpoint checkpoint{start_, written_, {}, folds.epochs, folds.producers};
  for (const Segment& segment : segments_) {
    checkpoint.files.push_back({segment.base, segment.bytes, segment.index_checksum});
  }
  if (auto made = co_await EnsureFolder(); !made) co_return made;
  std::string path = Path(kCheckpointName);
  auto wrote =
      co_await WriteWholeFile(host_.disk, path + ".new", checkpoint.Encode(), Durability::kSynced);
  if (wrote) wrote = co_await RenamePath(host_.disk, path + ".new", path);
  if (wrote) wrote = co_await SyncFolderNames(host_.disk, folder_);
  if (wrote) checkpoint_end_ = checkpoint.end;
  co_return wrote;
}

host::Task<Result<void>> Store::RemoveCheckpoint() {
  checkpoint_end_.reset();
  auto removed = co_await RemovePath(host_.disk, Path(kCheckpointName));
  if (removed) removed = co_await SyncFolderNames(host_.disk, folder_);
  co_return removed;
}

}  // namespace weir::log
