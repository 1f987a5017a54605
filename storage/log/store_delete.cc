// SPDX-License-Identifier: Apache-2.0
// What is deleted while appends and reads go on. The checkpoint first says where the log begins;
// then the files get names under which no recovery finds them, and later they go.
#include <glog/logging.h>

#include <algorithm>
#include <utility>

#include "storage/log/store.h"

namespace weir::log {

void Store::DeleteBefore(Offset start, Callback<void(Result<void>)> done) {
  host::Spawn(RunDelete(shared_from_this(), start), std::move(done));
}

host::Task<Result<void>> Store::RunDelete(std::shared_ptr<Store> self, Offset start) {
  co_await Turn(self->host_.strand);
  while (self->checkpointing_ || self->changing_) co_await self->Settled();
  if (self->failed_ || self->closed_ || self->abandoned_) co_return self->Closed();
  if (start > self->written_) {
    co_return weir::Fail(Error::Kind::kInvalid,
                         "cannot delete up to offset " + std::to_string(start.value()) +
                             "; the log ends at " + std::to_string(self->written_.value()));
  }
  if (start <= self->start_) co_return Result<void>();
  Busy busy(self, &self->checkpointing_);
  auto deleted = co_await self->CarryOut(self->PlanOf({}, start, self->written_));
  if (!deleted) self->Fail(deleted.error());
  busy.End();
  self->StartAdvancing();
  co_return deleted;
}

void Store::Upkeep(Offset limit) {
  if (keeping_ || failed_ || closed_ || changes_ > 0) return;
  host::Spawn(RunUpkeep(shared_from_this(), limit));
}

host::Task<void> Store::RunUpkeep(std::shared_ptr<Store> self, Offset limit) {
  Busy keeping(self, &self->keeping_);
  co_await Turn(self->host_.strand);
  while (self->checkpointing_ || self->changing_) co_await self->Settled();
  const bool is_over = self->failed_ || self->closed_ || self->abandoned_ || self->changes_ > 0;
  if (!is_over) {
    Busy busy(self, &self->checkpointing_);
    auto kept = co_await self->Retain(limit);
    if (kept) kept = co_await self->RemoveRetired();
    if (!kept) self->Fail(kept.error());
    busy.End();
    self->MarkByAge();
    self->ForgetIdle();
    self->StartAdvancing();
  }
  keeping.End();
}

RetentionPlan Store::PlanOf(const RetentionRules& rules, Offset start, Offset limit) const {
  std::vector<SegmentAge> ages;
  ages.reserve(segments_.size());
  for (const SegmentPointer& segment : segments_) {
    const Checkpoint::File& file = segment->file;
    ages.push_back({segment->base(), segment->end(), segment->bytes(),
                    file.fold.largest.ms >= 0 ? file.fold.largest : file.written_at});
  }
  return PlanRetention(ages, has_active_, rules, start, limit, host_.clock.WallNow());
}

host::Task<Result<void>> Store::Retain(Offset limit) {
  limit = std::min(limit, written_);
  RetentionPlan plan = PlanOf(options_.retention, start_, limit);
  if (plan.takes_active) {
    // Only a log at rest: where something comes, the active segment is not too old for long.
    const bool rests = !writing_ && !syncing_ && pending_.empty() && written_ == end_;
    if (rests) {
      if (auto closed = co_await CloseActive(); !closed) co_return closed;
      plan = PlanOf(options_.retention, start_, limit);
    }
    if (plan.takes_active) plan = PlanOf(options_.retention, start_, segments_.back()->base());
  }
  if (plan.segments == 0) co_return Result<void>();
  co_return co_await CarryOut(plan);
}

// What is appended meanwhile begins another segment, and waits to be written.
host::Task<Result<void>> Store::CloseActive() {
  Busy busy(shared_from_this(), &writing_);
  Busy rolling(shared_from_this(), &rolling_);
  BeginPlanned(end_, host_.clock.WallNow());
  auto sealed = co_await Seal(Folds{epochs_, producers_}, false);
  rolling.End();
  busy.End();
  if (sealed) StartWriting();
  co_return sealed;
}

host::Task<Result<void>> Store::CarryOut(RetentionPlan plan) {
  CHECK_LE(plan.segments, segments_.size());
  if (plan.segments == segments_.size()) CHECK(!has_active_);
  CHECK_LE(plan.start, written_);
  const auto gone_end = segments_.begin() + static_cast<ptrdiff_t>(plan.segments);
  std::vector<SegmentPointer> gone(segments_.begin(), gone_end);
  Checkpoint less = checkpoint_.value_or(Checkpoint{start_, Offset(0), {}, {}});
  less.start = plan.start;
  std::erase_if(less.files, [&](const Checkpoint::File& file) {
    return std::ranges::any_of(gone, [&](const auto& g) { return g->base() == file.fold.base; });
  });
  if (!checkpoint_) less.end = gone_end == segments_.end() ? plan.start : (*gone_end)->base();
  if (auto made = co_await EnsureFolder(); !made) co_return made;
  auto wrote = co_await WriteCheckpoint(std::move(less), Names::kSynced);
  if (!wrote) co_return wrote;
  // Nothing else takes segments away meanwhile.
  segments_.erase(segments_.begin(), segments_.begin() + static_cast<ptrdiff_t>(plan.segments));
  start_ = plan.start;
  epochs_.DropBefore(start_);
  std::erase_if(damages_, [&](Damage& damage) {
    if (damage.from < start_) damage.bytes = 0;
    damage.from = std::max(damage.from, start_);
    return damage.from >= damage.to;
  });
  ++layout_;
  for (const SegmentPointer& segment : gone) {
    LOG(INFO) << "deleting " << RecordsPath(segment->base()) << ", " << segment->bytes()
              << " bytes: the log begins at offset " << start_;
    std::erase(loaded_, segment);
    if (reader_of_ == segment) {
      reader_ = nullptr;
      reader_of_ = nullptr;
    }
    if (auto retired = co_await Retire(segment->base()); !retired) co_return retired;
  }
  if (events_ != nullptr) events_->OnStartMoved(start_);
  if (gone.empty() || snapshots_.empty()) co_return Result<void>();
  // The last one at or below the first segment's front says which producers were there.
  auto first = snapshots_.upper_bound(segments_.empty() ? end_ : segments_.front()->base());
  if (first != snapshots_.begin()) --first;
  co_return co_await DropSnapshots(Offset(0), *first);
}

host::Task<Result<void>> Store::Retire(Offset base) {
  const Instant due = host_.clock.Now() + options_.file_delete_delay;
  for (FileKind kind : {FileKind::kRecords, FileKind::kOffsetIndex, FileKind::kTimeIndex}) {
    std::string from = Path(FileName{base, kind}.ToString());
    std::string to = Path(FileName{base, kind, FileStage::kDeleted}.ToString());
    auto renamed = co_await RenamePath(host_.disk, from, to);
    if (!renamed && renamed.error().kind == Error::Kind::kNotFound) continue;
    if (!renamed) co_return renamed;
    retired_.push_back({due, std::move(to)});
  }
  co_return Result<void>();
}

host::Task<Result<void>> Store::RemoveRetired() {
  const Instant now = host_.clock.Now();
  while (!retired_.empty() && retired_.front().due <= now) {
    std::string path = std::move(retired_.front().path);
    retired_.pop_front();
    // The same base may have been written, and deleted, again since.
    if (std::ranges::any_of(retired_, [&](const Retired& r) { return r.path == path; })) continue;
    if (auto removed = co_await RemovePath(host_.disk, path); !removed) co_return removed;
  }
  co_return Result<void>();
}

void Store::MarkByAge() {
  const Offset known = checkpoint_ ? checkpoint_->end : start_;
  if (mark_ || !has_active_ || known >= written_) return;
  if (host_.clock.Now() - checkpointed_at_ < options_.recovery_age) return;
  if (!pending_.empty() || writing_ || written_ != end_) {
    wants_mark_ = true;
    return;
  }
  mark_ = Mark{segments_.back()->file.fold, std::make_shared<const Folds>(epochs_, producers_)};
}

// What is all in its files need not be held in memory.
void Store::ForgetIdle() {
  loaded_.clear();
  for (const SegmentPointer& segment : segments_) {
    if (!is_active(segment)) segment->indexes = nullptr;
  }
  const bool rests = has_active_ && !writing_ && !syncing_ && !checkpointing_ && pending_.empty();
  if (!rests || !checkpoint_ || checkpoint_->files.empty()) return;
  if (checkpoint_->files.back() != segments_.back()->file) return;
  segments_.back()->indexes = nullptr;
  active_ = nullptr;
}

}  // namespace weir::log
