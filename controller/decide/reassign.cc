// SPDX-License-Identifier: Apache-2.0
// Moves partitions to other nodes, and back. A request is decided as a whole, or refused.
#include <set>

#include "common/metadata/placement.h"
#include "controller/decide/decisions.h"
#include "controller/decide/draft.h"
#include "controller/decide/move.h"
#include "controller/decide/partitions.h"

namespace weir::decide {
namespace {

using metadata::Image;
using metadata::Partition;
using metadata::Replica;

std::string Named(NodeId node) { return "node " + std::to_string(node.value()); }

// A replica on `node`: the one that is there, or a new one.
Answer<Replica> ReplicaOn(const Image& image, const PartitionId& id, const Partition& known,
                          NodeId node) {
  const metadata::Node* registered = image.nodes.Find(node);
  if (!registered) {
    return Refuse(ErrorCode::kInvalidReplicaAssignment,
                  Named(node) + " is not registered: name one of the nodes that are");
  }
  if (const Replica* held = known.ReplicaOn(node)) return *held;
  if (registered->is_draining()) {
    return Refuse(ErrorCode::kInvalidReplicaAssignment,
                  Named(node) + " is " + std::string(NameOf(registered->duty)) +
                      " and gets no replicas: name another, or undrain it first");
  }
  auto directory = metadata::DirectoryFor(*registered, id);
  if (!registered->is_active() || !directory) {
    return Refuse(ErrorCode::kInvalidReplicaAssignment,
                  Named(node) + " is " + std::string(NameOf(registered->state)) +
                      ", or has no directory that works: start it, or name another");
  }
  return Replica{node, *directory};
}

Answer<std::vector<Replica>> TargetIn(const Image& image, const PartitionId& id,
                                      const Partition& known, const Reassign::Move& move) {
  if (move.replicas.empty()) {
    return Refuse(ErrorCode::kInvalidReplicaAssignment, "name the nodes it is to move to");
  }
  std::set<NodeId> nodes;
  std::vector<Replica> target;
  for (NodeId node : move.replicas) {
    if (!nodes.insert(node).second) {
      return Refuse(ErrorCode::kInvalidReplicaAssignment,
                    Named(node) + " is named twice: a node holds one replica at most");
    }
    auto replica = ReplicaOn(image, id, known, node);
    if (!replica) return std::unexpected(replica.error());
    target.push_back(*replica);
  }
  for (const Replica& replica : OriginOf(known)) nodes.insert(replica.node);
  if (nodes.size() > kReplicasMax) {
    return Refuse(ErrorCode::kInvalidReplicaAssignment,
                  "with those that are leaving it would have " + std::to_string(nodes.size()) +
                      " replicas, and " + std::to_string(kReplicasMax) + " are the most");
  }
  return target;
}

// A refusal of one of several, with its name.
Decision RefuseFor(const PartitionName& name, Refusal refusal) {
  return RefuseDecision(refusal.code, name.topic + "/" + std::to_string(name.index.value()) + ": " +
                                          refusal.message + " (nothing was changed)");
}

}  // namespace

Decision Decide(const Image& tip, const Reassign& command, Now) {
  std::vector<PartitionName> names;
  for (const auto& move : command.moves) names.push_back(move.partition);
  if (auto fits = CheckNamed(names); !fits) return {std::nullopt, std::unexpected(fits.error())};
  Draft draft(tip);
  for (const Reassign::Move& move : command.moves) {
    auto id = Find(tip, move.partition);
    if (!id) return {std::nullopt, std::unexpected(id.error())};
    const Partition known = *draft.image().partitions.Find(*id);
    auto target = TargetIn(tip, *id, known, move);
    if (!target) return RefuseFor(move.partition, target.error());
    auto moved = Moved(tip, *id, known, *target);
    if (!moved) return RefuseFor(move.partition, moved.error());
    draft.Change(*id, Rehomed(tip, *id, *std::move(moved)));
  }
  if (draft.exceeds_bytes()) {
    return RefuseDecision(ErrorCode::kPolicyViolation,
                          "these moves do not fit in one entry of the metadata log: ask for fewer "
                          "at a time");
  }
  if (command.validate_only) return {std::nullopt, Decided{}};
  return std::move(draft).Finish(Decided{});
}

Decision Decide(const Image& tip, const CancelReassign& command, Now) {
  if (auto fits = CheckNamed(command.partitions); !fits) {
    return {std::nullopt, std::unexpected(fits.error())};
  }
  Draft draft(tip);
  for (const PartitionName& name : command.partitions) {
    auto id = Find(tip, name);
    if (!id) return {std::nullopt, std::unexpected(id.error())};
    const Partition known = *draft.image().partitions.Find(*id);
    if (!known.is_moving()) {
      return RefuseFor(name, {ErrorCode::kNoReassignmentInProgress,
                              "it is not moving; its replicas are " + ListOf(known.replicas)});
    }
    auto moved = Moved(tip, *id, known, OriginOf(known));
    if (!moved) return RefuseFor(name, moved.error());
    draft.Change(*id, *std::move(moved));
  }
  return std::move(draft).Finish(Decided{});
}

}  // namespace weir::decide
