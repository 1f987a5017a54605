// SPDX-License-Identifier: Apache-2.0
#include "bench/metadata/made_cluster.h"

#include <algorithm>
#include <string>
#include <vector>

#include "common/metadata/apply.h"
#include "common/metadata/placement.h"
#include "common/metadata/records.h"

namespace weir::bench {
namespace {

using metadata::Image;
namespace v1 = metadata::v1;

constexpr int32_t kNodes = 6;

template <class Id>
Id Made(uint64_t number) {
  return Id(Uuid::FromRandom(number * 0x9e3779b97f4a7c15u, number * 31 + 7));
}

TopicId TopicOf(int32_t number) { return Made<TopicId>(1000 + static_cast<uint64_t>(number)); }

v1::Record NodeRecord(int32_t id) {
  metadata::Node node;
  node.id = NodeId(id);
  node.epoch = NodeEpoch(id);
  node.incarnation = Made<Incarnation>(static_cast<uint64_t>(100 + id));
  node.listeners = {{"client", "node.example", 7000 + id}, {"internal", "node.example", 8000 + id}};
  node.rack = "rack-" + std::to_string(id % 3);
  node.directories = {Made<DirectoryId>(static_cast<uint64_t>(200 + id))};
  node.state = metadata::NodeState::kActive;
  return metadata::ToRecord(node);
}

}  // namespace

Image MadeCluster(int32_t partition_count) {
  Image image =
      metadata::Apply(Image(), metadata::ToClusterRecord(Made<ClusterId>(1), WallTime{5}));
  for (int32_t id = 1; id <= kNodes; ++id)
    image = metadata::Apply(std::move(image), NodeRecord(id));
  int32_t topics = (partition_count + kPartitionsPerTopic - 1) / kPartitionsPerTopic;
  // Load is even already, so that where the replicas lie is dealt out once for all topics.
  auto places = metadata::Place(image, kPartitionsPerTopic, 3, /*seed=*/42);
  for (int32_t number = 0; number < topics; ++number) {
    v1::Entry entry;
    metadata::Topic topic{TopicOf(number), "topic-" + std::to_string(number), WallTime{6}};
    *entry.add_records() = metadata::ToRecord(topic);
    int32_t left = partition_count - number * kPartitionsPerTopic;
    for (int32_t i = 0; i < std::min(left, kPartitionsPerTopic); ++i) {
      metadata::Partition partition;
      partition.replicas = places[static_cast<size_t>(i)];
      for (const auto& replica : partition.replicas) partition.isr.push_back(replica.node);
      std::ranges::sort(partition.isr);
      partition.leader = partition.replicas.front().node;
      *entry.add_records() = metadata::ToRecord({topic.id, PartitionIndex(i)}, partition);
    }
    image = metadata::Apply(std::move(image), entry, metadata::NextIndex(image), Term(1));
  }
  return image;
}

v1::Record LeaderMoves(const Image& image, uint64_t which) {
  auto partitions = static_cast<uint64_t>(image.partitions.size());
  uint64_t chosen = which * 0x9e3779b97f4a7c15u % partitions;
  PartitionId id{TopicOf(static_cast<int32_t>(chosen / kPartitionsPerTopic)),
                 PartitionIndex(static_cast<int32_t>(chosen % kPartitionsPerTopic))};
  metadata::Partition partition = *image.partitions.Find(id);
  auto leads = std::ranges::find(partition.replicas, partition.leader, &metadata::Replica::node);
  ++leads;
  partition.leader =
      leads == partition.replicas.end() ? partition.replicas.front().node : leads->node;
  ++partition.leader_epoch;
  ++partition.partition_epoch;
  return metadata::ToRecord(id, partition);
}

}  // namespace weir::bench
