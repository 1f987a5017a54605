// SPDX-License-Identifier: Apache-2.0
// The leader's part: whom it counts, how far the high watermark goes, which ISR it asks for.
#include <glog/logging.h>

#include <algorithm>

#include "common/base/planted_bug.h"
#include "storage/replica/replica.h"

namespace weir::replica {
namespace {

// How many marks cover lag_max: their distance is the error of a caught-up time.
constexpr int kMarksPerLag = 20;

}  // namespace

void Replica::BecomeLeader(Instant now) {
  Leading leading;
  leading.epoch_start = positions_.end;
  leading.ask_not_before = now;
  role_ = std::move(leading);
}

void Replica::UpdateLeading(Leading& leading, bool is_new_record, Instant now) {
  std::erase_if(leading.followers,
                [&](const auto& entry) { return !assignment_.replicas.contains(entry.first); });
  for (const auto& [node, member] : assignment_.replicas) {
    if (node != self_) leading.followers.try_emplace(node);
  }
  // Members of the ISR are given a whole lag_max to be heard of.
  for (auto& [node, progress] : leading.followers) {
    if (assignment_.isr.contains(node) && !progress.caught_up) progress.caught_up = now;
  }
  if (is_new_record) leading.isr_asked.reset();
  Review(leading, now);
}

void Replica::Review(Leading& leading, Instant now) {
  // In this order: who has left no longer holds the high watermark, which then judges who may join.
  RaiseAsLeader(leading, now);
  ReviewIsr(leading, now);
}

void Replica::RaiseAsLeader(const Leading& leading, Instant now) {
  // Strict: below min.insync.replicas nothing becomes visible, whatever the acks. What left the ISR
  // then had all that is visible, and may be elected (KIP-966).
  if (IsUnderMinIsr() && !PLANTED_BUG("replica: visible below the minimum")) return;
  Offset least = counted();
  if (PLANTED_BUG("replica: the leader counts what it has not synced")) least = positions_.written;
  const std::set<NodeId> isr = MaximalIsr();
  for (const auto& [node, progress] : leading.followers) {
    // Who is about to join is waited for too, or it could never reach the high watermark.
    const bool is_joining =
        progress.is_following && IsEligible(node, progress) && IsCaughtUp(progress, now);
    if (PLANTED_BUG("replica: followers are not waited for")) continue;
    if (isr.contains(node) || is_joining) least = std::min(least, Counted(progress));
  }
  RaiseTo(least);
}

bool Replica::KnowsHighWatermark() const {
  auto* leading = std::get_if<Leading>(&role_);
  return leading != nullptr && high_watermark_ >= leading->epoch_start;
}

std::set<NodeId> Replica::MaximalIsr() const {
  std::set<NodeId> isr = assignment_.isr;
  auto* leading = std::get_if<Leading>(&role_);
  if (leading && leading->isr_asked) {
    isr.insert(leading->isr_asked->begin(), leading->isr_asked->end());
  }
  return isr;
}

std::map<NodeId, Offset> Replica::InSyncWith(Offset offset) const {
  std::map<NodeId, Offset> holders;
  auto* leading = std::get_if<Leading>(&role_);
  if (!leading) return holders;
  for (const auto& [node, progress] : leading->followers) {
    const bool holds = progress.start <= offset && offset <= progress.appended;
    if (progress.is_following && assignment_.isr.contains(node) && holds) {
      holders.emplace(node, progress.appended);
    }
  }
  return holders;
}

std::vector<NodeId> Replica::HoldersOf(Offset from, Offset to) const {
  std::vector<NodeId> holders;
  auto* leading = std::get_if<Leading>(&role_);
  if (!leading) return holders;
  for (const auto& [node, progress] : leading->followers) {
    const bool holds = progress.start <= from && to <= progress.appended;
    if (progress.is_following && holds) holders.push_back(node);
  }
  return holders;
}

bool Replica::IsCaughtUp(const Progress& progress, Instant now) const {
  if (Counted(progress) >= positions_.written) return true;
  return progress.caught_up && now - *progress.caught_up < config_.lag_max;
}

// Whether the controller would let it in: a fenced node, or an incarnation that is no longer the
// registered one, may have lost what it had (KIP-903).
bool Replica::IsEligible(NodeId node, const Progress& progress) const {
  auto member = assignment_.replicas.find(node);
  return member != assignment_.replicas.end() && member->second.active &&
         member->second.epoch == progress.epoch;
}

// Whoever would have to leave again at once does not join.
bool Replica::MayJoin(const Leading& leading, NodeId node, const Progress& progress,
                      Instant now) const {
  const Offset has = Counted(progress);
  return progress.is_following && IsEligible(node, progress) && IsCaughtUp(progress, now) &&
         has >= high_watermark_ && has >= leading.epoch_start;
}

std::set<NodeId> Replica::DesiredIsr(const Leading& leading, Instant now) const {
  std::set<NodeId> desired = {self_};
  for (const auto& [node, progress] : leading.followers) {
    const bool stays = assignment_.isr.contains(node) ? IsCaughtUp(progress, now)
                                                      : MayJoin(leading, node, progress, now);
    if (stays) desired.insert(node);
  }
  if (desired == assignment_.isr) return desired;
  // The controller removes whom it fences; but a set with such a member would be refused whole.
  std::erase_if(
      desired, [&](NodeId node) { return node != self_ && !assignment_.replicas.at(node).active; });
  return desired;
}

void Replica::ReviewIsr(Leading& leading, Instant now) {
  if (leading.isr_asked || now < leading.ask_not_before) return;
  if (!assignment_.replicas.at(self_).active) return;
  std::set<NodeId> desired = DesiredIsr(leading, now);
  if (desired == assignment_.isr) return;
  leading.isr_asked = std::move(desired);
  SendAsk(leading);
}

void Replica::SendAsk(const Leading& leading) {
  AskIsr ask{assignment_.leader_epoch, assignment_.partition_epoch, {}};
  for (NodeId node : *leading.isr_asked) {
    auto follower = leading.followers.find(node);
    const bool is_heard = follower != leading.followers.end() && follower->second.is_following;
    ask.isr[node] = is_heard ? follower->second.epoch : assignment_.replicas.at(node).epoch;
  }
  effects_.push_back(std::move(ask));
}

void Replica::IsrRefused(PartitionEpoch partition_epoch, ErrorCode code, Instant now) {
  now_ = now;
  auto* leading = std::get_if<Leading>(&role_);
  if (!leading || !leading->isr_asked || partition_epoch != assignment_.partition_epoch) return;
  // Any other refusal says that the record has moved on, perhaps by what was asked for here: the
  // set stays counted until that record arrives.
  if (code != ErrorCode::kIneligibleReplica && code != ErrorCode::kOperationNotAttempted) return;
  leading->isr_asked.reset();
  leading->ask_not_before = now + config_.ask_backoff;
  RaiseAsLeader(*leading, now);
}

void Replica::SessionRenewed() {
  auto* leading = std::get_if<Leading>(&role_);
  if (leading && leading->isr_asked) SendAsk(*leading);
}

std::optional<Refused> Replica::WhyNotFollowed(const FollowRequest& request) const {
  auto* leading = std::get_if<Leading>(&role_);
  if (!leading) return Refused{ErrorCode::kNotLeaderOrFollower};
  if (request.leader_epoch < assignment_.leader_epoch) {
    return Refused{ErrorCode::kFencedLeaderEpoch};
  }
  // Either the follower has newer metadata than we have, or knows of a reassignment that we do not:
  // it tries again.
  if (request.leader_epoch > assignment_.leader_epoch ||
      !leading->followers.contains(request.node)) {
    return Refused{ErrorCode::kUnknownLeaderEpoch};
  }
  if (request.offset < positions_.start) return Refused{ErrorCode::kOffsetOutOfRange};
  return std::nullopt;
}

FollowAnswer Replica::FollowerFollows(const FollowRequest& request, const LeaderEpochs& epochs,
                                      Instant now) {
  now_ = now;
  if (auto refused = WhyNotFollowed(request)) return *refused;

  if (request.last_epoch == kNoLeaderEpoch) {
    // It has nothing that could differ.
    if (request.offset > positions_.end) return Diverging{kNoLeaderEpoch, positions_.end};
  } else if (auto ours = epochs.EndOf(request.last_epoch, positions_.end)) {
    if (PLANTED_BUG("replica: any follower is taken for the same")) {
      // Whatever it has.
    } else if (ours->epoch != request.last_epoch || ours->end < request.offset) {
      return Diverging{ours->epoch, ours->end};
    }
  } else if (request.offset > positions_.start || request.last_epoch > assignment_.leader_epoch) {
    // All that is left here was written by later leaders.
    return Diverging{kNoLeaderEpoch, positions_.start};
  }

  Leading& leading = std::get<Leading>(role_);
  Progress& progress = leading.followers.at(request.node);
  progress.is_following = true;
  progress.epoch = request.node_epoch;
  progress.start = request.start;
  progress.appended = request.offset;
  progress.flushed = std::min(request.flushed, request.offset);
  NoteCaughtUp(leading, progress, now);
  Review(leading, now);
  return Accepted{};
}

void Replica::FollowerAcked(NodeId node, Offset appended, Offset flushed, Instant now) {
  now_ = now;
  auto* leading = std::get_if<Leading>(&role_);
  if (!leading || appended > positions_.end || flushed > appended) return;
  auto follower = leading->followers.find(node);
  if (follower == leading->followers.end() || !follower->second.is_following) return;
  Progress& progress = follower->second;
  progress.appended = std::max(progress.appended, appended);
  progress.flushed = std::max(progress.flushed, flushed);
  NoteCaughtUp(*leading, progress, now);
  Review(*leading, now);
}

void Replica::FollowerStartsAt(NodeId node, Offset start) {
  auto* leading = std::get_if<Leading>(&role_);
  if (!leading) return;
  auto follower = leading->followers.find(node);
  if (follower == leading->followers.end() || !follower->second.is_following) return;
  follower->second.start = start;
}

Offset Replica::LowWatermark() const {
  Offset least = positions_.start;
  auto* leading = std::get_if<Leading>(&role_);
  if (!leading) return least;
  for (const auto& [node, progress] : leading->followers) {
    if (assignment_.isr.contains(node)) least = std::min(least, progress.start);
  }
  return least;
}

void Replica::FollowerGone(NodeId node, Instant now) {
  now_ = now;
  auto* leading = std::get_if<Leading>(&role_);
  if (!leading) return;
  auto follower = leading->followers.find(node);
  if (follower == leading->followers.end()) return;
  follower->second.is_following = false;
  Review(*leading, now);
}

void Replica::NoteWritten(Leading& leading, Offset before, Instant now) {
  for (auto& [node, progress] : leading.followers) {
    if (progress.is_following && Counted(progress) >= before) progress.caught_up = now;
  }
  std::deque<Mark>& marks = leading.marks;
  while (!marks.empty() && now - marks.front().time > config_.lag_max) marks.pop_front();
  if (marks.empty() || now - marks.back().time >= config_.lag_max / kMarksPerLag) {
    marks.push_back({now, before});
  }
}

void Replica::NoteCaughtUp(const Leading& leading, Progress& progress, Instant now) const {
  const Offset has = Counted(progress);
  std::optional<Instant> at;
  if (has >= positions_.written) {
    at = now;
  } else {
    auto mark = std::find_if(leading.marks.rbegin(), leading.marks.rend(),
                             [&](const Mark& m) { return m.end <= has; });
    if (mark != leading.marks.rend()) at = mark->time;
  }
  if (at && (!progress.caught_up || *progress.caught_up < *at)) progress.caught_up = at;
}

Instant Replica::LeadingDeadline(const Leading& leading) const {
  Instant deadline = Instant::Never();
  for (const auto& [node, progress] : leading.followers) {
    // What has lagged already waits for an answer or a back-off; what has not may come to lag.
    if (Counted(progress) >= positions_.written || !IsCaughtUp(progress, now_)) continue;
    deadline = std::min(deadline, *progress.caught_up + config_.lag_max);
  }
  if (!leading.isr_asked && leading.ask_not_before > now_) {
    deadline = std::min(deadline, leading.ask_not_before);
  }
  return deadline;
}

}  // namespace weir::replica
