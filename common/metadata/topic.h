// SPDX-License-Identifier: Apache-2.0
// A topic and one of its partitions, as the cluster's metadata knows them. Values.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/base/time.h"

namespace weir::metadata {

struct Topic {
  TopicId id;
  std::string name;
  WallTime created_at;
  bool operator==(const Topic&) const = default;
};

// Where a copy of a partition lies. It counts only while its node has this directory.
struct Replica {
  NodeId node;
  DirectoryId directory;
  bool operator==(const Replica&) const = default;
};

struct Partition {
  // In order of preference: the first should lead. One a node.
  std::vector<Replica> replicas;
  // Ascending. Invariant: among the replicas; holds the leader, if there is one.
  std::vector<NodeId> isr;
  // Moving: joining and leaving the replicas, ascending. Invariant: among the replicas, none of
  // them both, and not all of them leaving.
  std::vector<NodeId> adding;
  std::vector<NodeId> removing;
  // Ascending. They left an ISR that was below min.insync.replicas, and have all that was committed
  // (KIP-966). Invariant: among the replicas, none of them in the ISR.
  std::vector<NodeId> eligible_leaders;
  // kNoNode: nobody leads.
  NodeId leader = kNoNode;
  // Grows when the leader is chosen, even if it is the same one.
  LeaderEpoch leader_epoch;
  // Grows with each change.
  PartitionEpoch partition_epoch;
  // Who led last, while nobody leads; else kNoNode.
  NodeId last_known_leader = kNoNode;
  // The leader was elected uncleanly, and has not yet said that it took over.
  bool recovering = false;

  bool operator==(const Partition&) const = default;

  // Null if `node` has no replica.
  const Replica* ReplicaOn(NodeId node) const {
    auto found = std::ranges::find(replicas, node, &Replica::node);
    return found == replicas.end() ? nullptr : &*found;
  }
  // A replica that is at home here is not in sync; who is only joining is not missed yet.
  bool is_under_replicated() const {
    return std::ranges::any_of(replicas, [this](const Replica& replica) {
      return !IsInSync(replica.node) && !IsJoining(replica.node);
    });
  }
  bool is_moving() const { return !adding.empty() || !removing.empty(); }
  bool IsJoining(NodeId node) const { return std::ranges::binary_search(adding, node); }
  bool IsLeaving(NodeId node) const { return std::ranges::binary_search(removing, node); }
  bool IsInSync(NodeId node) const { return std::ranges::binary_search(isr, node); }
  bool IsEligible(NodeId node) const { return std::ranges::binary_search(eligible_leaders, node); }
};

}  // namespace weir::metadata
