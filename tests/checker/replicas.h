// SPDX-License-Identifier: Apache-2.0
// Holds the replicas of each partition against each other: below the least high watermark of its
// leader they are equal, byte for byte.
#pragma once

#include <string>
#include <vector>

#include "tests/cluster/cluster.h"

namespace weir::checker {

// Runs the world while it reads the disks. Everything that differs, in words.
std::vector<std::string> CompareReplicas(cluster::Cluster& cluster);

// Checked after every event: at most one leader in a term of the quorum, and what controllers have
// committed at one index is one thing.
class OneLeaderPerTerm {
 public:
  // Words, once, when it does not hold any more.
  std::string Look(cluster::Cluster& cluster);

 private:
  std::map<Term, ControllerId> leaders_;
};

}  // namespace weir::checker
