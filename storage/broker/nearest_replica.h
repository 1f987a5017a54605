// SPDX-License-Identifier: Apache-2.0
// Which replica a client reads from that says in which rack it stands (KIP-392). Pure.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "common/base/ids.h"

namespace weir::broker {

// Of those that are `in_sync` with the leader, with the ends of their logs: the one in the client's
// rack that has most. None: the leader, for it is as near, or nobody is.
inline std::optional<NodeId> NearestReplica(const std::string& rack, NodeId leader,
                                            const std::map<NodeId, Offset>& in_sync,
                                            const std::function<std::string(NodeId)>& rack_of) {
  if (rack.empty() || rack_of(leader) == rack) return std::nullopt;
  std::optional<NodeId> nearest;
  for (const auto& [node, end] : in_sync) {
    if (rack_of(node) != rack) continue;
    if (!nearest || end > in_sync.at(*nearest)) nearest = node;
  }
  return nearest;
}

}  // namespace weir::broker
