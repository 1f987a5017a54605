// SPDX-License-Identifier: Apache-2.0
// An admin who moves replicas from node to node, one partition after the other, and calls some of
// the moves back: in the end each partition lies where its admin was told that it would.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "client/driver/admin.h"
#include "client/driver/routing.h"
#include "proto/admin/admin.pb.h"
#include "tests/cluster/cluster.h"

namespace weir::workload {

class Moving {
 public:
  // Moves partitions of `topic`, to as many nodes as they have. The cluster outlives this.
  Moving(cluster::Cluster& cluster, std::string topic, Duration pause);

  void Begin() { Later(); }
  // Begins no other move; one that was asked for is still answered.
  void End() { ended_ = true; }
  bool idle() const { return !under_way_; }

  // Moves and recalls that were answered as taken.
  int moved() const { return moved_; }
  // Nothing moves any more. What lies elsewhere than its admin was told, in words.
  std::vector<std::string> Wrong(const metadata::Image& image) const;

 private:
  using Nodes = std::set<NodeId>;

  void Later();
  void Next();
  void Move(const PartitionId& id, std::vector<NodeId> target);
  void Recall(const PartitionId& id);
  uint64_t Below(uint64_t limit) { return host_.random.Next() % limit; }
  std::string NameOf(const PartitionId& id) const;

  cluster::Cluster& cluster_;
  host::Host host_;
  const std::string topic_;
  const Duration pause_;
  client::Routing routing_;
  client::Admin admin_;
  // Where each is to lie; nothing where calls of unknown outcome may have said otherwise.
  std::map<PartitionId, std::optional<Nodes>> told_;
  bool ended_ = false;
  bool under_way_ = false;
  int moved_ = 0;
  Lifetime lifetime_;
};

}  // namespace weir::workload
