// SPDX-License-Identifier: Apache-2.0
// One write is under way at a time, and one sync beside it; what comes meanwhile goes together with
// the next.
#include <glog/logging.h>

#include <algorithm>
#include <utility>

#include "common/base/planted_bug.h"
#include "storage/log/format/partition_metadata.h"
#include "storage/log/store.h"

namespace weir::log {

void Store::StartWriting() {
  if (!writing_ && !pending_.empty()) host::Spawn(WriteLoop(shared_from_this()));
}

void Store::StartSyncing() {
  if (!syncing_ && !rolling_ && !changing_ && MaySync() && WantsSync()) {
    host::Spawn(SyncLoop(shared_from_this()));
  }
}

// What failed for want of room may be synced, or it would hold the journal's room for ever.
bool Store::MaySync() const {
  const bool is_alive =
      !failed_ || failed_->kind == Error::Kind::kFull || failed_->kind == Error::Kind::kUnavailable;
  return is_alive && !closed_ && !abandoned_;
}

bool Store::WantsSync() const {
  if (journaled_) return journaled_->wants_sync(synced_, written_);
  return options_.flush && !failed_ && synced_ < written_;
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
    self->StartAdvancing();
    self->events_->OnWritten(self->written_);
    if (self->abandoned_) break;
    self->TellDurable();
    if (self->abandoned_) break;
  }
  busy.End();
}

std::vector<Store::Pending> Store::TakeGroup() {
  constexpr size_t kGroupBytesMax = 4 << 20;
  std::vector<Pending> group;
  size_t bytes = 0;
  while (!pending_.empty() && (group.empty() || !pending_.front().begins)) {
    bytes += pending_.front().header.size();
    if (!group.empty() && bytes > kGroupBytesMax) break;
    group.push_back(std::move(pending_.front()));
    pending_.pop_front();
  }
  return group;
}

host::Task<Result<void>> Store::WriteGroup(std::vector<Pending> group) {
  if (group.front().begins) {
    auto started = co_await StartSegment(group.front().header.base_offset, group.front().rolls);
    if (!started) co_return started;
  }
  if (auto opened = co_await OpenActive(); !opened) co_return opened;
  Pieces pieces;
  for (Pending& pending : group) {
    for (Bytes& piece : pending.pieces) pieces.push_back(std::move(piece));
  }
  SegmentPointer segment = segments_.back();
  auto wrote = co_await WriteFile(active_, segment->bytes(), std::move(pieces));
  if (!wrote) {
    co_return std::unexpected(wrote.error().While("writing " + RecordsPath(segment->base())));
  }
  for (const Pending& pending : group) {
    segment->file.fold.Add(pending.header, options_.index_interval_bytes, segment->indexes.get());
    if (pending.marks) mark_ = Mark{segment->file.fold, pending.marks};
  }
  segment->file.written_at = host_.clock.WallNow();
  written_ = segment->end();
  CHECK_LE(written_, end_);
  if (journaled_) journaled_->Written(written_);
  co_return Result<void>();
}

host::Task<Result<void>> Store::StartSegment(Offset base, FoldsPointer rolls) {
  while (syncing_ || checkpointing_) co_await Settled();
  if (failed_) co_return std::unexpected(*failed_);
  // Only the first batch of all may reach below the log's start.
  if (!segments_.empty()) CHECK_GE(base, written_);
  Busy busy(shared_from_this(), &checkpointing_);
  Busy rolling(shared_from_this(), &rolling_);
  Result<void> done;
  if (rolls) done = co_await Seal(*rolls, false);
  if (done) done = co_await EnsureFolder();
  if (done && checkpoint_ && checkpoint_->end > base) {
    done = co_await WriteCheckpoint(CheckpointOf(base), Names::kSynced);
  }
  if (!done) {
    rolling.End();
    busy.End();
    co_return done;
  }
  auto opened = co_await OpenFile(host_.disk, RecordsPath(base), host::OpenMode::kCreate);
  if (opened && !PLANTED_BUG("log: the name of a segment is not synced")) {
    done = co_await SyncFolderNames(host_.disk, folder_);
  }
  if (!opened) done = std::unexpected(opened.error());
  if (done) {
    segments_.push_back(std::make_shared<Segment>(base));
    segments_.back()->created = segments_.back()->file.written_at = host_.clock.WallNow();
    has_active_ = true;
    active_ = std::move(*opened);
  }
  rolling.End();
  busy.End();
  co_return done;
}

host::Task<Result<void>> Store::OpenActive() {
  CHECK(has_active_);
  SegmentPointer segment = segments_.back();
  if (!segment->indexes) {
    if (auto loaded = co_await Load(segment); !loaded) co_return loaded;
  }
  if (active_) co_return Result<void>();
  auto opened = co_await OpenFile(host_.disk, RecordsPath(segment->base()), host::OpenMode::kWrite);
  if (!opened) co_return std::unexpected(opened.error());
  active_ = std::move(*opened);
  co_return Result<void>();
}

// The folder's first file says whose it is.
host::Task<Result<void>> Store::EnsureFolder() {
  if (has_folder_) co_return Result<void>();
  auto made = co_await MakeFolderSynced(host_.disk, folder_);
  if (made && options_.topic) {
    made = co_await WriteWholeFile(host_.disk, Path(kPartitionMetadataName),
                                   EncodePartitionMetadata(*options_.topic), Durability::kSynced);
  }
  if (made) has_folder_ = true;
  co_return made;
}

host::Task<void> Store::SyncLoop(std::shared_ptr<Store> self) {
  Busy busy(self, &self->syncing_);
  while (self->MaySync() && self->WantsSync()) {
    auto synced = co_await self->SyncWritten();
    if (synced) continue;
    self->Fail(synced.error());
    break;
  }
  busy.End();
}

host::Task<Result<void>> Store::SyncWritten() {
  // The file does not change meanwhile: a roll waits for the sync under way.
  const Offset target = written_;
  const journal::Ticket mark = journaled_ ? journaled_->Mark() : journal::Ticket();
  if (synced_ < target) {
    if (auto opened = co_await OpenActive(); !opened) co_return opened;
    Result<void> synced;
    FilePointer file = active_;
    if (!PLANTED_BUG("log: durable before the sync")) synced = co_await SyncFile(file);
    if (!synced) {
      co_return std::unexpected(
          synced.error().While("syncing " + RecordsPath(segments_.back()->base())));
    }
    synced_ = std::max(synced_, target);
  }
  if (journaled_) journaled_->Synced(mark, target);
  TellDurable();
  co_return Result<void>();
}

// What is durable is told when it can be read as well.
void Store::TellDurable() {
  const Offset durable = journaled_ ? std::min(journaled_->committed(), written_) : synced_;
  if (durable <= durable_) return;
  durable_ = durable;
  if (options_.flush && events_ != nullptr) events_->OnDurable(durable_);
}

}  // namespace weir::log
