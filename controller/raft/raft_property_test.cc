// SPDX-License-Identifier: Apache-2.0
// Raft's promises under loss, reordering, duplication, broken streams and crashes, from seeds.
#include <gtest/gtest.h>

#include <random>

#include "controller/raft/raft_world.h"

namespace weir::raft {
namespace {

class Storm {
 public:
  Storm(int voters, uint64_t seed) : world_(voters, seed), chance_(seed) {
    // Some that may be asked to join.
    spares_ = static_cast<int>(Below(3));
    for (int i = 1; i <= spares_; ++i) world_.Add(voters + i);
    // Each seed has weather of its own.
    loss_ = Below(3) == 0 ? 0 : static_cast<int>(Below(25));
    duplicates_ = Below(2) == 0 ? 0 : static_cast<int>(Below(10));
    crashes_ = Below(3) == 0 ? 0 : static_cast<int>(Below(8));
    reorders_ = Below(2) == 0;
  }

  void Run(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) {
      Step();
      if (i % 16 == 0) world_.CheckLogMatching();
    }
    world_.CheckLogMatching();
  }

  // With all up and nothing lost, the quorum commits again.
  void Heal() {
    loss_ = duplicates_ = crashes_ = 0;
    world_.cut.clear();
    for (auto& [number, node] : world_.nodes) {
      if (!node.core) world_.Start(number);
    }
    LogIndex before = Furthest();
    for (int i = 0; i < 6000 && Furthest() < before + 3; ++i) {
      Settle();
      for (auto& [number, node] : world_.nodes) {
        if (node.core) world_.FinishFetch(number);
      }
      for (auto& [number, node] : world_.nodes) {
        if (node.core->Propose(1, world_.now)) world_.Take(number);
      }
      world_.AdvanceTo(world_.now + std::chrono::milliseconds(5));
    }
    EXPECT_GE(Furthest(), before + 3) << "the quorum stands still though nothing fails";
  }

  int memberships() const { return memberships_; }
  size_t reads() const { return world_.reads_answered; }

  LogIndex Furthest() const {
    return world_.committed.empty() ? LogIndex(1) : world_.committed.rbegin()->first;
  }

 private:
  uint64_t Below(uint64_t n) { return chance_() % n; }
  int AnyNode() { return static_cast<int>(Below(world_.nodes.size())) + 1; }

  void Step() {
    int node = AnyNode();
    uint64_t dice = Below(100);
    if (dice < 55) {
      DeliverOne();
    } else if (dice < 75) {
      if (world_.IsUp(node) && !world_.nodes.at(node).saves.empty()) world_.SaveNext(node);
    } else if (dice < 85) {
      if (world_.IsUp(node)) {
        if (world_.Core(node).Propose(static_cast<int64_t>(Below(3)) + 1, world_.now)) {
          world_.Take(node);
        }
      }
    } else if (dice < 87) {
      if (world_.IsUp(node)) Maintain(node);
    } else if (dice < 96) {
      world_.AdvanceTo(world_.now + std::chrono::milliseconds(Below(40)));
    } else {
      Trouble(node);
    }
  }

  // What goes on beside: reads, snapshots, members that come and go.
  void Maintain(int node) {
    switch (Below(4)) {
      case 0:
        if (world_.Read(node)) world_.Take(node);
        return;
      case 1:
        if (Below(4) == 0) world_.Compact(node, static_cast<int64_t>(Below(20)));
        return;
      case 2:
        world_.FinishFetch(node);
        return;
      default:
        ChangeMembers(node);
    }
  }

  void ChangeMembers(int node) {
    Membership changed = world_.Core(node).membership();
    VoterId other = RaftWorld::Id(AnyNode());
    if (changed.learners.contains(other)) {
      changed.learners.erase(other);
      changed.voters.insert(other);
    } else if (changed.voters.contains(other)) {
      if (changed.voters.size() <= 2) return;
      changed.voters.erase(other);
    } else {
      changed.learners.insert(other);
    }
    if (world_.Core(node).ProposeMembership(changed, world_.now)) {
      ++memberships_;
      world_.Take(node);
    }
  }

  void Trouble(int node) {
    if (!world_.IsUp(node)) {
      world_.Start(node);
      return;
    }
    switch (Below(4)) {
      case 0:
        if (static_cast<int>(Below(10)) < crashes_) world_.Crash(node);
        return;
      case 1:
        world_.Core(node).PeerLost(RaftWorld::Id(AnyNode()), world_.now);
        world_.Take(node);
        return;
      case 2:
        world_.Core(node).TransferLeadership(world_.now);
        world_.Take(node);
        return;
      default:
        if (world_.cut.empty()) {
          if (crashes_ > 0) world_.cut.insert(node);
        } else {
          world_.cut.clear();
        }
    }
  }

  void DeliverOne() {
    if (world_.network.empty()) return;
    size_t place = reorders_ ? Below(world_.network.size()) : 0;
    if (static_cast<int>(Below(100)) < loss_) {
      world_.network.erase(world_.network.begin() + static_cast<ptrdiff_t>(place));
      return;
    }
    if (static_cast<int>(Below(100)) < duplicates_) {
      world_.network.push_back(world_.network[place]);
    }
    world_.Deliver(place);
  }

  void Settle() {
    for (int i = 0; i < 10000; ++i) {
      bool is_quiet = world_.network.empty();
      if (!is_quiet) world_.Deliver(0);
      for (auto& [number, node] : world_.nodes) {
        if (node.saves.empty()) continue;
        is_quiet = false;
        world_.SaveNext(number);
      }
      if (is_quiet) return;
    }
  }

  RaftWorld world_;
  std::mt19937_64 chance_;
  int spares_ = 0;
  int memberships_ = 0;
  int loss_ = 0;
  int duplicates_ = 0;
  int crashes_ = 0;
  bool reorders_ = false;
};

void RunStorms(int voters, uint64_t seeds) {
  int64_t committed = 0;
  int memberships = 0;
  size_t reads = 0;
  for (uint64_t seed = 1; seed <= seeds && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Storm storm(voters, seed);
    storm.Run(4000);
    committed += storm.Furthest() - LogIndex(1);
    storm.Heal();
    memberships += storm.memberships();
    reads += storm.reads();
  }
  // A storm in which nothing is ever committed proves nothing.
  EXPECT_GT(committed, static_cast<int64_t>(seeds) * 10);
  EXPECT_GT(reads, seeds);
  if (voters > 1) EXPECT_GT(memberships, static_cast<int>(seeds));
}

TEST(RaftProperty, ThreeVotersKeepTheirPromisesInAStorm) { RunStorms(3, 300); }

TEST(RaftProperty, FiveVotersKeepTheirPromisesInAStorm) { RunStorms(5, 200); }

TEST(RaftProperty, OneVoterKeepsItsPromisesInAStorm) { RunStorms(1, 20); }

}  // namespace
}  // namespace weir::raft
