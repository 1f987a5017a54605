// SPDX-License-Identifier: Apache-2.0
#include "common/base/planted_bug.h"
#include "controller/decide/decisions.h"
#include "controller/decide/draft.h"

namespace weir::decide {
namespace {

// The metadata level that every registered process must support.
Answer<void> CheckFeatures(const metadata::Image& tip, const RegisterNode& command) {
  for (const auto& [name, level] : tip.features) {
    auto range = std::ranges::find(command.features, name, &metadata::FeatureRange::name);
    if (range != command.features.end() && range->min_level <= level && level <= range->max_level) {
      continue;
    }
    return Refuse(ErrorCode::kUnsupportedVersion,
                  "the cluster is at level " + std::to_string(level) + " of feature '" + name +
                      "', which this node does not support: start a newer version");
  }
  return {};
}

}  // namespace

Decision Decide(const metadata::Image& tip, const RegisterNode& command, Now) {
  const metadata::Node* known = tip.nodes.Find(command.node);
  if (known && known->incarnation == command.incarnation) {
    return {std::nullopt, NodeRegistered{known->epoch}};
  }
  if (known && command.is_session_alive) {
    return RefuseDecision(ErrorCode::kDuplicateBrokerRegistration,
                          "node " + std::to_string(command.node.value()) +
                              " is alive in another process; give this one another --id");
  }
  if (auto fits = CheckFeatures(tip, command); !fits)
    return {std::nullopt, std::unexpected(fits.error())};
  Draft draft(tip);
  // Whatever it was before this start, it must be let in again. Without the word of a clean stop,
  // what was not flushed may be gone.
  bool clean = known && known->epoch == command.previous_epoch;
  if (!Leave(draft, {.node = command.node,
                     .loses_cache = !clean && !PLANTED_BUG("decide: every stop was clean")})) {
    return std::move(draft).Finish(DecidedInPart{});
  }
  metadata::Node node;
  node.id = command.node;
  node.epoch = NodeEpoch(metadata::NextIndex(tip).value());
  node.incarnation = command.incarnation;
  node.previous_epoch = command.previous_epoch;
  node.listeners = command.listeners;
  node.rack = command.rack;
  node.directories = command.directories;
  node.features = command.features;
  node.state = metadata::NodeState::kFenced;
  node.version = command.version;
  draft.Add(metadata::ToRecord(node));
  return std::move(draft).Finish(NodeRegistered{node.epoch});
}

}  // namespace weir::decide
