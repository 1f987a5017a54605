// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

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

template <class List, class Key>
bool HasTwins(const List& list, Key key) {
  for (auto at = list.begin(); at != list.end(); ++at) {
    if (std::find_if(list.begin(), at, [&](const auto& other) { return key(other) == key(*at); }) !=
        at) {
      return true;
    }
  }
  return false;
}

// What a node says of itself is kept by every controller and every node: it has its bounds.
Answer<void> CheckBounds(const metadata::Image& tip, const RegisterNode& command) {
  auto refuse = [](std::string why) { return Refuse(ErrorCode::kInvalidRegistration, why); };
  if (command.node.value() < 0) return refuse("node ids begin at 0");
  if (command.listeners.size() > kListenersMax || command.features.size() > kFeaturesMax ||
      command.directories.empty() || command.directories.size() > kDirectoriesMax) {
    return refuse("a node has at most " + std::to_string(kListenersMax) + " listeners, " +
                  std::to_string(kFeaturesMax) + " features and 1 to " +
                  std::to_string(kDirectoriesMax) + " directories");
  }
  if (HasTwins(command.listeners, [](const auto& listener) { return listener.name; })) {
    return refuse("two listeners have the same name: give each a name of its own");
  }
  if (HasTwins(command.directories, [](const DirectoryId& id) { return id; })) {
    return refuse("two directories have the same identity: one is a copy of the other; empty it");
  }
  bool fits = command.rack.size() <= kWordBytesMax && command.version.size() <= kWordBytesMax;
  for (const auto& listener : command.listeners) {
    fits = fits && listener.name.size() <= kWordBytesMax && listener.host.size() <= kWordBytesMax;
  }
  for (const auto& feature : command.features) fits = fits && feature.name.size() <= kWordBytesMax;
  if (!fits) {
    return refuse("a rack, a version, a host or a name is longer than " +
                  std::to_string(kWordBytesMax) + " bytes");
  }
  if (!tip.nodes.Find(command.node) && tip.nodes.size() >= kClusterNodesMax) {
    return Refuse(ErrorCode::kPolicyViolation,
                  "the cluster has " + std::to_string(tip.nodes.size()) +
                      " nodes, the most it may have: remove those that are gone");
  }
  return {};
}

// A node that was decommissioned and is empty has nothing to come back for.
Answer<void> CheckDuty(const metadata::Image& tip, const metadata::Node& known) {
  if (known.duty != metadata::NodeDuty::kDecommissioning) return {};
  for (const auto& [id, partition] : tip.partitions) {
    if (partition.ReplicaOn(known.id)) return {};
  }
  return Refuse(ErrorCode::kInvalidRegistration,
                "node " + std::to_string(known.id.value()) +
                    " is decommissioned and holds nothing any more: remove it from the cluster, or "
                    "undrain it first to take it back");
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
  if (auto fits = CheckBounds(tip, command); !fits) {
    return {std::nullopt, std::unexpected(fits.error())};
  }
  if (auto fits = CheckFeatures(tip, command); !fits) {
    return {std::nullopt, std::unexpected(fits.error())};
  }
  if (auto fits = known ? CheckDuty(tip, *known) : Answer<void>(); !fits) {
    return {std::nullopt, std::unexpected(fits.error())};
  }
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
  // An epoch that this cluster has not given out yet is no word of a clean stop.
  bool was_given = command.previous_epoch.value() > 0 && command.previous_epoch < node.epoch;
  node.previous_epoch = was_given ? command.previous_epoch : NodeEpoch(0);
  node.listeners = command.listeners;
  node.rack = command.rack;
  node.directories = command.directories;
  node.features = command.features;
  node.state = metadata::NodeState::kFenced;
  node.version = command.version;
  if (known) node.duty = known->duty;
  draft.Add(metadata::ToRecord(node));
  return std::move(draft).Finish(NodeRegistered{node.epoch});
}

}  // namespace weir::decide
