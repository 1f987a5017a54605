// SPDX-License-Identifier: Apache-2.0
// What callers and followers ask of a partition, and who waits for what.
#include <glog/logging.h>

#include <algorithm>
#include <sstream>
#include <utility>

#include "common/base/planted_bug.h"
#include "storage/partition/batch_end.h"
#include "storage/partition/partition.h"

namespace weir::partition {
namespace {

template <class... Parts>
std::string Text(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

// Never within the call that asked.
template <class T>
void AnswerLater(host::Strand& strand, Callback<void(Answer<T>)> done, Answer<T> answer) {
  strand.Post(
      [done = std::move(done), answer = std::move(answer)]() mutable { done(std::move(answer)); });
}

}  // namespace

Refusal Partition::NotLeader() const {
  if (failure_) {
    return {ErrorCode::kKafkaStorageError,
            "the disk under this replica failed: " + failure_->message};
  }
  const NodeId leader = wanted_.assignment.leader;
  if (leader == kNoNode) {
    return {ErrorCode::kNotLeaderOrFollower, Text(id_, " has no leader now")};
  }
  if (leader == self_) {
    return {ErrorCode::kNotLeaderOrFollower, Text("node ", self_, " is about to lead ", id_)};
  }
  return {ErrorCode::kNotLeaderOrFollower,
          Text("node ", self_, " does not lead ", id_, "; node ", leader, " does")};
}

void Partition::Append(Bytes batch, int acks, Duration timeout,
                       Callback<void(Answer<AppendOutcome>)> done, log::Origin origin,
                       std::shared_ptr<const void> hold) {
  auto refuse = [&](Refusal refusal) {
    AnswerLater<AppendOutcome>(host_.strand, std::move(done), std::unexpected(std::move(refusal)));
  };
  if (!leading_) return refuse(NotLeader());
  if (acks < -1 || acks > 1) {
    return refuse({ErrorCode::kInvalidRequiredAcks, Text("acks is -1, 0 or 1, not ", acks)});
  }
  if (acks == -1 && replica_->IsUnderMinIsr()) {
    const replica::Assignment& now = replica_->assignment();
    return refuse({ErrorCode::kNotEnoughReplicas,
                   Text("in sync: ", now.isr.size(), " replicas; min.insync.replicas asks for ",
                        now.min_isr)});
  }

  Answer<AppendOutcome> appended = AppendNow(std::move(batch), origin, hold);
  if (!appended) return refuse(std::move(appended.error()));
  if (acks == 0) return AnswerLater<AppendOutcome>(host_.strand, std::move(done), *appended);
  const Instant deadline = host_.clock.Now() + timeout;
  auto& waiting = acks == -1 ? waiting_for_all_ : waiting_for_local_;
  waiting.emplace(appended->last + 1,
                  AppendWait{*appended, std::move(done), deadline, std::move(hold)});
  ArmTimer(deadline);
  // What had been written before may be answered already.
  if (appended->duplicate) host_.strand.Post(lifetime_.Bind([this] { AnswerAppends(); }));
}

Answer<AppendOutcome> Partition::AppendNow(Bytes batch, log::Origin origin,
                                           std::shared_ptr<const void> hold) {
  if (!leading_) return std::unexpected(NotLeader());
  Answer<log::Appended> appended =
      log_->AppendAsLeader(std::move(batch), *leading_, origin, host_.clock.WallNow());
  if (!appended) return std::unexpected(std::move(appended.error()));
  if (!appended->duplicate) {
    unwritten_.push_back({.begin = appended->first,
                          .end = appended->last + 1,
                          .stamped = std::move(appended->stamped),
                          .hold = std::move(hold)});
    // Followers get it while it is being written here.
    TellFeedsSoon();
  }
  replica_->LocalMoved(PositionsOf(), host_.clock.Now());
  if (replica_->has_effects()) Settle();
  return AppendOutcome{appended->first, appended->last, log_->start(), appended->duplicate};
}

void Partition::AnswerAppends() {
  if (!leading_) return;
  auto answer_below = [](std::multimap<Offset, AppendWait>& waiting, auto end) {
    while (!waiting.empty() && waiting.begin()->first <= end()) {
      auto first = waiting.extract(waiting.begin());
      AppendWait& wait = first.mapped();
      wait.done(wait.outcome);
    }
  };
  answer_below(waiting_for_all_, [this] { return replica_->high_watermark(); });
  answer_below(waiting_for_local_, [this] { return replica_->counted(); });
}

Partition::WaitId Partition::Fetch(Offset offset, size_t max_bytes, Duration max_wait,
                                   Callback<void(Answer<FetchOutcome>)> done,
                                   Callback<size_t()> grant, ReadFrom from) {
  const WaitId id = ++last_wait_;
  auto answer = [&](Answer<FetchOutcome> a) {
    AnswerLater<FetchOutcome>(host_.strand, std::move(done), std::move(a));
    return id;
  };
  if (auto refusal = WhyNotRead(from)) return answer(std::unexpected(std::move(*refusal)));
  if (!leading_ && offset > log_->end()) {
    return answer(Refuse(ErrorCode::kOffsetNotAvailable, Text("node ", self_, " follows, and has ",
                                                              id_, " only up to ", log_->end())));
  }
  if (offset < log_->start() || offset > log_->end()) {
    return answer(Refuse(ErrorCode::kOffsetOutOfRange,
                         Text("offset ", offset, " is out of range: ", id_, " has ", log_->start(),
                              " to ", replica_->high_watermark())));
  }
  const bool is_readable = offset < ReadableEnd();
  if (!is_readable && max_wait <= Duration::zero()) {
    return answer(OutcomeOf(Bytes(), offset));
  }
  const Instant deadline = host_.clock.Now() + max_wait;
  fetches_.emplace(id, FetchWait{offset, max_bytes, std::move(done), std::move(grant), deadline});
  if (is_readable) {
    ReadFor(id);
  } else {
    ArmTimer(deadline);
  }
  return id;
}

Offset Partition::ReadableEnd() const {
  if (PLANTED_BUG("partition: fetches above the high watermark")) return log_->written();
  return replica_->high_watermark();
}

FetchOutcome Partition::OutcomeOf(Bytes records, Offset next) const {
  return {.records = std::move(records),
          .next = next,
          .high_watermark = replica_->high_watermark(),
          .log_start = log_->start(),
          .nearest = std::nullopt,
          .hold = {}};
}

std::optional<Refusal> Partition::WhyNotRead(ReadFrom from) const {
  if (leading_) return std::nullopt;
  if (from == ReadFrom::kLeader || failure_ || is_closing_ || !replica_) return NotLeader();
  if (!serves_reads()) {
    return Refusal{
        ErrorCode::kOffsetNotAvailable,
        Text("node ", self_, " does not know yet what it may show of ", id_, "; ask the leader")};
  }
  return std::nullopt;
}

bool Partition::serves_reads() const {
  if (leading_) return true;
  return replica_ && !failure_ && !is_closing_ && !is_busy() && replica_->MayShow();
}

std::map<NodeId, Offset> Partition::InSyncWith(Offset offset) const {
  return leading_ ? replica_->InSyncWith(offset) : std::map<NodeId, Offset>();
}

void Partition::CancelFetch(WaitId id) { fetches_.erase(id); }

void Partition::AnswerFetches() {
  if (replica_->high_watermark() == answered_to_) return;
  answered_to_ = replica_->high_watermark();
  std::vector<WaitId> readable;
  for (const auto& [id, wait] : fetches_) {
    if (!wait.is_reading && wait.offset < answered_to_) readable.push_back(id);
  }
  for (WaitId id : readable) ReadFor(id);
}

void Partition::ReadFor(WaitId id) {
  FetchWait& wait = fetches_.at(id);
  wait.is_reading = true;
  if (wait.grant) wait.max_bytes = wait.grant();
  log_->Read(wait.offset, ReadableEnd(), wait.max_bytes,
             lifetime_.Bind([this, id](Result<Bytes> read) { AnswerRead(id, std::move(read)); }));
}

void Partition::AnswerRead(WaitId id, Result<Bytes> read) {
  auto found = fetches_.extract(id);
  // Whoever waits when this ends to serve is answered then.
  if (found.empty()) return;
  FetchWait& wait = found.mapped();
  // Deleted while it was read.
  if (!read && wait.offset < log_->start()) {
    return wait.done(Refuse(
        ErrorCode::kOffsetOutOfRange,
        Text("offset ", wait.offset, " is out of range: ", id_, " begins at ", log_->start())));
  }
  if (!read) {
    return wait.done(Refuse(ErrorCode::kKafkaStorageError,
                            Text("reading ", id_, " at ", wait.offset, ": ", read.error())));
  }
  const Offset next = EndOfBatches(read->view()).value_or(wait.offset);
  wait.done(OutcomeOf(std::move(*read), std::max(next, wait.offset)));
}

Answer<OffsetsOutcome> Partition::Offsets() const {
  if (!leading_) return std::unexpected(NotLeader());
  if (!replica_->KnowsHighWatermark()) {
    return Refuse(ErrorCode::kOffsetNotAvailable,
                  Text("the leader of ", id_, " does not yet know how far it can be read: ",
                       "not all in sync have told it what they have"));
  }
  return OffsetsOutcome{log_->start(), replica_->high_watermark(), log_->end(), *leading_,
                        log_->damages()};
}

void Partition::RefuseAll(const Refusal& refusal) {
  auto all = std::exchange(waiting_for_all_, {});
  if (PLANTED_BUG("partition: a deposed leader acknowledges")) {
    for (auto& [end, wait] : std::exchange(all, {})) wait.done(wait.outcome);
  }
  auto local = std::exchange(waiting_for_local_, {});
  for (auto& [end, wait] : all) wait.done(std::unexpected(refusal));
  for (auto& [end, wait] : local) wait.done(std::unexpected(refusal));
  for (auto& [start, wait] : std::exchange(waiting_for_start_, {})) {
    wait.done(std::unexpected(refusal));
  }
  RefuseFetches(refusal);
}

void Partition::RefuseFetches(const Refusal& refusal) {
  for (auto& [id, wait] : std::exchange(fetches_, {})) wait.done(std::unexpected(refusal));
}

Instant Partition::Expire(Instant now) {
  Instant next = Instant::Never();
  auto take_due = [&](auto& waiting) {
    std::vector<typename std::decay_t<decltype(waiting)>::node_type> due;
    for (auto it = waiting.begin(); it != waiting.end();) {
      auto at = it++;
      if (at->second.deadline <= now) {
        due.push_back(waiting.extract(at));
      } else {
        next = std::min(next, at->second.deadline);
      }
    }
    return due;
  };
  auto late = [&](bool is_under_min) {
    return is_under_min ? Refuse(ErrorCode::kNotEnoughReplicasAfterAppend,
                                 "the batch is in the leader's log, but fewer replicas are in sync "
                                 "than min.insync.replicas asks for")
                        : Refuse(ErrorCode::kRequestTimedOut,
                                 "the batch is in the leader's log, but was not acknowledged by "
                                 "all that are in sync in time");
  };
  auto all = take_due(waiting_for_all_);
  auto local = take_due(waiting_for_local_);
  auto deletes = take_due(waiting_for_start_);
  std::vector<decltype(fetches_)::node_type> fetches;
  for (auto it = fetches_.begin(); it != fetches_.end();) {
    auto at = it++;
    if (at->second.is_reading) continue;
    if (at->second.deadline <= now) {
      fetches.push_back(fetches_.extract(at));
    } else {
      next = std::min(next, at->second.deadline);
    }
  }
  const bool is_under_min = replica_ && replica_->IsUnderMinIsr();
  for (auto& wait : all) wait.mapped().done(late(is_under_min));
  for (auto& wait : local) wait.mapped().done(late(false));
  for (auto& wait : deletes) {
    wait.mapped().done(Refuse(ErrorCode::kRequestTimedOut,
                              "the leader has deleted it, but not all that are in sync in time"));
  }
  for (auto& fetch : fetches) {
    FetchWait& wait = fetch.mapped();
    wait.done(OutcomeOf(Bytes(), wait.offset));
  }
  return next;
}

// One timer for all that is due; it may fire early, never late.
void Partition::ArmTimer(Instant at) {
  if (at >= timer_at_ || is_closing_ || failure_) return;
  host_.strand.Cancel(timer_);
  timer_at_ = at;
  timer_ = host_.strand.RunAt(at, lifetime_.Bind([this] { OnTimer(); }));
}

void Partition::OnTimer() {
  timer_ = 0;
  timer_at_ = Instant::Never();
  if (is_closing_ || failure_) return;
  const Instant now = host_.clock.Now();
  if (replica_ && !is_busy()) {
    replica_->Tick(now);
    Settle();
  }
  SendAck();
  ArmTimer(Expire(now));
}

replica::FollowAnswer Partition::Follow(const replica::FollowRequest& request,
                                        const std::shared_ptr<FeedEvents>& feed) {
  if (!leading_) return replica::Refused{ErrorCode::kNotLeaderOrFollower};
  // Whatever the answer, the node has turned to this feed.
  if (auto earlier = feeds_.extract(request.node); !earlier.empty()) {
    auto held = earlier.mapped().lock();
    if (held && held != feed) held->OnStopped();
  }
  replica::FollowAnswer answer =
      replica_->FollowerFollows(request, log_->epochs(), host_.clock.Now());
  if (std::holds_alternative<replica::Accepted>(answer)) feeds_[request.node] = feed;
  Settle();
  return answer;
}

void Partition::Acked(NodeId node, const FeedEvents* feed, Offset appended, Offset flushed,
                      Offset start) {
  auto known = feeds_.find(node);
  if (!leading_ || known == feeds_.end() || known->second.lock().get() != feed) return;
  replica_->FollowerStartsAt(node, start);
  replica_->FollowerAcked(node, appended, flushed, host_.clock.Now());
  Settle();
}

void Partition::Unfollow(NodeId node, const FeedEvents* feed) {
  auto known = feeds_.find(node);
  if (known == feeds_.end() || known->second.lock().get() != feed) return;
  feeds_.erase(known);
  replica_->FollowerGone(node, host_.clock.Now());
  Settle();
}

void Partition::ReadCommitted(Offset offset, size_t max_bytes, Callback<void(Result<Bytes>)> done) {
  CHECK(log_);
  log_->Read(offset, std::max(offset, high_watermark()), max_bytes, std::move(done));
}

std::deque<Partition::Unwritten>::const_iterator Partition::TailAt(Offset offset) const {
  auto at = std::ranges::lower_bound(unwritten_, offset, {}, &Unwritten::begin);
  const bool holds = at != unwritten_.end() && at->begin == offset && !at->stamped.empty();
  return holds ? at : unwritten_.end();
}

std::optional<Partition::Tail> Partition::TailFrom(Offset offset, size_t max_bytes) const {
  auto at = TailAt(offset);
  if (at == unwritten_.end()) return std::nullopt;
  Tail tail{{}, offset};
  for (size_t bytes = 0; at != unwritten_.end() && !at->stamped.empty(); ++at) {
    bytes += SizeOf(at->stamped);
    if (bytes > max_bytes && !tail.records.empty()) break;
    tail.records.insert(tail.records.end(), at->stamped.begin(), at->stamped.end());
    tail.end = at->end;
  }
  return tail;
}

void Partition::ReadForFeed(Offset offset, size_t max_bytes, Callback<void(Result<Bytes>)> done) {
  CHECK(log_);
  log_->Read(offset, log_->written(), max_bytes, std::move(done));
}

}  // namespace weir::partition
