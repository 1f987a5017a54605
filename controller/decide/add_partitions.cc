// SPDX-License-Identifier: Apache-2.0
#include "common/metadata/placement.h"
#include "controller/decide/decisions.h"
#include "controller/decide/draft.h"
#include "controller/decide/partitions.h"

namespace weir::decide {
namespace {

Answer<void> CheckCount(const metadata::Image& tip, const AddPartitions& command, int32_t held) {
  if (command.partition_count < held) {
    return Refuse(ErrorCode::kInvalidPartitions,
                  "topic '" + command.topic + "' has " + std::to_string(held) +
                      " partitions, and they cannot become fewer, for records would be lost: ask "
                      "for " +
                      std::to_string(held + 1) + " or more");
  }
  if (command.partition_count > kPartitionsMax) {
    return Refuse(ErrorCode::kInvalidPartitions,
                  "a topic has 1 to " + std::to_string(kPartitionsMax) + " partitions, not " +
                      std::to_string(command.partition_count));
  }
  return CheckRoom(tip, command.partition_count - held);
}

// As many replicas as the topic's first partition is to have.
Answer<int32_t> ReplicationOf(const metadata::Image& tip, const PartitionId& first) {
  const metadata::Partition& like = *tip.partitions.Find(first);
  auto replication = static_cast<int32_t>(like.replicas.size() - like.removing.size());
  auto active = static_cast<int32_t>(metadata::PlaceableNodes(tip).size());
  if (replication <= active) return replication;
  return Refuse(ErrorCode::kInvalidReplicationFactor,
                "the topic's partitions have " + std::to_string(replication) +
                    " replicas, and only " + std::to_string(active) +
                    " nodes are active and not draining: start more nodes, or try again");
}

}  // namespace

Decision Decide(const metadata::Image& tip, const AddPartitions& command, Now) {
  const metadata::Topic* topic = tip.TopicNamed(command.topic);
  if (!topic) {
    return RefuseDecision(ErrorCode::kUnknownTopicOrPartition,
                          "there is no topic '" + command.topic + "'");
  }
  TopicId id = topic->id;
  int32_t held = tip.PartitionCount(id);
  if (auto fits = CheckCount(tip, command, held); !fits) {
    return {std::nullopt, std::unexpected(fits.error())};
  }
  Outcome added = PartitionsAdded{command.partition_count};
  if (command.partition_count == held) return {std::nullopt, std::move(added)};
  auto replication = ReplicationOf(tip, {id, PartitionIndex(0)});
  if (!replication) return {std::nullopt, std::unexpected(replication.error())};
  if (command.validate_only) return {std::nullopt, std::move(added)};

  Draft draft(tip);
  auto places =
      metadata::PlaceMore(tip, id, command.partition_count - held, *replication, command.seed);
  for (int32_t i = held; i < command.partition_count; ++i) {
    draft.Change({id, PartitionIndex(i)}, NewPartition(places[static_cast<size_t>(i - held)]));
  }
  if (draft.exceeds_bytes()) {
    return RefuseDecision(ErrorCode::kInvalidPartitions,
                          std::to_string(command.partition_count - held) + " partitions of " +
                              std::to_string(*replication) +
                              " replicas do not fit in one entry of the metadata log: add fewer "
                              "at a time");
  }
  return std::move(draft).Finish(std::move(added));
}

}  // namespace weir::decide
