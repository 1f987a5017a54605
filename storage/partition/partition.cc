// SPDX-License-Identifier: Apache-2.0
// The life of a partition: opening, roles, cuts, failure, closing. Requests: partition_requests.cc.
#include "storage/partition/partition.h"

#include <glog/logging.h>

#include <algorithm>
#include <utility>

#include "storage/partition/proto_ids.h"

namespace weir::partition {
namespace {

// What holds an acknowledgement back may end otherwise than by time.
constexpr Duration kThrottleLook = std::chrono::milliseconds(500);

}  // namespace

Partition::Partition(host::Host host, PartitionId id, NodeId self, std::string folder,
                     PartitionHooks* hooks, FollowerStreams* streams, replica::ReplicaConfig config,
                     Offset known_high_watermark, journal::Journal* journal)
    : host_(host),
      id_(id),
      self_(self),
      folder_(std::move(folder)),
      hooks_(hooks),
      streams_(streams),
      config_(config),
      known_high_watermark_(known_high_watermark),
      journal_(journal) {}

Partition::~Partition() {
  host_.strand.Cancel(timer_);
  StopFeeds();
  LeaveStream();
}

void Partition::Apply(PartitionState state) {
  CHECK(!is_closing_);
  if (failure_) return;
  wanted_ = std::move(state);
  has_wanted_ = true;
  ApplyWanted();
}

void Partition::ApplyWanted() {
  if (!has_wanted_ || is_busy() || is_closing_ || failure_) return;
  const log::LogOptions options = OptionsOf(wanted_);
  if (!log_ || options.flush != options_.flush || options.compacted != options_.compacted) {
    // A log whose options change is closed, which syncs it, and opened again: so `flush` begins
    // with all that `cache` left behind on stable storage.
    Reopen();
    return;
  }
  if (options != options_) log_->SetOptions(options);
  options_ = options;
  has_wanted_ = false;
  replica_->Apply(wanted_.assignment, host_.clock.Now());
  Settle();
}

void Partition::Reopen() {
  is_opening_ = true;
  if (!log_) {
    OpenLog();
    return;
  }
  replica::Assignment nobody = replica_->assignment();
  nobody.leader = kNoNode;
  replica_->Apply(nobody, host_.clock.Now());
  Settle();
  log_->Close(lifetime_.Bind([this](Result<void> closed) {
    if (!closed) return Fail(closed.error().While("closing the log to change its options"));
    log_.reset();
    OpenLog();
  }));
}

void Partition::OpenLog() {
  options_ = OptionsOf(wanted_);
  log::OpenLog(host_, folder_, options_, this, {journal_, id_},
               lifetime_.Bind([this](Result<std::unique_ptr<log::Log>> opened) {
                 Opened(std::move(opened));
               }));
}

void Partition::Opened(Result<std::unique_ptr<log::Log>> opened) {
  is_opening_ = false;
  if (!opened) {
    Fail(opened.error().While("opening the log"));
  } else {
    log_ = std::move(*opened);
    const Instant now = host_.clock.Now();
    if (!replica_) {
      replica_.emplace(self_, config_, PositionsOf(), now, known_high_watermark_);
    }
    replica_->LocalMoved(PositionsOf(), now);
  }
  if (close_done_) return CloseLog();
  ApplyWanted();
  if (log_) hooks_->Opened(id_);
  if (log_ && !log_->damages().empty()) OnDamaged(log_->damages().front());
}

bool Partition::is_busy() const { return is_opening_ || (replica_ && replica_->is_cutting()); }

void Partition::IsrRefused(PartitionEpoch partition_epoch, ErrorCode code) {
  if (!replica_ || is_closing_ || failure_) return;
  replica_->IsrRefused(partition_epoch, code, host_.clock.Now());
  Settle();
}

void Partition::SessionRenewed() {
  if (!replica_ || is_closing_ || failure_) return;
  replica_->SessionRenewed();
  Settle();
}

void Partition::OnWritten(Offset end) {
  ReleaseUnwritten(end);
  Moved();
}

void Partition::OnDurable(Offset) { Moved(); }

void Partition::OnFailed(const Error& error) { Fail(error); }

void Partition::OnStartMoved(Offset) {
  Moved();
  TellStart();
}

void Partition::Moved() {
  // While a cut is under way the positions are told by its end.
  if (!log_ || !replica_ || is_busy() || is_closing_ || failure_) return;
  replica_->LocalMoved(PositionsOf(), host_.clock.Now());
  Settle();
  TellFeeds();
}

void Partition::Settle() {
  // Effects may lead to more of them, each within its own Settle.
  for (const replica::Effect& effect : replica_->TakeEffects()) {
    std::visit([this](const auto& e) { CarryOut(e); }, effect);
  }
  LeadershipMayHaveChanged();
  AnswerAppends();
  AnswerDeletes();
  if (!fetches_.empty() && !serves_reads()) RefuseFetches(*WhyNotRead(ReadFrom::kAnyInSync));
  AnswerFetches();
  ArmTimer(replica_->NextDeadline());
}

void Partition::CarryOut(const replica::RaiseHighWatermark&) {
  TellFeeds();
  if (is_raise_posted_) return;
  is_raise_posted_ = true;
  host_.strand.Post(lifetime_.Bind([this] {
    is_raise_posted_ = false;
    if (!is_closing_) hooks_->HighWatermarkRaised(id_, high_watermark());
  }));
}

void Partition::CarryOut(const replica::AskIsr& effect) {
  node::v1::ChangeIsr ask;
  PutId(id_, &ask);
  ask.set_leader_epoch(effect.leader_epoch.value());
  ask.set_partition_epoch(effect.partition_epoch.value());
  for (const auto& [node, epoch] : effect.isr) {
    auto* member = ask.add_isr();
    member->set_node_id(node.value());
    member->set_node_epoch(epoch.value());
  }
  host_.strand.Post(lifetime_.Bind([this, ask = std::move(ask)] {
    if (!is_closing_) hooks_->AskIsr(ask);
  }));
}

void Partition::CarryOut(const replica::Connect& effect) {
  connected_ = effect.leader;
  streams_->Subscribe(effect.leader, id_, this);
}

void Partition::CarryOut(const replica::Disconnect& effect) {
  if (connected_ == effect.leader) LeaveStream();
}

void Partition::LeaveStream() {
  if (!connected_) return;
  DischargeStream();
  held_ack_.reset();
  streams_->Unsubscribe(*connected_, id_);
  connected_.reset();
}

void Partition::CarryOut(const replica::FollowFrom& effect) {
  held_ack_.reset();
  node::v1::FromFollower message;
  auto* follow = message.mutable_follow();
  const replica::FollowRequest& request = effect.request;
  PutId(id_, follow);
  follow->set_leader_epoch(request.leader_epoch.value());
  follow->set_node_epoch(request.node_epoch.value());
  follow->set_offset(request.offset.value());
  follow->set_last_epoch(request.last_epoch.value());
  follow->set_flushed(request.flushed.value());
  follow->set_follow_id(effect.follow_id);
  follow->set_log_start(request.start.value());
  streams_->Send(effect.leader, std::move(message));
}

void Partition::CarryOut(const replica::Acknowledge& effect) {
  held_ack_ = effect;
  SendAck();
}

bool Partition::IsThrottled() const {
  return wanted_.throttled_as_follower && !wanted_.assignment.isr.contains(self_);
}

void Partition::SendAck() {
  if (!held_ack_) return;
  const Instant now = host_.clock.Now();
  const ByteRate& rate = streams_->throttle();
  if (IsThrottled() && !rate.IsReady(now)) {
    return ArmTimer(std::min(rate.ReadyAt(), now + kThrottleLook));
  }
  node::v1::FromFollower message;
  auto* ack = message.mutable_ack();
  PutId(id_, ack);
  ack->set_leader_epoch(held_ack_->leader_epoch.value());
  ack->set_appended(held_ack_->appended.value());
  ack->set_flushed(held_ack_->flushed.value());
  ack->set_log_start(log_->start().value());
  streams_->Send(held_ack_->leader, std::move(message));
  held_ack_.reset();
}

void Partition::CarryOut(const replica::TruncateTo& effect) {
  LOG(INFO) << id_ << " cuts its log from " << log_->end() << " to " << effect.end
            << ", where it parts from the leader's";
  is_cut_under_way_ = true;
  log_->Truncate(effect.end, lifetime_.Bind([this](Result<void> cut) { CutDone(std::move(cut)); }));
}

void Partition::CarryOut(const replica::RestartAt& effect) {
  LOG(INFO) << id_ << " begins its log anew at " << effect.start
            << ", for its leader has nothing before";
  is_cut_under_way_ = true;
  log_->Restart(effect.start,
                lifetime_.Bind([this](Result<void> cut) { CutDone(std::move(cut)); }));
}

void Partition::CutDone(Result<void> cut) {
  is_cut_under_way_ = false;
  if (!cut) Fail(cut.error().While("cutting the log"));
  if (failure_ && close_done_) return CloseLog();
  if (failure_) return;
  // What was not written before the cut never will be.
  ReleaseUnwritten(Offset::Max());
  start_followed_ = Offset(0);
  const Offset before = high_watermark();
  replica_->Cut(PositionsOf(), host_.clock.Now());
  if (high_watermark() < before) {
    host_.strand.Post(lifetime_.Bind([this] { hooks_->HighWatermarkFell(id_); }));
  }
  if (close_done_) return CloseLog();
  Settle();
  ApplyWanted();
}

void Partition::OnStreamOpened() {
  replica_->StreamOpened(host_.clock.Now());
  Settle();
}

void Partition::OnStreamEnded() {
  replica_->StreamEnded(host_.clock.Now());
  Settle();
}

void Partition::OnLeaderMessage(const node::v1::FromLeader& message, Bytes records) {
  using node::v1::FromLeader;
  if (failure_ || is_busy()) return;
  const Instant now = host_.clock.Now();
  switch (message.body_case()) {
    case FromLeader::kData:
      OnData(message.data(), std::move(records));
      break;
    case FromLeader::kHighWatermark: {
      const auto& told = message.high_watermark();
      replica_->LeaderHighWatermark(LeaderEpoch(told.leader_epoch()), told.follow_id(),
                                    Offset(told.high_watermark()));
      FollowStart(LeaderEpoch(told.leader_epoch()), Offset(told.log_start()));
      break;
    }
    case FromLeader::kDiverging: {
      const auto& told = message.diverging();
      const replica::Diverging where{LeaderEpoch(told.epoch()), Offset(told.end())};
      replica_->LeaderDiverges(LeaderEpoch(told.leader_epoch()), told.follow_id(), where,
                               log_->epochs(), now);
      break;
    }
    case FromLeader::kRefused: {
      const auto& told = message.refused();
      replica_->LeaderRefuses(LeaderEpoch(told.leader_epoch()), told.follow_id(),
                              static_cast<ErrorCode>(told.error_code()), Offset(told.log_start()),
                              now);
      break;
    }
    case FromLeader::BODY_NOT_SET:
      break;
  }
  Settle();
}

void Partition::OnData(const node::v1::Data& data, Bytes records) {
  const Instant now = host_.clock.Now();
  const LeaderEpoch epoch(data.leader_epoch());
  if (!replica_->TakesData(epoch, data.follow_id(), Offset(data.offset()), now)) return;
  const auto size = static_cast<int64_t>(records.size());
  Answer<void> appended = log_->AppendAsFollower(std::move(records), epoch);
  if (!appended) {
    LOG(WARNING) << id_ << " refuses what its leader sent: " << appended.error();
    replica_->DataRefused(now);
    return;
  }
  unwritten_.push_back({.begin = Offset(data.offset()), .end = log_->end(), .bytes = size});
  streams_->Hold(*connected_, size);
  if (IsThrottled()) streams_->throttle().Take(size, now);
  replica_->LocalMoved(PositionsOf(), now);
  replica_->LeaderHighWatermark(epoch, data.follow_id(), Offset(data.high_watermark()));
  FollowStart(epoch, Offset(data.log_start()));
}

void Partition::ReleaseUnwritten(Offset written) {
  int64_t bytes = 0;
  while (!unwritten_.empty() && unwritten_.front().end <= written) {
    bytes += unwritten_.front().bytes;
    unwritten_.pop_front();
  }
  if (bytes > 0 && connected_) streams_->Hold(*connected_, -bytes);
}

void Partition::DischargeStream() {
  int64_t bytes = 0;
  for (Unwritten& each : unwritten_) bytes += std::exchange(each.bytes, 0);
  if (bytes > 0) streams_->Hold(*connected_, -bytes);
}

void Partition::LeadershipMayHaveChanged() {
  std::optional<LeaderEpoch> leads;
  if (replica_->leads() && !failure_ && !is_closing_) leads = replica_->assignment().leader_epoch;
  if (leads == leading_) return;
  const bool has_led = leading_.has_value();
  leading_ = leads;
  if (has_led) {
    StopFeeds();
    RefuseAll(NotLeader());
  }
  host_.strand.Post(lifetime_.Bind([this, leads] { hooks_->LeadershipChanged(id_, leads); }));
}

void Partition::StopFeeds() {
  for (auto& [node, feed] : std::exchange(feeds_, {})) {
    if (auto held = feed.lock()) held->OnStopped();
  }
}

void Partition::TellFeedsSoon() {
  if (feeds_.empty() || std::exchange(is_telling_feeds_posted_, true)) return;
  host_.strand.Post(lifetime_.Bind([this] {
    is_telling_feeds_posted_ = false;
    TellFeeds();
  }));
}

void Partition::TellFeeds() {
  std::vector<std::shared_ptr<FeedEvents>> feeds;
  for (const auto& [node, feed] : feeds_) feeds.push_back(feed.lock());
  for (const auto& feed : feeds) {
    if (feed) feed->OnMoved();
  }
}

void Partition::Fail(const Error& error) {
  if (failure_) return;
  LOG(ERROR) << id_ << " fails: " << error;
  failure_ = error;
  is_opening_ = false;
  const bool has_led = leading_.has_value();
  leading_.reset();
  StopFeeds();
  LeaveStream();
  RefuseAll(NotLeader());
  if (has_led) {
    host_.strand.Post(lifetime_.Bind([this] { hooks_->LeadershipChanged(id_, std::nullopt); }));
  }
  host_.strand.Post(lifetime_.Bind([this, error] { hooks_->Failed(id_, error); }));
  if (close_done_ && !is_cut_under_way_) CloseLog();
}

void Partition::Close(Callback<void(Result<void>)> done) {
  CHECK(!is_closing_);
  is_closing_ = true;
  close_done_ = std::move(done);
  leading_.reset();
  StopFeeds();
  RefuseAll({ErrorCode::kNotLeaderOrFollower, "this replica is being closed"});
  LeaveStream();
  // What failed is not waited for, but a cut goes on in its files.
  if (!is_busy() || (failure_ && !is_cut_under_way_)) CloseLog();
}

void Partition::CloseLog() {
  if (log_ && !failure_) {
    log_->Close(std::exchange(close_done_, nullptr));
    return;
  }
  Result<void> closed;
  if (failure_) closed = std::unexpected(*failure_);
  host_.strand.Post(
      [done = std::exchange(close_done_, nullptr), closed]() mutable { done(std::move(closed)); });
}

replica::Positions Partition::PositionsOf() const {
  return {.start = log_->start(),
          .end = log_->end(),
          .written = log_->written(),
          .durable = log_->durable(),
          .last_epoch = log_->epochs().latest().value_or(kNoLeaderEpoch)};
}

log::LogOptions Partition::OptionsOf(const PartitionState& state) const {
  log::LogOptions options = state.log;
  options.flush = state.assignment.flush;
  options.topic = id_.topic;
  return options;
}

void Partition::Upkeep() {
  if (!log_ || !replica_ || is_busy() || is_closing_ || failure_) return;
  log_->Upkeep(high_watermark());
}

Offset Partition::high_watermark() const {
  return replica_ ? replica_->high_watermark() : known_high_watermark_;
}

}  // namespace weir::partition
