// SPDX-License-Identifier: Apache-2.0
// A log that does what a test says, when it says it: who leads, what commits, what is refused. It
// tells its listener within the test's calls, never within Append.
#pragma once

#include <glog/logging.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "common/base/bytes.h"
#include "common/machine/machine_log.h"

namespace weir::machine {

class FakeMachineLog final : public MachineLog {
 public:
  struct Written {
    Position position;
    Bytes entry;
  };

  // The listener outlives this, and is there before anything is told.
  void Serve(LogEvents* events) { events_ = events; }

  std::optional<int64_t> Append(int64_t epoch, Bytes entry) override {
    if (leading_ != epoch || entries_.size() - committed_ >= room) return std::nullopt;
    return Put(epoch, std::move(entry));
  }

  // What somebody wrote, the listener perhaps not: the end of a log that was replicated.
  int64_t Put(int64_t epoch, Bytes entry) {
    int64_t index = last() + 1;
    entries_.push_back({{index, epoch}, std::move(entry)});
    return index;
  }
  // Takes away what is not committed: another leader wrote something else.
  void Truncate() { entries_.resize(committed_); }

  void Lead(int64_t epoch) {
    leading_ = epoch;
    events_->OnLeading(epoch);
  }
  void Follow() {
    leading_.reset();
    events_->OnFollowing();
  }
  // The lead is gone, and the listener has not heard of it yet.
  void LoseQuietly() { leading_.reset(); }

  // The next `count` entries.
  void Commit(size_t count = 1) {
    for (; count > 0; --count) {
      CHECK_LT(committed_, entries_.size()) << "nothing is left to commit";
      Written next = entries_[committed_++];
      events_->OnCommitted(next.position, next.entry);
    }
  }
  void CommitAll() {
    while (committed_ < entries_.size()) Commit();
  }
  void Restore(Position last, Bytes snapshot) {
    entries_.clear();
    committed_ = 0;
    before_ = last.index;
    events_->OnSnapshot(last, std::move(snapshot));
  }

  int64_t last() const { return entries_.empty() ? before_ : entries_.back().position.index; }
  // Since the last snapshot.
  const std::vector<Written>& entries() const { return entries_; }
  size_t waiting() const { return entries_.size() - committed_; }

  // Append is refused while so many wait to be committed.
  size_t room = 1000;

 private:
  LogEvents* events_ = nullptr;
  std::optional<int64_t> leading_;
  std::vector<Written> entries_;
  size_t committed_ = 0;
  // The index that the snapshot stands for.
  int64_t before_ = 0;
};

}  // namespace weir::machine
