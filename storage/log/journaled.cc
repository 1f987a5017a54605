// SPDX-License-Identifier: Apache-2.0
#include "storage/log/journaled.h"

#include <glog/logging.h>

#include <algorithm>
#include <utility>

namespace weir::log {

using journal::Ticket;

Journaled::Journaled(journal::Journal& journal, const PartitionId& partition, Offset end,
                     Hooks hooks)
    : stream_(journal.Attach(partition, this)), hooks_(std::move(hooks)), committed_end_(end) {}

host::Task<Result<Bytes>> Journaled::Read(journal::Extent extent) {
  co_return co_await host::Await<Result<Bytes>>(
      [&](auto done) { stream_->Read(extent, std::move(done)); });
}

void Journaled::Append(Offset base, Offset end, LeaderEpoch epoch, const Pieces& batch) {
  if (!stream_) return;
  // What follows something that only the files have does not go before it: a start would find a
  // gap.
  std::optional<Ticket> ticket;
  if (in_files_.empty()) ticket = stream_->Append(base, end, epoch, batch);
  if (!ticket) {
    in_files_.push_back({last_, end});
    return;
  }
  last_ = *ticket;
  uncommitted_.push_back({*ticket, end});
  unwritten_.push_back({*ticket, end});
}

void Journaled::Written(Offset written) {
  while (!unwritten_.empty() && unwritten_.front().end <= written) unwritten_.pop_front();
}

void Journaled::GiveUpUnwritten() { unwritten_.clear(); }

bool Journaled::wants_sync(Offset synced, Offset written) const {
  if (!stream_) return false;
  if (!in_files_.empty() && in_files_.front().end <= written) return true;
  return is_asked_ && (synced < written || unwritten_.empty());
}

Ticket Journaled::Mark() const {
  if (!stream_) return last_;
  return unwritten_.empty() ? stream_->newest() : unwritten_.front().ticket - 1;
}

void Journaled::Synced(Ticket mark, Offset synced) {
  if (!stream_) return;
  is_asked_ = false;
  while (!in_files_.empty() && in_files_.front().end <= synced) {
    uncommitted_.push_back(in_files_.front());
    in_files_.pop_front();
  }
  stream_->Synced(mark);
  Count();
}

void Journaled::Forget() {
  if (stream_) last_ = stream_->Forget();
  is_asked_ = false;
}

void Journaled::EndsAt(Offset end) {
  uncommitted_.clear();
  unwritten_.clear();
  in_files_.clear();
  committed_end_ = end;
}

Result<bool> Journaled::has_committed() const {
  if (failed_) return std::unexpected(*failed_);
  return committed_ >= last_;
}

host::Task<void> Journaled::Moved() {
  co_await host::AwaitDone([this](auto done) { waiters_.push_back(std::move(done)); });
}

void Journaled::Leave() {
  stream_.reset();
  auto dropped = std::exchange(waiters_, {});
}

void Journaled::OnCommitted(Ticket last) {
  auto held = hooks_.hold();
  committed_ = last;
  Count();
  if (committed_ >= last_) Wake();
}

void Journaled::Count() {
  const Offset before = committed_end_;
  while (!uncommitted_.empty() && uncommitted_.front().ticket <= committed_) {
    committed_end_ = std::max(committed_end_, uncommitted_.front().end);
    uncommitted_.pop_front();
  }
  if (committed_end_ > before) hooks_.committed();
}

void Journaled::OnSyncWanted() {
  auto held = hooks_.hold();
  is_asked_ = true;
  hooks_.wants_sync();
}

void Journaled::OnFailed(const Error& error) {
  auto held = hooks_.hold();
  failed_ = error;
  hooks_.failed(error);
  Wake();
}

void Journaled::Wake() {
  for (auto& waiter : std::exchange(waiters_, {})) waiter();
}

}  // namespace weir::log
