// SPDX-License-Identifier: Apache-2.0
#include "controller/decide/imbalance.h"

#include <algorithm>

namespace weir::decide {
namespace {

bool IsOutOfBalance(const metadata::Partition& partition) {
  NodeId preferred = partition.replicas.front().node;
  return partition.leader != kNoNode && partition.leader != preferred &&
         partition.IsInSync(preferred);
}

}  // namespace

void Imbalance::Activate(const metadata::Image& image, Instant now) {
  deadlines_.clear();
  queue_.clear();
  next_pass_ = now;
  for (const auto& [id, partition] : image.partitions) Changed(id, &partition, now);
}

void Imbalance::Changed(const PartitionId& id, const metadata::Partition* partition, Instant now) {
  auto held = deadlines_.find(id);
  if (partition && IsOutOfBalance(*partition)) {
    if (held != deadlines_.end()) return;
    deadlines_[id] = now + config_.patience;
    queue_.emplace(now + config_.patience, id);
  } else if (held != deadlines_.end()) {
    queue_.erase({held->second, id});
    deadlines_.erase(held);
  }
}

std::vector<PartitionId> Imbalance::Due(Instant now) {
  std::vector<PartitionId> due;
  if (now < next_pass_) return due;
  while (!queue_.empty() && queue_.begin()->first <= now && due.size() < config_.pass_most) {
    due.push_back(queue_.begin()->second);
    queue_.erase(queue_.begin());
  }
  for (const PartitionId& id : due) {
    deadlines_[id] = now + config_.patience;
    queue_.emplace(now + config_.patience, id);
  }
  if (!due.empty()) next_pass_ = now + config_.pause;
  return due;
}

Instant Imbalance::NextDeadline() const {
  if (queue_.empty()) return Instant::Never();
  return std::max(queue_.begin()->first, next_pass_);
}

}  // namespace weir::decide
