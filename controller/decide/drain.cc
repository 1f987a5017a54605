// SPDX-License-Identifier: Apache-2.0
// Emptying a node, letting it serve again, and forgetting it. What it leads moves with the
// decision, as far as somebody else is in sync; its replicas step by step (drain_step.cc).
#include <algorithm>

#include "common/metadata/placement.h"
#include "controller/decide/decisions.h"
#include "controller/decide/draft.h"
#include "controller/decide/move.h"

namespace weir::decide {
namespace {

using metadata::Image;
using metadata::Node;
using metadata::NodeDuty;

std::string Named(NodeId node) { return "node " + std::to_string(node.value()); }

Answer<Node> Registered(const Image& tip, NodeId id) {
  if (const Node* node = tip.nodes.Find(id)) return *node;
  return Refuse(ErrorCode::kBrokerIdNotRegistered, Named(id) + " is not registered");
}

// Each of its partitions has a place to go to, as things are now.
Answer<void> CheckPlaces(const Image& tip, NodeId node) {
  std::vector<NodeId> places = metadata::PlaceableNodes(tip);
  std::erase(places, node);
  for (const auto& [id, partition] : tip.partitions) {
    if (!partition.ReplicaOn(node) || partition.IsLeaving(node)) continue;
    bool has_place = std::ranges::any_of(
        places, [&](NodeId other) { return partition.ReplicaOn(other) == nullptr; });
    if (has_place) continue;
    return Refuse(ErrorCode::kInvalidReplicaAssignment,
                  "partition " + std::to_string(id.index.value()) + " of topic '" +
                      tip.topics.Find(id.topic)->name + "' lies on the nodes " +
                      ListOf(partition.replicas) +
                      ", and no other node is active and not draining: start one more node, or "
                      "reassign the partition to fewer replicas");
  }
  return {};
}

// Others lead what it leads, where others are in sync; false if some are left for the next part.
bool HandOver(Draft& draft, NodeId node) {
  const Image before = draft.image();
  for (const auto& [id, known] : before.partitions) {
    if (known.leader != node) continue;
    if (draft.is_full()) return false;
    draft.Change(id, Elect(known, RulesFor(draft.image(), id, known)));
  }
  return true;
}

int32_t ReplicasOn(const Image& image, NodeId node) {
  int32_t replicas = 0;
  for (const auto& [id, partition] : image.partitions) {
    replicas += partition.ReplicaOn(node) ? 1 : 0;
  }
  return replicas;
}

}  // namespace

Decision Decide(const Image& tip, const DrainNode& command, Now) {
  auto node = Registered(tip, command.node);
  if (!node) return {std::nullopt, std::unexpected(node.error())};
  if (!node->is_draining()) {
    if (auto places = CheckPlaces(tip, command.node); !places) {
      return {std::nullopt, std::unexpected(places.error())};
    }
  }
  NodeDuty duty = command.decommission ? NodeDuty::kDecommissioning : NodeDuty::kDraining;
  Draft draft(tip);
  if (node->duty < duty) {
    node->duty = duty;
    draft.Add(metadata::ToRecord(*node));
  }
  if (!HandOver(draft, command.node)) return std::move(draft).Finish(DecidedInPart{});
  return std::move(draft).Finish(Decided{});
}

Decision Decide(const Image& tip, const UndrainNode& command, Now) {
  auto node = Registered(tip, command.node);
  if (!node) return {std::nullopt, std::unexpected(node.error())};
  Draft draft(tip);
  if (node->is_draining()) {
    node->duty = NodeDuty::kServing;
    draft.Add(metadata::ToRecord(*node));
  }
  return std::move(draft).Finish(Decided{});
}

Decision Decide(const Image& tip, const RemoveNode& command, Now) {
  auto node = Registered(tip, command.node);
  if (!node) return {std::nullopt, std::unexpected(node.error())};
  if (int32_t replicas = ReplicasOn(tip, command.node); replicas > 0) {
    std::string how = node->is_draining()
                          ? "it is " + std::string(NameOf(node->duty)) + ": wait until it has none"
                          : "decommission it first, and wait until it has none";
    return RefuseDecision(
        ErrorCode::kOperationNotAttempted,
        Named(command.node) + " still holds " + std::to_string(replicas) + " replicas; " + how);
  }
  if (node->state != metadata::NodeState::kFenced) {
    return RefuseDecision(ErrorCode::kOperationNotAttempted,
                          Named(command.node) + " is " + std::string(NameOf(node->state)) +
                              ", and would register again: stop its process first");
  }
  Draft draft(tip);
  draft.Add(metadata::ToRemoveNodeRecord(command.node));
  return std::move(draft).Finish(Decided{});
}

}  // namespace weir::decide
