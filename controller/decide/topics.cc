// SPDX-License-Identifier: Apache-2.0
// Create and delete topics.
#include <algorithm>

#include "common/base/planted_bug.h"
#include "common/metadata/placement.h"
#include "common/metadata/topic_config.h"
#include "common/metadata/topic_name.h"
#include "controller/decide/decisions.h"
#include "controller/decide/draft.h"
#include "controller/decide/partitions.h"

namespace weir::decide {
namespace {

constexpr int32_t kReplicationDefault = 3;

Answer<void> CheckName(const metadata::Image& tip, const std::string& name) {
  if (auto valid = metadata::ValidateTopicName(name); !valid) return valid;
  if (tip.TopicNamed(name)) {
    return Refuse(ErrorCode::kTopicAlreadyExists, "topic '" + name + "' exists already");
  }
  std::string other = metadata::CollidingTopic(tip, name);
  if (!other.empty()) {
    return Refuse(ErrorCode::kInvalidTopicException,
                  "'" + name + "' and the topic '" + other +
                      "' differ only in '.' and '_', and collide in the names of metrics: choose "
                      "another name");
  }
  return {};
}

Answer<int32_t> CheckShape(const metadata::Image& tip, const CreateTopic& command) {
  if (command.partition_count < 1 || command.partition_count > kPartitionsMax) {
    return Refuse(ErrorCode::kInvalidPartitions,
                  "a topic has 1 to " + std::to_string(kPartitionsMax) + " partitions, not " +
                      std::to_string(command.partition_count));
  }
  auto active = static_cast<int32_t>(metadata::PlaceableNodes(tip).size());
  if (active == 0) {
    return Refuse(ErrorCode::kInvalidReplicationFactor,
                  "no storage node is active yet: start one, or try again");
  }
  if (auto fits = CheckRoom(tip, command.partition_count); !fits) {
    return std::unexpected(fits.error());
  }
  if (tip.topics.size() >= kClusterTopicsMax) {
    return Refuse(ErrorCode::kPolicyViolation, "the cluster has " +
                                                   std::to_string(tip.topics.size()) +
                                                   " topics, the most it may have: delete some");
  }
  int32_t wanted = command.replication_factor;
  if (wanted == 0) wanted = std::min(kReplicationDefault, active);
  if (wanted < 1 || wanted > active || wanted > static_cast<int32_t>(kReplicasMax)) {
    return Refuse(ErrorCode::kInvalidReplicationFactor,
                  "replication factor " + std::to_string(wanted) +
                      " needs that many active nodes that are not draining; there are " +
                      std::to_string(active) + ": use 1 to " +
                      std::to_string(std::min(active, static_cast<int32_t>(kReplicasMax))));
  }
  return wanted;
}

}  // namespace

Decision Decide(const metadata::Image& tip, const CreateTopic& command, Now now) {
  if (auto name = CheckName(tip, command.name); !name) {
    return {std::nullopt, std::unexpected(name.error())};
  }
  auto replication = CheckShape(tip, command);
  if (!replication) return {std::nullopt, std::unexpected(replication.error())};
  if (command.configs.size() > kConfigsMax) {
    return RefuseDecision(ErrorCode::kInvalidConfig,
                          "a request sets " + std::to_string(kConfigsMax) + " configs at most");
  }
  for (const auto& [key, value] : command.configs) {
    if (auto valid = metadata::ValidateTopicConfig(key, value); !valid) {
      return {std::nullopt, std::unexpected(valid.error())};
    }
  }
  metadata::Topic topic{command.new_id, command.name, now.wall};
  Outcome created = TopicCreated{topic, command.partition_count, *replication};
  if (command.validate_only) return {std::nullopt, std::move(created)};

  Draft draft(tip);
  draft.Add(metadata::ToRecord(topic));
  for (const auto& [key, value] : command.configs) {
    draft.Add(metadata::ToRecord(
        metadata::ConfigKey{metadata::ConfigScope::kTopic, topic.id.ToString(), key}, &value));
  }
  auto places = metadata::Place(tip, command.partition_count, *replication, command.seed);
  for (int32_t i = 0; i < command.partition_count; ++i) {
    metadata::Partition partition = NewPartition(places[static_cast<size_t>(i)]);
    if (PLANTED_BUG("decide: two replicas on one node")) {
      partition.replicas.back() = partition.replicas.front();
    }
    draft.Change({topic.id, PartitionIndex(i)}, std::move(partition));
  }
  if (draft.exceeds_bytes()) {
    return RefuseDecision(ErrorCode::kInvalidPartitions,
                          "the topic's " + std::to_string(command.partition_count) +
                              " partitions of " + std::to_string(*replication) +
                              " replicas, and its configs, do not fit in one entry of the "
                              "metadata log: use fewer");
  }
  return std::move(draft).Finish(std::move(created));
}

Decision Decide(const metadata::Image& tip, const DeleteTopic& command, Now) {
  const metadata::Topic* topic = tip.TopicNamed(command.name);
  if (!topic) {
    return RefuseDecision(ErrorCode::kUnknownTopicOrPartition,
                          "there is no topic '" + command.name + "'");
  }
  Draft draft(tip);
  TopicId id = topic->id;
  draft.Add(metadata::ToRemoveTopicRecord(id));
  return std::move(draft).Finish(TopicDeleted{id});
}

}  // namespace weir::decide
