// SPDX-License-Identifier: Apache-2.0
#include "storage/journal/unsynced.h"

#include <glog/logging.h>

namespace weir::journal {

void Unsynced::Told(const PartitionId& partition, Ticket ticket) {
  auto [span, added] = spans_.try_emplace(partition, Span{ticket, ticket});
  if (added) order_.emplace(ticket, partition);
  CHECK_LE(span->second.last, ticket);
  span->second.last = ticket;
}

void Unsynced::Synced(const PartitionId& partition, Ticket mark) {
  auto span = spans_.find(partition);
  if (span == spans_.end() || mark < span->second.first) return;
  order_.erase({span->second.first, partition});
  if (mark >= span->second.last) {
    spans_.erase(span);
    return;
  }
  span->second.first = mark + 1;
  order_.emplace(span->second.first, partition);
}

std::optional<Ticket> Unsynced::oldest() const {
  return order_.empty() ? std::nullopt : std::optional(order_.begin()->first);
}

std::vector<PartitionId> Unsynced::OldestUpTo(Ticket last, size_t most) const {
  std::vector<PartitionId> found;
  for (const auto& [first, partition] : order_) {
    if (first > last || found.size() == most) break;
    found.push_back(partition);
  }
  return found;
}

}  // namespace weir::journal
