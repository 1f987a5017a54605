// SPDX-License-Identifier: Apache-2.0
// The cluster as a value: what the metadata log says up to an index. Copies share what they have in
// common, so a copy is cheap and an image that was handed out never changes. Apply (apply.h) is the
// only thing that makes a new one. Safe to read from any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/base/time.h"
#include "common/collections/persistent_map.h"
#include "common/metadata/node.h"
#include "common/metadata/recent_requests.h"
#include "common/metadata/topic.h"

namespace weir::metadata {

enum class ConfigScope { kCluster, kNode, kTopic };

struct ConfigKey {
  ConfigScope scope = ConfigScope::kCluster;
  // "" for the cluster, the node id in decimal, or the topic's id as text.
  std::string resource;
  std::string key;
  auto operator<=>(const ConfigKey&) const = default;
};

}  // namespace weir::metadata

template <>
struct std::hash<weir::metadata::ConfigKey> {
  size_t operator()(const weir::metadata::ConfigKey& key) const {
    return std::hash<std::string>()(key.resource) * 31 + std::hash<std::string>()(key.key) +
           static_cast<size_t>(key.scope);
  }
};

namespace weir::metadata {

// Ids below `next` are given out; the latest block, [first, next), went to `node`.
struct ProducerIds {
  NodeId node = kNoNode;
  NodeEpoch node_epoch = kNoNodeEpoch;
  ProducerId first;
  ProducerId next;
  bool operator==(const ProducerIds&) const = default;
};

struct Image {
  // The last entry applied; 0: none.
  LogIndex index;
  Term term;

  // Nil: the cluster is not born yet.
  ClusterId cluster_id;
  WallTime created_at;
  std::vector<Voter> voters;
  // Who opened the latest term that was opened: the active controller, or the last one.
  Term opened_term;
  ControllerId opened_by = kNoController;

  PersistentMap<std::string, int32_t> features;
  PersistentMap<NodeId, Node> nodes;
  PersistentMap<TopicId, Topic> topics;
  // Invariant: one for each topic.
  PersistentMap<std::string, TopicId> topic_ids;
  // Invariant: of topics that are there, numbered from 0 without gaps.
  PersistentMap<PartitionId, Partition> partitions;
  PersistentMap<ConfigKey, std::string> configs;
  ProducerIds producer_ids;
  RecentRequests requests;

  bool operator==(const Image&) const = default;

  // Null if there is none of that name.
  const Topic* TopicNamed(const std::string& name) const {
    const TopicId* id = topic_ids.Find(name);
    return id == nullptr ? nullptr : topics.Find(*id);
  }

  // Its number of partitions; 0 if there is no such topic.
  int32_t PartitionCount(const TopicId& topic) const {
    return static_cast<int32_t>(partitions.Rank({topic, PartitionIndex::Max()}) -
                                partitions.Rank({topic, PartitionIndex(0)}));
  }

  // visit(const PartitionId&, const Partition&), in order of the index.
  template <class F>
  void ForEachPartition(const TopicId& topic, F visit) const {
    auto at = partitions.LowerBound({topic, PartitionIndex(0)});
    for (; at != partitions.end() && at->first.topic == topic; ++at) visit(at->first, at->second);
  }

  // visit(const std::string& key, const std::string& value), in order of the keys.
  template <class F>
  void ForEachConfig(ConfigScope scope, const std::string& resource, F visit) const {
    auto at = configs.LowerBound({scope, resource, ""});
    for (; at != configs.end() && at->first.scope == scope && at->first.resource == resource;
         ++at) {
      visit(at->first.key, at->second);
    }
  }
};

// The log index that the next entry gets, if nothing is in between.
inline LogIndex NextIndex(const Image& image) { return image.index + 1; }

// What is wrong with `image`, one line for each broken invariant that holds between entries:
// epochs, who may lead, who may be in an ISR. Empty: it is lawful. For tests, simulations and
// diagnosis.
std::vector<std::string> Violations(const Image& image);

}  // namespace weir::metadata
