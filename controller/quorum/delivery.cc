// SPDX-License-Identifier: Apache-2.0
// What a voter tells its machine, in order: snapshot, leading or not, committed entries.
#include <glog/logging.h>

#include <algorithm>
#include <utility>

#include "common/base/planted_bug.h"
#include "controller/quorum/quorum.h"

namespace weir::quorum {
namespace {

constexpr size_t kReadBytesMax = size_t{1} << 20;

}  // namespace

void Quorum::Tell(Notice notice) {
  if (auto* committed = std::get_if<TellCommitted>(&notice)) {
    while (!waiting_.empty() && waiting_.front().index <= committed->to) {
      waiting_bytes_ -= waiting_.front().bytes;
      waiting_.pop_front();
    }
  }
  // What a snapshot covers need not be told, and may be gone from the log when its turn comes.
  if (std::holds_alternative<TellSnapshot>(notice)) {
    std::erase_if(notices_, [](const Notice& waiting) {
      return std::holds_alternative<TellCommitted>(waiting);
    });
  }
  notices_.push_back(std::move(notice));
  if (std::exchange(delivering_, true)) return;
  host_.strand.Post(lifetime_.Bind([this] { Deliver(); }));
}

// Tells all that can be told now. A listener may append meanwhile, which adds to what is to tell.
void Quorum::Deliver() {
  while (!notices_.empty()) {
    if (auto* committed = std::get_if<TellCommitted>(&notices_.front())) {
      if (!DeliverCommitted(committed->to)) return;
      notices_.pop_front();
      continue;
    }
    Notice notice = std::move(notices_.front());
    notices_.pop_front();
    if (auto* snapshot = std::get_if<TellSnapshot>(&notice)) {
      delivered_ = snapshot->snapshot.last.index;
      events_.OnSnapshot(
          {snapshot->snapshot.last.index.value(), snapshot->snapshot.last.term.value()},
          std::move(snapshot->snapshot.state));
    } else if (auto& role = std::get<TellRole>(notice); role.leading) {
      events_.OnLeading(role.leading->value());
    } else {
      events_.OnFollowing();
    }
  }
  delivering_ = false;
  ReleaseReads();
  MaybeTakeSnapshot();
}

// False if entries have to be read first; Deliver goes on when they are there.
bool Quorum::DeliverCommitted(LogIndex to) {
  while (delivered_ < to) {
    if (const LogEntry* entry = cache_.Find(delivered_ + 1)) {
      DeliverOne(*entry);
      continue;
    }
    // Not in memory, so it was saved, by this process or the one before. What is not saved is not
    // read: on the disk there may still be what it replaces.
    LogIndex readable = std::min(to, raft_->saved());
    if (PLANTED_BUG("quorum: what was replaced is told")) readable = to;
    log_.ReadEntries(delivered_ + 1, readable, kReadBytesMax,
                     lifetime_.Bind([this](Result<std::vector<LogEntry>> entries) {
                       if (!entries) {
                         Fail(entries.error().While("reading the quorum's log"));
                         return;
                       }
                       CHECK(!entries->empty());
                       for (const LogEntry& entry : *entries) {
                         CHECK_EQ(entry.index, delivered_ + 1);
                         DeliverOne(entry);
                       }
                       Deliver();
                     }));
    return false;
  }
  return true;
}

void Quorum::DeliverOne(const LogEntry& entry) {
  delivered_ = entry.index;
  ++entries_since_snapshot_;
  bytes_since_snapshot_ += entry.payload.size();
  events_.OnCommitted({entry.index.value(), entry.term.value()}, entry.payload);
}

}  // namespace weir::quorum
