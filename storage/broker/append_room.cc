// SPDX-License-Identifier: Apache-2.0
#include "storage/broker/append_room.h"

#include <glog/logging.h>

#include <algorithm>

namespace weir::broker {
namespace {

// A hundred partitions that stand still have then taken all but a four-hundredth.
constexpr int64_t kPartOfFree = 16;

}  // namespace

bool AppendRoom::FitsShare(const Share& share, int64_t bytes) const {
  return share.taken == 0 || share.taken + bytes <= (bytes_ - taken_) / kPartOfFree;
}

void AppendRoom::TakeFor(Share& share, int64_t bytes) {
  share.taken += bytes;
  taken_ += bytes;
}

bool AppendRoom::Take(const PartitionId& partition, int64_t bytes) {
  CHECK_GT(bytes, 0);
  if (is_full_) return false;
  Share& share = shares_[partition];
  if (share.line.empty() && FitsShare(share, bytes) && FitsNode(bytes)) {
    TakeFor(share, bytes);
    return true;
  }
  ForgetIfIdle(partition);
  return false;
}

AppendRoom::Ticket AppendRoom::Wait(const PartitionId& partition, int64_t bytes) {
  CHECK_GT(bytes, 0);
  Share& share = shares_[partition];
  if (share.line.empty()) turns_.push_back(partition);
  share.line.push_back({++last_ticket_, bytes});
  partition_of_.emplace(last_ticket_, partition);
  if (FitsShare(share, bytes)) is_full_ = true;
  return last_ticket_;
}

void AppendRoom::Leave(Ticket ticket) {
  auto known = partition_of_.extract(ticket);
  if (known.empty()) return;
  const PartitionId partition = known.mapped();
  Share& share = shares_.at(partition);
  std::erase_if(share.line, [&](const Waiter& waiter) { return waiter.ticket == ticket; });
  if (share.line.empty()) std::erase(turns_, partition);
  if (turns_.empty()) is_full_ = false;
  ForgetIfIdle(partition);
}

std::optional<AppendRoom::Ticket> AppendRoom::Next() {
  is_full_ = false;
  for (size_t asked = 0; asked < turns_.size(); ++asked) {
    const PartitionId partition = turns_.front();
    Share& share = shares_.at(partition);
    const Waiter first = share.line.front();
    const bool fits = FitsShare(share, first.bytes);
    if (fits && !FitsNode(first.bytes)) {
      // Who needs much would wait for ever behind those who need little.
      is_full_ = true;
      return std::nullopt;
    }
    turns_.pop_front();
    if (fits) {
      TakeFor(share, first.bytes);
      share.line.pop_front();
      partition_of_.erase(first.ticket);
    }
    if (!share.line.empty()) turns_.push_back(partition);
    if (fits) return first.ticket;
  }
  return std::nullopt;
}

void AppendRoom::GiveBack(const PartitionId& partition, int64_t bytes) {
  auto share = shares_.find(partition);
  CHECK(share != shares_.end()) << partition;
  CHECK_GE(share->second.taken, bytes);
  share->second.taken -= bytes;
  taken_ -= bytes;
  ForgetIfIdle(partition);
}

void AppendRoom::ForgetIfIdle(const PartitionId& partition) {
  auto share = shares_.find(partition);
  if (share != shares_.end() && share->second.taken == 0 && share->second.line.empty()) {
    shares_.erase(share);
  }
}

}  // namespace weir::broker
