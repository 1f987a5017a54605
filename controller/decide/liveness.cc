// SPDX-License-Identifier: Apache-2.0
#include "controller/decide/liveness.h"

#include <glog/logging.h>

#include <algorithm>

namespace weir::decide {

Liveness::Liveness(Config config) : config_(config) { CHECK_GT(config_.pulse.count(), 0); }

void Liveness::Activate(const metadata::Image& image, Instant now) {
  nodes_.clear();
  deadlines_.clear();
  called_ = now;
  earliest_ = now;
  for (const auto& [id, node] : image.nodes) {
    if (node.state != metadata::NodeState::kFenced) Put(id, Hold::kAwaited, 0, now);
  }
}

void Liveness::Opened(NodeId node, uint64_t session, Instant now) {
  Wake(now);
  auto known = nodes_.find(node);
  if (known != nodes_.end() && session <= known->second.session) return;
  Put(node, Hold::kOpen, session, now);
}

void Liveness::Heard(NodeId node, uint64_t session, Instant now) {
  Wake(now);
  auto known = nodes_.find(node);
  if (known == nodes_.end()) return;
  if (known->second.hold == Hold::kOpen && known->second.session == session) {
    Put(node, Hold::kOpen, session, now);
  }
}

void Liveness::Broken(NodeId node, uint64_t session, Instant now) {
  Wake(now);
  auto known = nodes_.find(node);
  if (known == nodes_.end() || session < known->second.session) return;
  // Where nothing is open there is nothing to lose: what is granted to come back goes on.
  if (known->second.hold == Hold::kOpen) Put(node, Hold::kBroken, session, now);
}

bool Liveness::IsAlive(NodeId node, Instant now) const {
  auto known = nodes_.find(node);
  if (known == nodes_.end() || known->second.hold != Hold::kOpen) return false;
  return now < known->second.deadline || Slept(now);
}

std::vector<NodeId> Liveness::Expire(Instant now) {
  Wake(now);
  std::vector<NodeId> over;
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    over.push_back(deadlines_.begin()->second);
    nodes_.erase(over.back());
    deadlines_.erase(deadlines_.begin());
  }
  CHECK_EQ(nodes_.size(), deadlines_.size());
  std::ranges::sort(over);
  return over;
}

Instant Liveness::NextDeadline() const {
  if (deadlines_.empty()) return Instant::Never();
  return std::min(deadlines_.begin()->first, called_ + config_.pulse);
}

bool Liveness::Slept(Instant now) const {
  // Where no node is known nobody was to call.
  return !deadlines_.empty() && now > NextDeadline() + config_.slack;
}

void Liveness::Wake(Instant now) {
  bool slept = Slept(now);
  // A call may carry a moment read a little before that of the last one.
  called_ = std::max(called_, now);
  if (!slept) return;
  // What the nodes said meanwhile may still wait to be read, and those that gave this process up
  // have to find it again: none is judged by what it did while nobody listened.
  earliest_ = now + config_.reconnect_window;
  deadlines_.clear();
  for (auto& [id, known] : nodes_) {
    known.deadline = std::max(now + TimeOf(known.hold), earliest_);
    deadlines_.insert({known.deadline, id});
  }
}

Duration Liveness::TimeOf(Hold hold) const {
  if (hold == Hold::kOpen) return config_.lease;
  return hold == Hold::kBroken ? config_.grace : config_.reconnect_window;
}

void Liveness::Put(NodeId node, Hold hold, uint64_t session, Instant now) {
  Known& known = nodes_[node];
  deadlines_.erase({known.deadline, node});
  known = {hold, session, std::max(now + TimeOf(hold), earliest_)};
  deadlines_.insert({known.deadline, node});
}

}  // namespace weir::decide
