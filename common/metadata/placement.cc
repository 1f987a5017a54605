// SPDX-License-Identifier: Apache-2.0
#include "common/metadata/placement.h"

#include <glog/logging.h>

#include <algorithm>
#include <map>

namespace weir::metadata {
namespace {

const DirectoryId* WorkingDirectory(const Node& node) {
  for (const DirectoryId& directory : node.directories) {
    if (node.Offers(directory)) return &directory;
  }
  return nullptr;
}

// The placeable nodes, one rack after the other in turn, so that neighbours stand in different
// racks wherever that is possible; which rack and node come first is the seed's.
std::vector<NodeId> RackAlternating(const Image& image, uint64_t seed) {
  std::map<std::string, std::vector<NodeId>> racks;
  for (NodeId id : PlaceableNodes(image)) racks[image.nodes.Find(id)->rack].push_back(id);
  std::vector<std::vector<NodeId>> turns;
  for (auto& [rack, nodes] : racks) {
    std::ranges::rotate(nodes, nodes.begin() + static_cast<ptrdiff_t>(seed % nodes.size()));
    turns.push_back(std::move(nodes));
  }
  std::ranges::rotate(turns,
                      turns.begin() + static_cast<ptrdiff_t>((seed / 7919) % turns.size()));
  std::vector<NodeId> order;
  for (size_t round = 0; order.size() < PlaceableNodes(image).size(); ++round) {
    for (const auto& nodes : turns) {
      if (round < nodes.size()) order.push_back(nodes[round]);
    }
  }
  return order;
}

}  // namespace

std::vector<NodeId> PlaceableNodes(const Image& image) {
  std::vector<NodeId> nodes;
  for (const auto& [id, node] : image.nodes) {
    if (node.is_active() && WorkingDirectory(node)) nodes.push_back(id);
  }
  return nodes;
}

std::vector<std::vector<Replica>> Place(const Image& image, int32_t partition_count,
                                        int32_t replication_factor, uint64_t seed) {
  std::vector<NodeId> order = RackAlternating(image, seed);
  auto count = order.size();
  auto replicas = static_cast<size_t>(replication_factor);
  CHECK_LE(replicas, count);
  auto rack_of = [&](NodeId id) -> const std::string& { return image.nodes.Find(id)->rack; };
  std::vector<std::vector<Replica>> places;
  for (size_t p = 0; p < static_cast<size_t>(partition_count); ++p) {
    // Leaders go round; the others follow, shifted further with each round, so that the partitions
    // of one leader do not all share the same followers.
    size_t round = p / count;
    std::vector<NodeId> chosen{order[p % count]};
    auto take = [&](bool other_racks_only) {
      for (size_t i = 0; i + 1 < count && chosen.size() < replicas; ++i) {
        NodeId next = order[(p + 1 + (round + i) % (count - 1)) % count];
        bool rack_is_new = std::ranges::none_of(
            chosen, [&](NodeId id) { return rack_of(id) == rack_of(next); });
        if (std::ranges::find(chosen, next) != chosen.end()) continue;
        if (rack_is_new || !other_racks_only) chosen.push_back(next);
      }
    };
    take(true);
    take(false);
    std::vector<Replica> place;
    for (NodeId id : chosen) place.push_back({id, *WorkingDirectory(*image.nodes.Find(id))});
    places.push_back(std::move(place));
  }
  return places;
}

}  // namespace weir::metadata
