// SPDX-License-Identifier: Apache-2.0
// Who takes part in the quorum, and which entry of the log said so. A membership is in force from
// the moment its entry is appended, committed or not, and is undone when the entry is cut off
// (Ongaro's thesis, 4.1). Values.
#pragma once

#include <glog/logging.h>

#include <algorithm>
#include <iterator>
#include <ostream>
#include <set>
#include <utility>
#include <vector>

#include "controller/raft/voter_id.h"

namespace weir::raft {

struct Membership {
  // They elect and commit.
  std::set<VoterId> voters;
  // They are sent the log, and are not asked. Invariant: none of them is a voter.
  std::set<VoterId> learners;

  bool IsVoter(const VoterId& id) const { return voters.contains(id); }
  bool Has(const VoterId& id) const { return voters.contains(id) || learners.contains(id); }
  size_t size() const { return voters.size() + learners.size(); }
  bool operator==(const Membership&) const = default;
};

// How many voters are in one and not in the other. More than one at once could make two majorities
// that share nobody.
inline size_t VotersChanged(const Membership& before, const Membership& after) {
  std::vector<VoterId> changed;
  std::ranges::set_symmetric_difference(before.voters, after.voters, std::back_inserter(changed));
  return changed.size();
}

struct MembershipAt {
  LogIndex index;
  Membership membership;
  bool operator==(const MembershipAt&) const = default;
};

// The memberships of a log, by the entries that brought them.
class MembershipHistory {
 public:
  MembershipHistory() = default;
  explicit MembershipHistory(std::vector<MembershipAt> all) : all_(std::move(all)) {
    CHECK(std::ranges::is_sorted(all_, {}, &MembershipAt::index));
  }

  // In force; nobody where the log does not say yet.
  const Membership& latest() const {
    static const Membership nobody;
    return all_.empty() ? nobody : all_.back().membership;
  }
  // Of the entry that brought it; 0 where there is none.
  LogIndex latest_index() const { return all_.empty() ? LogIndex(0) : all_.back().index; }

  void Append(MembershipAt added) {
    CHECK_GT(added.index, latest_index());
    all_.push_back(std::move(added));
  }
  // Whether this one votes by what is in force at `commit`, or by an entry after it.
  bool MayVote(const VoterId& id, LogIndex commit) const {
    auto after = std::ranges::upper_bound(all_, commit, {}, &MembershipAt::index);
    if (after != all_.begin()) --after;
    return std::any_of(after, all_.end(),
                       [&](const MembershipAt& at) { return at.membership.IsVoter(id); });
  }
  // Whether it undid one.
  bool TruncateFrom(LogIndex index) {
    size_t before = all_.size();
    while (!all_.empty() && all_.back().index >= index) all_.pop_back();
    return all_.size() < before;
  }
  // The log now begins after `begin`: what was in force there stays.
  void DropBefore(LogIndex begin) {
    while (all_.size() > 1 && all_[1].index <= begin) all_.erase(all_.begin());
  }
  // Those that the entries [first, last] brought.
  std::vector<MembershipAt> Within(LogIndex first, LogIndex last) const {
    std::vector<MembershipAt> within;
    for (const MembershipAt& at : all_) {
      if (at.index >= first && at.index <= last) within.push_back(at);
    }
    return within;
  }

 private:
  // Invariant: ascending.
  std::vector<MembershipAt> all_;
};

// "voters 1 2 3", and " learners 4" where there are any.
std::ostream& operator<<(std::ostream& out, const Membership& membership);

}  // namespace weir::raft
