// SPDX-License-Identifier: Apache-2.0
// Where the replicas of new partitions go: leaders and replicas spread evenly over the active nodes
// and over their racks. Pure: the same image and seed give the same places.
#pragma once

#include <cstdint>
#include <vector>

#include "common/metadata/image.h"

namespace weir::metadata {

// The nodes that may be given a replica: active, with a directory that works.
std::vector<NodeId> PlaceableNodes(const Image& image);

// For each partition its replicas, in order of preference. `replication_factor` is at most the
// number of placeable nodes (CHECK).
std::vector<std::vector<Replica>> Place(const Image& image, int32_t partition_count,
                                        int32_t replication_factor, uint64_t seed);

}  // namespace weir::metadata
