// SPDX-License-Identifier: Apache-2.0
// Which processes may lose what is on their disks, such that all that was promised is kept
// elsewhere: of each partition at most min.insync.replicas - 1 replicas, and of three controllers
// or more one, until they have healed. A controller with a new disk is readmitted as a new voter.
#pragma once

#include <map>
#include <string>

#include "tests/checker/everything.h"
#include "tests/cluster/cluster.h"
#include "tests/workload/readmitting.h"

namespace weir::scenario {

class LostDisks {
 public:
  // All outlive this.
  LostDisks(cluster::Cluster& cluster, checker::Everything& everything)
      : cluster_(cluster), everything_(everything), readmitting_(cluster) {}

  bool MayLose(const std::string& process);
  // From now on nothing can be had from this disk.
  void Lose(const std::string& process);
  // A new disk is in its place. Between two lives.
  void Replace(const std::string& process);

  // Every controller with a new disk votes again.
  bool idle() const { return readmitting_.idle(); }

 private:
  bool MayLoseNode(NodeId id);
  bool MayLoseController(ControllerId id) const;
  void DropHealed();

  cluster::Cluster& cluster_;
  checker::Everything& everything_;
  workload::Readmitting readmitting_;
  // Nodes that have not healed, and their epochs when they lost their disks.
  std::map<NodeId, NodeEpoch> nodes_;
  // One that has not got its new disk yet.
  bool is_controller_lost_ = false;
};

}  // namespace weir::scenario
