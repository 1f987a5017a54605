// SPDX-License-Identifier: Apache-2.0
#include "storage/replica/replica.h"

#include <glog/logging.h>

#include <algorithm>

namespace weir::replica {
namespace {

void CheckLawful(const Positions& p) {
  CHECK_LE(p.start.value(), p.durable.value());
  CHECK_LE(p.durable.value(), p.written.value());
  CHECK_LE(p.written.value(), p.end.value());
}

}  // namespace

Replica::Replica(NodeId self, ReplicaConfig config, Positions positions, Instant now,
                 Offset known_high_watermark)
    : self_(self),
      config_(config),
      positions_(positions),
      high_watermark_(std::clamp(known_high_watermark, positions.start, positions.end)),
      last_follow_id_(now.ns),
      now_(now) {
  CheckLawful(positions);
}

void Replica::Apply(const Assignment& assignment, Instant now) {
  CHECK(!is_cutting());
  now_ = now;
  if (assignment.partition_epoch < assignment_.partition_epoch) return;
  if (assignment.leader_epoch < assignment_.leader_epoch) return;

  const Assignment before = std::exchange(assignment_, assignment);
  const bool is_same_reign =
      before.leader == assignment.leader && before.leader_epoch == assignment.leader_epoch;
  const bool is_replica = assignment.replicas.contains(self_);
  auto* following = std::get_if<Following>(&role_);
  auto* leading = std::get_if<Leading>(&role_);

  if (!is_replica || assignment.leader == kNoNode) {
    if (following) effects_.push_back(Disconnect{before.leader});
    role_ = Offline{};
  } else if (assignment.leader == self_) {
    if (following) effects_.push_back(Disconnect{before.leader});
    if (!leading || !is_same_reign) BecomeLeader(now);
    UpdateLeading(std::get<Leading>(role_), assignment.partition_epoch > before.partition_epoch,
                  now);
  } else if (following && is_same_reign) {
    UpdateFollowing(*following, before, now);
  } else {
    BecomeFollower(before, now);
  }
}

void Replica::LocalMoved(const Positions& positions, Instant now) {
  CheckLawful(positions);
  now_ = now;
  const Positions before = std::exchange(positions_, positions);
  if (high_watermark_ < positions.start) RaiseTo(positions.start);
  if (auto* leading = std::get_if<Leading>(&role_)) {
    CHECK_GE(positions.end.value(), before.end.value());
    if (positions.written > before.written) NoteWritten(*leading, before.written, now);
    Review(*leading, now);
  } else if (auto* following = std::get_if<Following>(&role_)) {
    FollowIfReady(*following, now);
    AcknowledgeIfMoved(*following);
    RaiseAsFollower(*following);
  }
}

void Replica::RaiseTo(Offset to) {
  if (to <= high_watermark_) return;
  high_watermark_ = to;
  effects_.push_back(RaiseHighWatermark{to});
}

void Replica::Tick(Instant now) {
  now_ = now;
  if (auto* leading = std::get_if<Leading>(&role_)) {
    Review(*leading, now);
  } else if (auto* following = std::get_if<Following>(&role_)) {
    FollowIfReady(*following, now);
  }
}

Instant Replica::NextDeadline() const {
  if (auto* leading = std::get_if<Leading>(&role_)) return LeadingDeadline(*leading);
  if (auto* following = std::get_if<Following>(&role_)) {
    if (IsReadyToFollow(*following)) return following->follow_not_before;
  }
  return Instant::Never();
}

bool Replica::IsUnderMinIsr() const {
  const int64_t replicas = static_cast<int64_t>(assignment_.replicas.size());
  const int64_t least = std::min<int64_t>(assignment_.min_isr, replicas);
  return static_cast<int64_t>(assignment_.isr.size()) < least;
}

}  // namespace weir::replica
