// SPDX-License-Identifier: Apache-2.0
// The log's part in its directory's journal. What a start finds there is put back into the files,
// behind what they have, before anything else happens; any step may be the last before a crash, for
// the journal still has it.
#include <glog/logging.h>

#include <algorithm>
#include <utility>

#include "storage/log/store.h"

namespace weir::log {

using records::BatchHeader;
using records::BatchRun;

host::Task<Result<void>> Store::Join(std::shared_ptr<Store> self, InJournal journal) {
  const bool is_known = journal.journal->Knows(journal.partition);
  if (!self->options_.flush && !is_known) co_return Result<void>();
  // Nobody has the log yet who could be told anything of it.
  LogEvents* events = std::exchange(self->events_, nullptr);
  // Until all is put back, no sync of the files is one that the journal may rely on.
  auto journaled = self->Attach(journal);
  Result<void> joined;
  if (is_known) joined = co_await self->PutBack(*journaled);
  self->journaled_ = std::move(journaled);
  if (joined && !self->options_.flush) {
    // What happens in `cache` is not told to the journal, which must not undo it.
    joined = co_await self->Committed();
    co_await Turn(self->host_.strand);
    self->journaled_ = nullptr;
  }
  if (joined && self->failed_) joined = std::unexpected(*self->failed_);
  self->events_ = events;
  co_return joined;
}

std::unique_ptr<Journaled> Store::Attach(InJournal journal) {
  auto told = [this](auto what) {
    return [weak = weak_from_this(), what](auto&&... args) {
      if (auto store = weak.lock(); store && !store->abandoned_) what(*store, args...);
    };
  };
  Journaled::Hooks hooks{
      .committed = told([](Store& store) { store.TellDurable(); }),
      .wants_sync = told([](Store& store) { store.StartSyncing(); }),
      .failed = told([](Store& store, const Error& error) { store.Fail(error); }),
      .hold = [weak = weak_from_this()] { return weak.lock(); },
  };
  return std::make_unique<Journaled>(*journal.journal, journal.partition, end_, std::move(hooks));
}

host::Task<Result<void>> Store::PutBack(Journaled& journaled) {
  const journal::Tail tail = journaled.tail();
  const Offset before = end_;
  Result<void> done;
  for (size_t i = 0; done && i < tail.size(); ++i) {
    done = co_await PutBackExtent(tail[i], journaled);
  }
  if (done) done = co_await WritePending();
  if (done) done = co_await SyncWritten();
  if (!done) co_return done;
  if (before < end_) {
    LOG(INFO) << folder_ << " had lost what was appended from offset " << before << " to " << end_
              << ": the journal had it";
  }
  // All that it was told of this log is over.
  journaled.Forget();
  journaled.EndsAt(end_);
  co_return Result<void>();
}

host::Task<Result<void>> Store::PutBackExtent(journal::Extent extent, Journaled& journaled) {
  constexpr size_t kWrittenAtOnce = 256;
  if (extent.end <= end_) co_return Result<void>();
  if (extent.base > end_) {
    if (auto skipped = co_await SkipTo(extent.base); !skipped) co_return skipped;
  }
  auto bytes = co_await journaled.Read(extent);
  if (!bytes) co_return std::unexpected(bytes.error().While("reading the journal"));
  BatchRun run(std::move(*bytes));
  const WallTime now = host_.clock.WallNow();
  while (true) {
    auto batch = run.Next();
    if (batch && !*batch) break;
    std::string wrong = batch ? PutBackBatch((*batch)->header, std::move((*batch)->bytes), now)
                              : batch.error().message;
    if (wrong.empty()) continue;
    co_return weir::Fail(Error::Kind::kCorrupt, "what the journal has of " + folder_ +
                                                    " at offset " +
                                                    std::to_string(extent.base.value()) +
                                                    " does not belong there: " + wrong);
  }
  if (pending_.size() < kWrittenAtOnce) co_return Result<void>();
  co_return co_await WritePending();
}

// Says what is wrong with the batch there; empty where nothing is.
std::string Store::PutBackBatch(const BatchHeader& header, Bytes batch, WallTime now) {
  if (header.end_offset() <= end_) return "";
  const bool is_empty = start_ == end_ && segments_.empty() && pending_.empty();
  if (header.base_offset < end_ && !is_empty) {
    return "a batch begins at offset " + std::to_string(header.base_offset.value()) +
           ", and the log ends at " + std::to_string(end_.value());
  }
  if (header.leader_epoch < epochs_.latest().value_or(LeaderEpoch(0))) {
    return "its leader epoch " + std::to_string(header.leader_epoch.value()) + " is over";
  }
  if (header.base_offset < end_) BeginBelowStart(header.base_offset);
  Enqueue(header, {std::move(batch)}, now);
  if (header.base_offset < start_) epochs_.DropBefore(start_);
  return "";
}

// What lies between was synced, and is not there any more.
host::Task<Result<void>> Store::SkipTo(Offset next) {
  if (auto wrote = co_await WritePending(); !wrote) co_return wrote;
  const Offset lost = end_;
  if (has_active_) {
    if (auto sealed = co_await Seal(Folds{epochs_, producers_}, false); !sealed) co_return sealed;
  }
  const std::string path = RecordsPath(segments_.empty() ? next : segments_.back()->base());
  const uint64_t position = segments_.empty() ? 0 : segments_.back()->bytes();
  ReportDamage(DamageAt(path, position, lost, next,
                        "what the journal goes on behind had been synced there, and is gone"));
  end_ = written_ = synced_ = durable_ = next;
  PlanFromFiles();
  if (auto made = co_await EnsureFolder(); !made) co_return made;
  co_return co_await WriteCheckpoint(CheckpointOf(next), Names::kSynced);
}

host::Task<Result<void>> Store::WritePending() {
  while (!pending_.empty()) {
    if (auto wrote = co_await WriteGroup(TakeGroup()); !wrote) co_return wrote;
  }
  co_return Result<void>();
}

// From here on the files alone say what the log is, until something is appended: they are about to
// be cut, and nothing that goes now may be put back.
host::Task<Result<void>> Store::LeaveToFiles() {
  if (!journaled_) co_return Result<void>();
  if (auto synced = co_await SyncWritten(); !synced) co_return synced;
  journaled_->Forget();
  co_return co_await Committed();
}

host::Task<Result<void>> Store::Committed() {
  while (true) {
    auto has = journaled_->has_committed();
    if (!has) co_return std::unexpected(has.error());
    if (*has) co_return Result<void>();
    co_await journaled_->Moved();
  }
}

}  // namespace weir::log
