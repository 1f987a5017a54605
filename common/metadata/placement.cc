// SPDX-License-Identifier: Apache-2.0
#include "common/metadata/placement.h"

#include <glog/logging.h>

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <utility>

namespace weir::metadata {
namespace {

// splitmix64: chance out of a seed, the same everywhere.
uint64_t Mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

uint64_t ChanceOf(const PartitionId& id) {
  uint64_t chance = static_cast<uint64_t>(id.index.value());
  for (uint8_t byte : id.topic.bytes) chance = Mix(chance ^ byte);
  return chance;
}

// A directory with what lies there.
struct Shelf {
  DirectoryId directory;
  int32_t leaders = 0;
  int32_t replicas = 0;

  void Put(bool leads) {
    ++replicas;
    if (leads) ++leaders;
  }
};

// A node with what it was given: in this call, and by the image.
struct Seat {
  NodeId node;
  size_t rack = 0;
  std::vector<Shelf> shelves;
  size_t next_shelf = 0;
  int32_t leaders = 0;
  int32_t replicas = 0;
  int32_t old_leaders = 0;
  int32_t old_replicas = 0;

  void CountOld(const DirectoryId& directory, bool leads) {
    ++old_replicas;
    if (leads) ++old_leaders;
    auto shelf = std::ranges::find(shelves, directory, &Shelf::directory);
    if (shelf != shelves.end()) shelf->Put(leads);
  }
  // Where least lies. Of those, a leader goes to where fewest are, and a follower to where most
  // are; else one after the other.
  DirectoryId TakeDirectory(bool leads) {
    auto rank = [&](size_t at) {
      const Shelf& shelf = shelves[at % shelves.size()];
      return std::pair(shelf.replicas, leads ? shelf.leaders : -shelf.leaders);
    };
    size_t least = next_shelf;
    for (size_t at = next_shelf + 1; at < next_shelf + shelves.size(); ++at) {
      if (rank(at) < rank(least)) least = at;
    }
    least %= shelves.size();
    next_shelf = least + 1;
    shelves[least].Put(leads);
    return shelves[least].directory;
  }
};

// Deals the partitions out one by one, each time to whoever has the least.
class Deal {
 public:
  Deal(const Image& image, uint64_t seed) : seed_(seed) {
    std::map<std::string, size_t> racks;
    for (NodeId id : PlaceableNodes(image)) {
      const Node& node = *image.nodes.Find(id);
      Seat seat{.node = id};
      seat.rack = racks.try_emplace(node.rack, racks.size()).first->second;
      for (const DirectoryId& directory : node.directories) {
        if (node.Offers(directory)) seat.shelves.push_back({directory});
      }
      seat.next_shelf = Mix(seed ^ Mix(static_cast<uint64_t>(id.value()))) % seat.shelves.size();
      seats_.push_back(std::move(seat));
    }
    rack_count_ = racks.size();
  }

  size_t size() const { return seats_.size(); }
  // Some node has several directories.
  bool has_shelves_to_choose() const {
    return std::ranges::any_of(seats_, [](const Seat& seat) { return seat.shelves.size() > 1; });
  }

  void CountOldLoad(const Image& image) {
    for (const auto& [id, partition] : image.partitions) {
      // The preferred leader: who leads at the moment says more about restarts than about load.
      bool leads = true;
      for (const Replica& replica : partition.replicas) {
        if (Seat* seat = On(replica.node)) seat->CountOld(replica.directory, leads);
        leads = false;
      }
    }
  }

  // What the nodes have of one topic counts as if it had been dealt here.
  void CountTopic(const Image& image, const TopicId& topic) {
    image.ForEachPartition(topic, [&](const PartitionId&, const Partition& partition) {
      for (const Replica& replica : partition.replicas) {
        if (Seat* seat = On(replica.node)) ++seat->replicas;
      }
      if (Seat* seat = On(partition.replicas.front().node)) ++seat->leaders;
    });
  }

  // The replicas of one partition. `evens_out`: of those who have the same of this topic, the one
  // who has less of all others comes first.
  std::vector<Replica> Next(int32_t partition, int32_t replication_factor, bool evens_out) {
    std::vector<size_t> rack_uses(rack_count_, 0);
    std::vector<bool> is_taken(seats_.size(), false);
    std::vector<Replica> replicas;
    for (int32_t i = 0; i < replication_factor; ++i) {
      bool leads = i == 0;
      size_t best = seats_.size();
      for (size_t at = 0; at < seats_.size(); ++at) {
        if (is_taken[at]) continue;
        if (best == seats_.size() || RankOf(at, partition, leads, evens_out, rack_uses) <
                                         RankOf(best, partition, leads, evens_out, rack_uses)) {
          best = at;
        }
      }
      Seat& seat = seats_[best];
      is_taken[best] = true;
      ++rack_uses[seat.rack];
      ++seat.replicas;
      if (leads) ++seat.leaders;
      replicas.push_back({seat.node, seat.TakeDirectory(leads)});
    }
    return replicas;
  }

 private:
  using Rank = std::tuple<size_t, int32_t, int32_t, int32_t, uint64_t>;

  // The least is the best. Chance comes last, so that the followers of one node's partitions are
  // not always the same nodes, which would have to carry all its load when it dies.
  Rank RankOf(size_t at, int32_t partition, bool leads, bool evens_out,
              const std::vector<size_t>& rack_uses) const {
    const Seat& seat = seats_[at];
    uint64_t chance = Mix(seed_ ^ Mix((static_cast<uint64_t>(partition) << 32) |
                                      static_cast<uint64_t>(seat.node.value())));
    int32_t old = !evens_out ? 0 : leads ? seat.old_leaders : seat.old_replicas;
    return {rack_uses[seat.rack], leads ? seat.leaders : 0, seat.replicas, old, chance};
  }

  Seat* On(NodeId node) {
    auto found = std::ranges::lower_bound(seats_, node, {}, &Seat::node);
    return found == seats_.end() || found->node != node ? nullptr : &*found;
  }

  uint64_t seed_;
  // Ascending.
  std::vector<Seat> seats_;
  size_t rack_count_ = 0;
};

}  // namespace

std::vector<NodeId> PlaceableNodes(const Image& image) {
  std::vector<NodeId> placeable;
  for (const auto& [id, node] : image.nodes) {
    bool has_room = std::ranges::any_of(node.directories,
                                        [&node](const DirectoryId& d) { return node.Offers(d); });
    if (node.is_active() && !node.is_draining() && has_room) placeable.push_back(id);
  }
  return placeable;
}

std::vector<std::vector<Replica>> Place(const Image& image, int32_t partition_count,
                                        int32_t replication_factor, uint64_t seed) {
  Deal deal(image, seed);
  CHECK_GE(partition_count, 0);
  CHECK_GE(replication_factor, 1);
  CHECK_LE(static_cast<size_t>(replication_factor), deal.size());
  // Each full round gives every node one leader; only what is left over can even out old load.
  int32_t left_over = partition_count % static_cast<int32_t>(deal.size());
  if (left_over > 0 || deal.has_shelves_to_choose()) deal.CountOldLoad(image);
  std::vector<std::vector<Replica>> placed;
  placed.reserve(static_cast<size_t>(partition_count));
  for (int32_t i = 0; i < partition_count; ++i) {
    placed.push_back(deal.Next(i, replication_factor, i >= partition_count - left_over));
  }
  return placed;
}

std::vector<std::vector<Replica>> PlaceMore(const Image& image, const TopicId& topic,
                                            int32_t partition_count, int32_t replication_factor,
                                            uint64_t seed) {
  Deal deal(image, seed);
  CHECK_GE(partition_count, 0);
  CHECK_GE(replication_factor, 1);
  CHECK_LE(static_cast<size_t>(replication_factor), deal.size());
  deal.CountTopic(image, topic);
  deal.CountOldLoad(image);
  int32_t first = image.PartitionCount(topic);
  std::vector<std::vector<Replica>> placed;
  placed.reserve(static_cast<size_t>(partition_count));
  for (int32_t i = 0; i < partition_count; ++i) {
    placed.push_back(deal.Next(first + i, replication_factor, true));
  }
  return placed;
}

std::optional<DirectoryId> DirectoryFor(const Node& node, const PartitionId& id) {
  std::vector<DirectoryId> working;
  std::ranges::copy_if(node.directories, std::back_inserter(working),
                       [&](const DirectoryId& d) { return node.Offers(d); });
  if (working.empty()) return std::nullopt;
  return working[ChanceOf(id) % working.size()];
}

Relocation::Relocation(const Image& image) : image_(image) {
  for (NodeId node : PlaceableNodes(image)) replicas_[node] = 0;
  for (const auto& [id, partition] : image.partitions) {
    for (const Replica& replica : partition.replicas) {
      auto held = replicas_.find(replica.node);
      if (held != replicas_.end()) ++held->second;
    }
  }
}

std::optional<Replica> Relocation::Next(const PartitionId& id, const Partition& partition,
                                        const std::vector<Replica>& kept) {
  std::map<std::string, int32_t> rack_uses;
  for (const Replica& replica : kept) {
    if (const Node* node = image_.nodes.Find(replica.node)) ++rack_uses[node->rack];
  }
  using Rank = std::tuple<int32_t, int32_t, uint64_t>;
  std::optional<Rank> least;
  NodeId best = kNoNode;
  for (const auto& [node, replicas] : replicas_) {
    if (partition.ReplicaOn(node) || std::ranges::count(kept, node, &Replica::node)) continue;
    // Chance comes last: what leaves one node together does not stay together.
    uint64_t chance = Mix(ChanceOf(id) ^ Mix(static_cast<uint64_t>(node.value())));
    Rank rank{rack_uses[image_.nodes.Find(node)->rack], replicas, chance};
    if (least && *least <= rank) continue;
    least = rank;
    best = node;
  }
  if (best == kNoNode) return std::nullopt;
  ++replicas_[best];
  return Replica{best, *DirectoryFor(*image_.nodes.Find(best), id)};
}

}  // namespace weir::metadata
