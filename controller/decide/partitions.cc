// SPDX-License-Identifier: Apache-2.0
#include "controller/decide/partitions.h"

#include <algorithm>
#include <set>
#include <sstream>

#include "controller/decide/limits.h"

namespace weir::decide {

Answer<PartitionId> Find(const metadata::Image& image, const PartitionName& name) {
  const metadata::Topic* topic = image.TopicNamed(name.topic);
  if (!topic) {
    return Refuse(ErrorCode::kUnknownTopicOrPartition, "there is no topic '" + name.topic + "'");
  }
  PartitionId id{topic->id, name.index};
  if (image.partitions.Find(id)) return id;
  return Refuse(ErrorCode::kUnknownTopicOrPartition,
                "topic '" + name.topic + "' has " +
                    std::to_string(image.PartitionCount(topic->id)) +
                    " partitions, numbered from 0; there is no partition " +
                    std::to_string(name.index.value()));
}

Answer<void> CheckNamed(const std::vector<PartitionName>& names) {
  if (names.empty() || names.size() > kNamedPartitionsMax) {
    return Refuse(ErrorCode::kInvalidRequest,
                  "a request names 1 to " + std::to_string(kNamedPartitionsMax) +
                      " partitions, not " + std::to_string(names.size()));
  }
  std::set<std::pair<std::string, PartitionIndex>> seen;
  for (const PartitionName& name : names) {
    if (seen.emplace(name.topic, name.index).second) continue;
    std::ostringstream words;
    words << "partition " << name << " is named twice";
    return Refuse(ErrorCode::kInvalidRequest, words.str());
  }
  return {};
}

Answer<void> CheckRoom(const metadata::Image& image, int32_t more) {
  size_t held = image.partitions.size();
  if (held + static_cast<size_t>(more) <= kClusterPartitionsMax) return {};
  return Refuse(ErrorCode::kPolicyViolation,
                "the cluster has " + std::to_string(held) + " partitions, and may have " +
                    std::to_string(kClusterPartitionsMax) + ": " + std::to_string(more) +
                    " more are too many; delete topics, or use fewer partitions");
}

metadata::Partition NewPartition(std::vector<metadata::Replica> replicas) {
  metadata::Partition partition;
  partition.replicas = std::move(replicas);
  for (const auto& replica : partition.replicas) partition.isr.push_back(replica.node);
  std::ranges::sort(partition.isr);
  partition.leader = partition.replicas.front().node;
  return partition;
}

}  // namespace weir::decide
