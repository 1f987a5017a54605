// SPDX-License-Identifier: Apache-2.0
#include "client/core/consumer_core.h"

#include <algorithm>
#include <utility>

namespace weir::client {

ConsumerCore::ConsumerCore(ConsumerConfig config, uint64_t seed)
    : config_(std::move(config)), seed_(seed), locate_backoff_(seed) {}

void ConsumerCore::Start(Instant now) {
  started_ = now;
  Advance(now);
}

void ConsumerCore::Located(const TopicRoute& route, Instant now) {
  if (over_) return;
  locating_ = false;
  if (route.error != ErrorCode::kNone || route.partitions.empty()) {
    TopicUnknown(now);
  } else {
    Adopt(route, now);
  }
  Advance(now);
}

void ConsumerCore::TopicUnknown(Instant now) {
  if (unknown_since_ == Instant::Never()) unknown_since_ = now;
  locate_not_before_ = now + locate_backoff_.Next();
  if (now >= unknown_since_ + config_.unknown_topic_patience) {
    Fail({ErrorCode::kUnknownTopicOrPartition, "there is no topic " + config_.topic});
  }
}

void ConsumerCore::Adopt(const TopicRoute& route, Instant now) {
  if (known_ && topic_ != route.id) {
    Fail({ErrorCode::kUnknownTopicId, "topic " + config_.topic + " was deleted, and made anew"});
    return;
  }
  unknown_since_ = Instant::Never();
  locate_backoff_.Reset();
  locate_not_before_ = {};
  topic_ = route.id;
  auto count = static_cast<int32_t>(route.partitions.size());
  for (PartitionIndex wanted : config_.partitions) {
    if (wanted >= PartitionIndex(0) && wanted < PartitionIndex(count)) continue;
    Fail({ErrorCode::kUnknownTopicOrPartition,
          "topic " + config_.topic + " has partitions 0 to " + std::to_string(count - 1)});
    return;
  }
  for (int32_t i = 0; i < count; ++i) {
    PartitionIndex index(i);
    if (!config_.partitions.empty() && !config_.partitions.contains(index)) continue;
    // Partitions that were added later are read from their beginning: nothing of them was missed.
    if (!partitions_.contains(index)) {
      Partition fresh;
      fresh.last_heard = now;
      fresh.backoff = BackOff(seed_ + static_cast<uint64_t>(i));
      if (known_) {
        if (config_.until_end) continue;
        fresh.next = Offset(0);
      } else if (config_.start == ConsumerConfig::Start::kOffset) {
        auto own = config_.offsets.find(index);
        fresh.next = own == config_.offsets.end() ? config_.offset : own->second;
      }
      partitions_.emplace(index, std::move(fresh));
    }
    Reroute(index, route.partitions[static_cast<size_t>(i)], now);
  }
  known_ = true;
}

void ConsumerCore::Reroute(PartitionIndex index, PartitionRoute route, Instant now) {
  Partition& partition = partitions_.at(index);
  using State = Partition::State;
  if (partition.state == State::kDone) return;
  bool newer = route.epoch > partition.route.epoch;
  if (newer) {
    partition.route = route;
    if (partition.state != State::kUnrouted) {
      effects_.push_back(effect::Cancel{partition.request});
      partition.request = 0;
      partition.state = State::kUnrouted;
      partition.last_heard = now;
    }
    partition.nearest.reset();
    partition.route_needed = locate_asked_;
  }
  if (partition.state != State::kUnrouted) {
    partition.doubt_at = now + config_.doubt_after;
    // Where nothing comes, the leader knows whether that replica is still in sync; and after a
    // while it may know another.
    const bool is_silent =
        partition.nearest && now >= partition.last_heard + config_.nearest_age / 3;
    if (is_silent || now >= NearestWantedAt(partition)) {
      effects_.push_back(effect::Cancel{partition.request});
      partition.nearest.reset();
      partition.last_heard = now;
      Begin(index, partition, now);
    }
    return;
  }
  if (locate_asked_ < partition.route_needed) return;
  if (route.epoch < partition.route.epoch || partition.route.leader == kNoNode) {
    last_refusal_ = {ErrorCode::kLeaderNotAvailable,
                     "partition " + std::to_string(index.value()) + " has no leader"};
    partition.route_needed = now + partition.backoff.Next();
  } else {
    Begin(index, partition, now);
  }
}

void ConsumerCore::Begin(PartitionIndex index, Partition& partition, Instant now) {
  partition.request = next_request_++;
  partition.began = now;
  partition.doubt_at = now + config_.doubt_after;
  PartitionId id{topic_, index};
  bool ask = partition.next < Offset(0) || partition.out_of_range ||
             (config_.until_end && partition.end < Offset(0));
  if (ask) {
    partition.state = Partition::State::kAsking;
    effects_.push_back(effect::AskBounds{partition.request, partition.route.leader, id});
  } else {
    partition.state = Partition::State::kFollowing;
    partition.may_be_sent_on = partition.nearest || now >= partition.nearest_from;
    effects_.push_back(
        effect::Follow{partition.request, partition.nearest.value_or(partition.route.leader), id,
                       partition.next, partition.may_be_sent_on ? config_.rack : ""});
  }
}

std::map<PartitionIndex, ConsumerCore::Partition>::iterator ConsumerCore::Find(uint64_t request) {
  return std::ranges::find_if(partitions_, [&](const auto& entry) {
    return request != 0 && entry.second.request == request;
  });
}

void ConsumerCore::Retry(Partition& partition, const Refusal& refusal, Instant now) {
  last_refusal_ = refusal;
  // A stream that was quiet because nothing was written had heard from its leader all the same.
  bool lasted = partition.state == Partition::State::kFollowing &&
                now >= partition.began + config_.doubt_after;
  if (lasted) partition.last_heard = now;
  partition.request = 0;
  partition.state = Partition::State::kUnrouted;
  partition.doubt_at = Instant::Never();
  partition.route_needed = now + partition.backoff.Next();
}

void ConsumerCore::BoundsAnswered(uint64_t request, const Answer<LogBounds>& answer, Instant now) {
  auto it = Find(request);
  if (over_ || it == partitions_.end()) return;
  auto& [index, partition] = *it;
  if (!answer) {
    if (IsRetriable(answer.error().code)) {
      Retry(partition, answer.error(), now);
    } else {
      Fail(answer.error());
    }
  } else {
    partition.last_heard = now;
    partition.request = 0;
    bool was_out_of_range = partition.out_of_range;
    if (JudgeBounds(index, partition, *answer)) {
      CheckDone(partition);
      if (partition.state != Partition::State::kDone) {
        // A leader that refuses what lies within its own bounds is catching up: not at once again.
        if (was_out_of_range) {
          Retry(partition, {ErrorCode::kOffsetNotAvailable, "the leader is catching up"}, now);
        } else {
          Begin(index, partition, now);
        }
      }
    }
  }
  Advance(now);
}

bool ConsumerCore::JudgeBounds(PartitionIndex index, Partition& partition,
                               const LogBounds& bounds) {
  if (partition.next < Offset(0)) {
    bool latest = config_.start == ConsumerConfig::Start::kLatest;
    partition.next = latest ? bounds.high_watermark : bounds.log_start;
  }
  if (config_.until_end && partition.end < Offset(0)) partition.end = bounds.high_watermark;
  bool beyond = partition.next > std::max(bounds.log_end, bounds.high_watermark);
  if (partition.next < bounds.log_start || beyond) {
    std::string held =
        bounds.high_watermark > bounds.log_start
            ? "it holds " + std::to_string(bounds.log_start.value()) + " to " +
                  std::to_string(bounds.high_watermark.value() - 1)
            : "it is empty, and goes on at " + std::to_string(bounds.high_watermark.value());
    Fail({ErrorCode::kOffsetOutOfRange, "offset " + std::to_string(partition.next.value()) +
                                            " of partition " + std::to_string(index.value()) +
                                            " is out of range; " + held});
    return false;
  }
  partition.out_of_range = false;
  return true;
}

void ConsumerCore::Fetched(uint64_t request, FetchedRun run, Instant now) {
  auto it = Find(request);
  if (over_ || it == partitions_.end()) return;
  auto& [index, partition] = *it;
  if (partition.state != Partition::State::kFollowing) return;
  partition.last_heard = now;
  partition.doubt_at = now + config_.doubt_after;
  partition.backoff.Reset();
  // The first batch may begin before the offset that was asked; one sent twice would, too.
  std::erase_if(run.records, [&](const ReadRecord& record) {
    return record.offset < partition.next || (config_.until_end && record.offset >= partition.end);
  });
  if (!run.records.empty()) partition.next = run.records.back().offset + 1;
  partition.next = std::max(partition.next, run.next_offset);
  if (!run.records.empty()) {
    effects_.push_back(effect::Deliver{index, std::move(run.records)});
  }
  CheckDone(partition);
  Advance(now);
}

void ConsumerCore::CheckDone(Partition& partition) {
  if (!config_.until_end || partition.end < Offset(0) || partition.next < partition.end) return;
  if (partition.request != 0) effects_.push_back(effect::Cancel{partition.request});
  partition.request = 0;
  partition.state = Partition::State::kDone;
  partition.doubt_at = Instant::Never();
}

void ConsumerCore::Redirected(uint64_t request, NodeId node, Instant now) {
  auto it = Find(request);
  if (over_ || it == partitions_.end()) return;
  auto& [index, partition] = *it;
  if (partition.state != Partition::State::kFollowing) return;
  effects_.push_back(effect::Cancel{request});
  partition.last_heard = now;
  // Who is sent on by a nearer replica goes back: only the leader knows.
  if (partition.nearest || node == partition.route.leader) {
    partition.nearest.reset();
    partition.nearest_from = now + config_.nearest_age;
  } else {
    partition.nearest = node;
  }
  Begin(index, partition, now);
  Advance(now);
}

void ConsumerCore::FollowEnded(uint64_t request, const Refusal& refusal, Instant now) {
  auto it = Find(request);
  if (over_ || it == partitions_.end()) return;
  Partition& partition = it->second;
  if (partition.nearest) {
    // Whatever it is, the leader knows better.
    partition.nearest.reset();
    partition.nearest_from = now + config_.nearest_age;
    Retry(partition, refusal, now);
  } else if (refusal.code == ErrorCode::kOffsetOutOfRange) {
    // A new leader may not know yet how far it may read: its bounds decide.
    partition.out_of_range = true;
    Retry(partition, refusal, now);
  } else if (IsRetriable(refusal.code) || refusal.code == ErrorCode::kNone) {
    Retry(partition, refusal, now);
  } else {
    Fail(refusal);
  }
  Advance(now);
}

void ConsumerCore::LocateFailed(const Refusal& refusal, Instant now) {
  if (over_) return;
  locating_ = false;
  last_refusal_ = refusal;
  locate_not_before_ = now + locate_backoff_.Next();
  for (auto& [index, partition] : partitions_) {
    if (partition.doubt_at != Instant::Never()) partition.doubt_at = now + config_.doubt_after;
  }
  if (!IsRetriable(refusal.code)) Fail(refusal);
  Advance(now);
}

void ConsumerCore::Fail(Refusal refusal) {
  if (over_) return;
  over_ = true;
  for (auto& [index, partition] : partitions_) {
    if (partition.request != 0) effects_.push_back(effect::Cancel{partition.request});
    partition.request = 0;
  }
  effects_.push_back(effect::Failed{std::move(refusal)});
}

void ConsumerCore::FinishIfDone() {
  if (over_ || !known_ || !config_.until_end) return;
  bool done = std::ranges::all_of(
      partitions_, [](const auto& entry) { return entry.second.state == Partition::State::kDone; });
  if (!done) return;
  over_ = true;
  effects_.push_back(effect::Finished{});
}

void ConsumerCore::Tick(Instant now) { Advance(now); }

void ConsumerCore::Advance(Instant now) {
  FinishIfDone();
  if (over_) return;
  if (config_.give_up_after != Duration::max()) {
    bool lost = !known_ && started_ + config_.give_up_after <= now;
    for (auto& [index, partition] : partitions_) {
      lost = lost || (partition.state == Partition::State::kUnrouted &&
                      partition.last_heard + config_.give_up_after <= now);
    }
    if (lost) {
      Fail(last_refusal_);
      return;
    }
  }
  if (!locating_ && LocateWantedAt() <= now) {
    locating_ = true;
    locate_asked_ = now;
    effects_.push_back(effect::LocateTopic{config_.topic});
  }
}

// When the leader, which was told not to name a nearer replica, is to be asked for one again.
Instant ConsumerCore::NearestWantedAt(const Partition& partition) const {
  const bool waits = !config_.rack.empty() && partition.state == Partition::State::kFollowing &&
                     !partition.may_be_sent_on;
  return waits ? partition.nearest_from : Instant::Never();
}

Instant ConsumerCore::LocateWantedAt() const {
  if (!known_) return locate_not_before_;
  bool reads_all = config_.partitions.empty() && !config_.until_end;
  Instant wanted = reads_all ? locate_asked_ + config_.route_age : Instant::Never();
  for (const auto& [index, partition] : partitions_) {
    wanted = std::min({wanted, partition.doubt_at, NearestWantedAt(partition)});
    if (partition.state == Partition::State::kUnrouted) {
      wanted = std::min(wanted, partition.route_needed);
    }
  }
  return wanted == Instant::Never() ? wanted : std::max(wanted, locate_not_before_);
}

Instant ConsumerCore::NextDeadline() const {
  if (over_) return Instant::Never();
  Instant deadline = locating_ ? Instant::Never() : LocateWantedAt();
  if (config_.give_up_after == Duration::max()) return deadline;
  if (!known_) return std::min(deadline, started_ + config_.give_up_after);
  for (const auto& [index, partition] : partitions_) {
    if (partition.state != Partition::State::kUnrouted) continue;
    deadline = std::min(deadline, partition.last_heard + config_.give_up_after);
  }
  return deadline;
}

ConsumerEffects ConsumerCore::TakeEffects() { return std::exchange(effects_, {}); }

std::map<PartitionIndex, Offset> ConsumerCore::positions() const {
  std::map<PartitionIndex, Offset> positions;
  for (const auto& [index, partition] : partitions_) positions[index] = partition.next;
  return positions;
}

}  // namespace weir::client
