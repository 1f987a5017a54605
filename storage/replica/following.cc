// SPDX-License-Identifier: Apache-2.0
// The follower's part: from where it follows, where it cuts, what it acknowledges.
#include <glog/logging.h>

#include <algorithm>

#include "common/base/planted_bug.h"
#include "storage/replica/replica.h"

namespace weir::replica {

void Replica::BecomeFollower(const Assignment& before, Instant now) {
  Following following;
  following.backoff = config_.follow_backoff;
  following.follow_not_before = now;
  auto* earlier = std::get_if<Following>(&role_);
  if (earlier && before.leader == assignment_.leader) {
    following.stream_open = earlier->stream_open;
  } else {
    if (earlier) effects_.push_back(Disconnect{before.leader});
    effects_.push_back(Connect{assignment_.leader});
  }
  role_ = std::move(following);
  if (PLANTED_BUG("replica: a new follower cuts to its high watermark")) {
    CutTo(std::get<Following>(role_), high_watermark_);
  }
  FollowIfReady(std::get<Following>(role_), now);
}

void Replica::UpdateFollowing(Following& following, const Assignment& before, Instant now) {
  auto member = before.replicas.find(self_);
  const bool is_registered_anew = member == before.replicas.end() ||
                                  member->second.epoch != assignment_.replicas.at(self_).epoch;
  if (!is_registered_anew) return;
  // The leader must hear the epoch of our present registration, or will never let us in.
  following.phase = Following::Phase::kWaiting;
  following.follow_not_before = now;
  FollowIfReady(following, now);
}

bool Replica::MayShow() const {
  auto* following = std::get_if<Following>(&role_);
  if (!following || !assignment_.isr.contains(self_)) return false;
  return following->phase == Following::Phase::kReconciled;
}

bool Replica::SharesLeadersLog() const {
  auto* following = std::get_if<Following>(&role_);
  return leads() || (following && following->phase == Following::Phase::kReconciled);
}

bool Replica::is_cutting() const {
  auto* following = std::get_if<Following>(&role_);
  return following && following->phase == Following::Phase::kCutting;
}

void Replica::StreamOpened(Instant now) {
  now_ = now;
  auto* following = std::get_if<Following>(&role_);
  if (!following) return;
  following->stream_open = true;
  FollowIfReady(*following, now);
}

void Replica::StreamEnded(Instant now) {
  now_ = now;
  auto* following = std::get_if<Following>(&role_);
  if (!following) return;
  following->stream_open = false;
  if (following->phase != Following::Phase::kCutting) {
    following->phase = Following::Phase::kWaiting;
  }
}

// A Follow says what is *in* the log: it waits until all that has offsets is written.
bool Replica::IsReadyToFollow(const Following& following) const {
  return following.phase == Following::Phase::kWaiting && following.stream_open &&
         positions_.written == positions_.end;
}

void Replica::FollowIfReady(Following& following, Instant now) {
  if (!IsReadyToFollow(following) || now < following.follow_not_before) return;
  following.phase = Following::Phase::kAsked;
  following.follow_id = ++last_follow_id_;
  following.acked_appended = positions_.end;
  following.acked_flushed = positions_.durable;
  effects_.push_back(FollowFrom{.leader = assignment_.leader,
                                .follow_id = following.follow_id,
                                .request = {.node = self_,
                                            .node_epoch = assignment_.replicas.at(self_).epoch,
                                            .leader_epoch = assignment_.leader_epoch,
                                            .offset = positions_.end,
                                            .last_epoch = positions_.last_epoch,
                                            .flushed = positions_.durable,
                                            .start = positions_.start}});
}

void Replica::FollowLater(Following& following, Instant now) {
  following.phase = Following::Phase::kWaiting;
  following.follow_not_before = now + following.backoff;
  following.backoff = std::min(following.backoff * 2, config_.follow_backoff_max);
}

Replica::Following* Replica::Hears(LeaderEpoch epoch, int64_t follow_id) {
  auto* following = std::get_if<Following>(&role_);
  if (!following || epoch != assignment_.leader_epoch) return nullptr;
  if (follow_id != following->follow_id) return nullptr;
  const bool hears = following->phase == Following::Phase::kAsked ||
                     following->phase == Following::Phase::kReconciled;
  return hears ? following : nullptr;
}

bool Replica::TakesData(LeaderEpoch epoch, int64_t follow_id, Offset offset, Instant now) {
  now_ = now;
  Following* following = Hears(epoch, follow_id);
  if (!following) return false;
  if (offset != positions_.end) {
    FollowLater(*following, now);
    return false;
  }
  following->phase = Following::Phase::kReconciled;
  return true;
}

void Replica::DataRefused(Instant now) {
  now_ = now;
  if (auto* following = std::get_if<Following>(&role_)) FollowLater(*following, now);
}

void Replica::LeaderHighWatermark(LeaderEpoch epoch, int64_t follow_id, Offset high_watermark) {
  Following* following = Hears(epoch, follow_id);
  if (!following) return;
  following->phase = Following::Phase::kReconciled;
  following->backoff = config_.follow_backoff;
  following->leader_high_watermark = std::max(following->leader_high_watermark, high_watermark);
  AcknowledgeIfMoved(*following);
  RaiseAsFollower(*following);
}

void Replica::RaiseAsFollower(const Following& following) {
  // What the leader has not taken for the same as its own is not shown.
  if (following.phase != Following::Phase::kReconciled) return;
  RaiseTo(std::min(following.leader_high_watermark, counted()));
}

void Replica::AcknowledgeIfMoved(Following& following) {
  if (following.phase != Following::Phase::kReconciled) return;
  Offset counts = counted();
  if (PLANTED_BUG("replica: a follower says synced for written")) counts = positions_.written;
  if (counts <= Counted(following.acked_appended, following.acked_flushed)) return;
  following.acked_appended = positions_.written;
  following.acked_flushed = positions_.durable;
  Offset flushed = positions_.durable;
  if (PLANTED_BUG("replica: a follower says synced for written")) flushed = positions_.written;
  effects_.push_back(
      Acknowledge{assignment_.leader, assignment_.leader_epoch, positions_.written, flushed});
}

void Replica::LeaderDiverges(LeaderEpoch epoch, int64_t follow_id, Diverging where,
                             const LeaderEpochs& own, Instant now) {
  now_ = now;
  Following* following = Hears(epoch, follow_id);
  if (!following) return;
  // Where we lack the leader's epoch too, cutting to our own next lower one and following again
  // finds the common part in as many rounds as there are epochs between (KIP-279).
  auto ours = own.EndOf(where.epoch, positions_.end);
  const Offset own_end = ours ? ours->end : positions_.start;
  CutTo(*following, std::max(Offset(0), std::min(where.end, own_end)));
  if (following->phase != Following::Phase::kCutting) FollowLater(*following, now);
}

void Replica::LeaderRefuses(LeaderEpoch epoch, int64_t follow_id, ErrorCode code,
                            Offset leader_start, Instant now) {
  now_ = now;
  Following* following = Hears(epoch, follow_id);
  if (!following) return;
  if (code == ErrorCode::kOffsetOutOfRange && leader_start > positions_.end) {
    following->phase = Following::Phase::kCutting;
    effects_.push_back(RestartAt{leader_start});
    return;
  }
  FollowLater(*following, now);
}

void Replica::CutTo(Following& following, Offset target) {
  if (target >= positions_.end) return;
  following.phase = Following::Phase::kCutting;
  if (target < positions_.start) {
    effects_.push_back(RestartAt{target});
  } else {
    effects_.push_back(TruncateTo{target});
  }
}

void Replica::Cut(const Positions& positions, Instant now) {
  CHECK(is_cutting());
  now_ = now;
  positions_ = positions;
  high_watermark_ = std::clamp(high_watermark_, positions.start, positions.end);
  Following& following = std::get<Following>(role_);
  following.phase = Following::Phase::kWaiting;
  following.follow_not_before = now;
  FollowIfReady(following, now);
}

}  // namespace weir::replica
