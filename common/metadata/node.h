// SPDX-License-Identifier: Apache-2.0
// A storage node as it registered, and what became of it since; and who votes in the quorum.
// Values.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/ids.h"

namespace weir::metadata {

struct Listener {
  // Unique within the node: "internal" (replication), "client" (append, fetch, admin), ...
  std::string name;
  std::string host;
  int32_t port = 0;
  bool operator==(const Listener&) const = default;
};

struct FeatureRange {
  std::string name;
  int32_t min_level = 0;
  int32_t max_level = 0;
  bool operator==(const FeatureRange&) const = default;
};

enum class NodeState {
  kFenced,  // Registered, and not to be trusted with a replica: leads nothing, is in no ISR.
  kActive,
  kStopping,  // Stopping in order: leads nothing new, joins no ISR.
};

// "fenced", "active", "stopping".
inline std::string_view NameOf(NodeState state) {
  switch (state) {
    case NodeState::kFenced:
      return "fenced";
    case NodeState::kActive:
      return "active";
    case NodeState::kStopping:
      return "stopping";
  }
  return "unknown";
}

// What a node is there for, as its operators want it. It outlives a restart of the node.
enum class NodeDuty {
  kServing,
  kDraining,         // Gets no new replicas, leads nothing that another can lead, is emptied.
  kDecommissioning,  // The same, and it is not coming back.
};

// "serving", "draining", "decommissioning".
inline std::string_view NameOf(NodeDuty duty) {
  switch (duty) {
    case NodeDuty::kServing:
      return "serving";
    case NodeDuty::kDraining:
      return "draining";
    case NodeDuty::kDecommissioning:
      return "decommissioning";
  }
  return "unknown";
}

struct Node {
  NodeId id;
  // The log index of the registration: one incarnation of this node.
  NodeEpoch epoch;
  Incarnation incarnation;
  // What the node had written down at a clean stop; 0 where it did not stop cleanly.
  NodeEpoch previous_epoch;
  std::vector<Listener> listeners;
  std::string rack;
  // The identities of its data folders, and those of them that it has reported as failed.
  std::vector<DirectoryId> directories;
  std::vector<DirectoryId> failed_directories;
  std::vector<FeatureRange> features;
  NodeState state = NodeState::kFenced;
  std::string version;
  NodeDuty duty = NodeDuty::kServing;

  bool operator==(const Node&) const = default;

  bool is_active() const { return state == NodeState::kActive; }
  // It is being emptied, to come back or not.
  bool is_draining() const { return duty != NodeDuty::kServing; }
  // Null if it has none of that name.
  const Listener* ListenerNamed(std::string_view listener) const {
    auto found = std::ranges::find(listeners, listener, &Listener::name);
    return found == listeners.end() ? nullptr : &*found;
  }
  // It has this data folder, and the folder works.
  bool Offers(const DirectoryId& directory) const {
    return std::ranges::count(directories, directory) > 0 &&
           std::ranges::count(failed_directories, directory) == 0;
  }
};

struct Voter {
  ControllerId id;
  DirectoryId directory;
  // Where it answers, "host:port".
  std::string endpoint;
  // It is sent the log, and does not vote yet.
  bool is_learner = false;
  bool operator==(const Voter&) const = default;
};

}  // namespace weir::metadata
