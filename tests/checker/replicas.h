// SPDX-License-Identifier: Apache-2.0
// Holds the replicas of each partition against each other: below the least high watermark of its
// leader they are equal, byte for byte; those of a compacted topic, which each compacts by itself,
// in the last record of each key.
#pragma once

#include <string>
#include <vector>

#include "tests/cluster/cluster.h"

namespace weir::checker {

// Runs the world while it reads the disks. Everything that differs, in words.
std::vector<std::string> CompareReplicas(cluster::Cluster& cluster);

}  // namespace weir::checker
