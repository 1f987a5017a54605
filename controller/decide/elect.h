// SPDX-License-Identifier: Apache-2.0
// Who leads a partition (Kafka's rules, with eligible leader replicas, KIP-966). Pure.
#pragma once

#include <algorithm>
#include <functional>
#include <vector>

#include "common/base/planted_bug.h"
#include "common/metadata/topic.h"

namespace weir::decide {

struct ElectionRules {
  // The replica's node is active, and has the replica's directory.
  std::function<bool(const metadata::Replica&)> may_lead;
  // It is not wanted any more, but still does its work: a node that is stopping in order.
  std::function<bool(const metadata::Replica&)> may_stay;
  // Its node is being emptied: it leads only what nobody else can. Not asked where it is null.
  std::function<bool(NodeId)> is_draining;
  // min(min.insync.replicas, number of replicas).
  int32_t min_insync = 1;
  bool may_be_unclean = false;
};

// `partition` with `leaving` out of its ISR: those that leave an ISR that is then below its minimum
// become eligible leaders, unless `keeps_log` is false (an unclean stop: its tail may be gone).
// Epochs are not touched.
inline metadata::Partition WithoutInSync(metadata::Partition partition, NodeId leaving,
                                         int32_t min_insync, bool keeps_log) {
  bool was_in_sync = std::erase(partition.isr, leaving) > 0;
  if (!keeps_log) std::erase(partition.eligible_leaders, leaving);
  bool is_below = static_cast<int32_t>(partition.isr.size()) < min_insync;
  if (!is_below && !PLANTED_BUG("elect: once eligible, always eligible")) {
    partition.eligible_leaders.clear();
  } else if (was_in_sync && keeps_log) {
    auto at = std::ranges::lower_bound(partition.eligible_leaders, leaving);
    partition.eligible_leaders.insert(at, leaving);
  }
  return partition;
}

// Another in-sync replica may lead: a leader that stops can hand over.
inline bool HasSuccessor(const metadata::Partition& partition, const ElectionRules& rules) {
  return std::ranges::any_of(partition.isr, [&](NodeId node) {
    const metadata::Replica* replica = partition.ReplicaOn(node);
    return replica != nullptr && rules.may_lead(*replica);
  });
}

// Keeps a leader that may lead; else the first in-sync replica in order of preference, on a node
// that is not being emptied if there is one; else a leader that may stay; with an empty ISR the
// first eligible one; else, if allowed, any that may lead; else nobody. The leader epoch grows only
// if another leader was chosen. The partition epoch is the caller's.
inline metadata::Partition Elect(metadata::Partition partition, const ElectionRules& rules) {
  auto may_lead = [&](NodeId node) {
    const metadata::Replica* replica = partition.ReplicaOn(node);
    return replica != nullptr && rules.may_lead(*replica);
  };
  auto stays = [&](NodeId node) { return !rules.is_draining || !rules.is_draining(node); };
  auto pick = [&](auto&& fits) {
    for (const metadata::Replica& replica : partition.replicas) {
      if (fits(replica.node) && may_lead(replica.node)) return replica.node;
    }
    return kNoNode;
  };
  auto first = [&](auto&& fits) {
    NodeId staying = pick([&](NodeId node) { return fits(node) && stays(node); });
    return staying != kNoNode ? staying : pick(fits);
  };
  bool leader_is_in_sync = partition.leader != kNoNode && partition.IsInSync(partition.leader);
  bool leader_may_lead = leader_is_in_sync && may_lead(partition.leader);
  if (leader_may_lead && stays(partition.leader)) return partition;
  NodeId chosen = first([&](NodeId node) { return partition.IsInSync(node); });
  // Who is being emptied hands over to somebody who is not, and to nobody else.
  if (leader_may_lead && !stays(chosen)) return partition;
  // Better led by a node that stops than by nobody, or by one that lacks something.
  if (chosen == kNoNode && leader_is_in_sync &&
      rules.may_stay(*partition.ReplicaOn(partition.leader))) {
    return partition;
  }
  if (chosen == kNoNode && partition.isr.empty()) {
    chosen = first([&](NodeId node) { return partition.IsEligible(node); });
    if (chosen != kNoNode) {
      partition.isr = {chosen};
      std::erase(partition.eligible_leaders, chosen);
    }
  }
  // Nobody is left of whom it is known that all is there: who led last is the best guess, and the
  // only one made without consent.
  if (chosen == kNoNode && partition.isr.empty() && partition.eligible_leaders.empty() &&
      partition.last_known_leader != kNoNode && may_lead(partition.last_known_leader)) {
    chosen = partition.last_known_leader;
    partition.isr = {chosen};
    partition.recovering = true;
  }
  if (chosen == kNoNode && (rules.may_be_unclean || PLANTED_BUG("elect: anybody"))) {
    // Who is only just joining may have nothing at all.
    chosen = first([&](NodeId node) { return !partition.IsJoining(node); });
    if (chosen == kNoNode) chosen = first([](NodeId) { return true; });
    if (chosen != kNoNode) {
      partition.isr = {chosen};
      partition.eligible_leaders.clear();
      partition.recovering = true;
    }
  }
  if (static_cast<int32_t>(partition.isr.size()) >= rules.min_insync) {
    partition.eligible_leaders.clear();
  }
  if (chosen == partition.leader) return partition;
  if (chosen == kNoNode) {
    partition.last_known_leader = partition.leader;
  } else {
    partition.last_known_leader = kNoNode;
  }
  partition.leader = chosen;
  if (PLANTED_BUG("elect: the leader epoch stays")) return partition;
  ++partition.leader_epoch;
  return partition;
}

// The preferred replica, the first, leads, if it may; else the same partition.
inline metadata::Partition ElectPreferred(metadata::Partition partition,
                                          const ElectionRules& rules) {
  const metadata::Replica& preferred = partition.replicas.front();
  bool is_draining = rules.is_draining && rules.is_draining(preferred.node);
  if (partition.leader == preferred.node || !partition.IsInSync(preferred.node) || is_draining ||
      !rules.may_lead(preferred)) {
    return partition;
  }
  partition.leader = preferred.node;
  partition.last_known_leader = kNoNode;
  ++partition.leader_epoch;
  return partition;
}

}  // namespace weir::decide
