// SPDX-License-Identifier: Apache-2.0
// Reads that see all that was committed before they began (Ongaro's thesis, 6.4): whoever was cut
// off from the quorum answers none.
#include <utility>

#include "common/base/planted_bug.h"
#include "controller/quorum/quorum.h"

namespace weir::quorum {

// The reads of one turn of the strand share a round of heartbeats.
void Quorum::AwaitReadable(Callback<void(bool)> done) {
  reads_.push_back({.done = std::move(done)});
  if (std::exchange(read_posted_, true)) return;
  host_.strand.Post(lifetime_.Bind([this] {
    read_posted_ = false;
    StartRead();
  }));
}

void Quorum::StartRead() {
  ProposeGathered();
  if (PLANTED_BUG("quorum: a read without a quorum") && is_leader()) {
    for (WaitingRead& read : reads_) read.index = delivered_;
    return ReleaseReads();
  }
  auto number = is_leader() ? raft_->Read(Now()) : std::nullopt;
  if (!number) return FailReads();
  for (WaitingRead& read : reads_) {
    if (read.number == 0) read.number = *number;
  }
  CarryOut({});
}

void Quorum::ReleaseReads() {
  while (!reads_.empty() && reads_.front().index && *reads_.front().index <= delivered_) {
    host_.strand.Post(
        lifetime_.Bind([done = std::move(reads_.front().done)]() mutable { done(true); }));
    reads_.pop_front();
  }
}

void Quorum::FailReads() {
  for (WaitingRead& read : std::exchange(reads_, {})) {
    host_.strand.Post(lifetime_.Bind([done = std::move(read.done)]() mutable { done(false); }));
  }
}

}  // namespace weir::quorum
