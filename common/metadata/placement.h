// SPDX-License-Identifier: Apache-2.0
// Where replicas go, of new partitions and of nodes that are emptied: spread evenly over the active
// nodes, over their racks, and over the directories of each. Pure: the same image and seed give the
// same places.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/metadata/image.h"

namespace weir::metadata {

// The nodes that may be given a replica: active, not draining, with a directory that works.
std::vector<NodeId> PlaceableNodes(const Image& image);

// For each partition its replicas, in order of preference. `replication_factor` is at most the
// number of placeable nodes (CHECK).
std::vector<std::vector<Replica>> Place(const Image& image, int32_t partition_count,
                                        int32_t replication_factor, uint64_t seed);

// The same for partitions that are added to `topic`: whoever has least of it already comes first.
std::vector<std::vector<Replica>> PlaceMore(const Image& image, const TopicId& topic,
                                            int32_t partition_count, int32_t replication_factor,
                                            uint64_t seed);

// A working directory of `node` for a replica of the partition; nothing if it has none.
std::optional<DirectoryId> DirectoryFor(const Node& node, const PartitionId& id);

// Finds other places for replicas, one after the other: each counts for those that follow.
class Relocation {
 public:
  explicit Relocation(const Image& image);

  // One more replica beside `kept`, on a node that has none of the partition yet: in a rack that
  // `kept` is not in, if there is one, and there on the node that has least. Nothing if there is no
  // such node.
  std::optional<Replica> Next(const PartitionId& id, const Partition& partition,
                              const std::vector<Replica>& kept);

 private:
  const Image image_;
  // Of each node that may be given one, how many replicas it has.
  std::map<NodeId, int32_t> replicas_;
};

}  // namespace weir::metadata
