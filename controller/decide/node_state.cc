// SPDX-License-Identifier: Apache-2.0
// Unfence, fence and stop: a node's way through its states, and its leaderships with it.
#include "controller/decide/decisions.h"
#include "controller/decide/draft.h"
#include "controller/decide/move.h"

namespace weir::decide {
namespace {

using metadata::NodeState;

// The node, if `epoch` is its present registration's.
Answer<metadata::Node> Registered(const metadata::Image& tip, NodeId id, NodeEpoch epoch) {
  const metadata::Node* node = tip.nodes.Find(id);
  if (!node) {
    return Refuse(ErrorCode::kBrokerIdNotRegistered,
                  "node " + std::to_string(id.value()) + " is not registered");
  }
  if (node->epoch != epoch) {
    return Refuse(ErrorCode::kStaleBrokerEpoch,
                  "node " + std::to_string(id.value()) + " has registered again, with epoch " +
                      std::to_string(node->epoch.value()) + "; epoch " +
                      std::to_string(epoch.value()) + " is of an earlier start");
  }
  return *node;
}

void SetState(Draft& draft, metadata::Node node, NodeState state) {
  if (node.state == state) return;
  node.state = state;
  draft.Add(metadata::ToRecord(node));
}

// Gives leaders to what nobody leads and `node` holds, and another folder to what it has lost;
// false if some are left for the next part.
bool TakeUp(Draft& draft, NodeId node) {
  metadata::Image before = draft.image();
  for (const auto& [id, known] : before.partitions) {
    if (!known.ReplicaOn(node)) continue;
    if (draft.is_full()) return false;
    metadata::Partition changed = known;
    if (known.leader == kNoNode) changed = Elect(known, RulesFor(draft.image(), id, known));
    draft.Change(id, Rehomed(draft.image(), id, std::move(changed)));
  }
  return true;
}

}  // namespace

Decision Decide(const metadata::Image& tip, const UnfenceNode& command, Now) {
  auto node = Registered(tip, command.node, command.epoch);
  if (!node) return {std::nullopt, std::unexpected(node.error())};
  if (command.applied.value() < command.epoch.value()) {
    return RefuseDecision(ErrorCode::kStaleBrokerEpoch,
                          "the node has not yet applied its own registration");
  }
  if (node->state == NodeState::kStopping) {
    return RefuseDecision(ErrorCode::kInvalidRequest, "the node is stopping");
  }
  Draft draft(tip);
  SetState(draft, *node, NodeState::kActive);
  if (!TakeUp(draft, command.node)) return std::move(draft).Finish(DecidedInPart{});
  return std::move(draft).Finish(Decided{});
}

Decision Decide(const metadata::Image& tip, const FenceNode& command, Now) {
  auto node = Registered(tip, command.node, command.epoch);
  if (!node) return {std::nullopt, std::unexpected(node.error())};
  Draft draft(tip);
  if (!Leave(draft, {.node = command.node})) return std::move(draft).Finish(DecidedInPart{});
  SetState(draft, *node, NodeState::kFenced);
  return std::move(draft).Finish(Decided{});
}

Decision Decide(const metadata::Image& tip, const StopNode& command, Now) {
  auto node = Registered(tip, command.node, command.epoch);
  if (!node) return {std::nullopt, std::unexpected(node.error())};
  Draft draft(tip);
  if (node->state == NodeState::kActive) SetState(draft, *node, NodeState::kStopping);
  if (!Leave(draft, {.node = command.node, .only_if_others_remain = true})) {
    return std::move(draft).Finish(DecidedInPart{});
  }
  return std::move(draft).Finish(Decided{});
}

}  // namespace weir::decide
