// SPDX-License-Identifier: Apache-2.0
#include "client/core/send_queue.h"

#include <glog/logging.h>

#include <algorithm>
#include <utility>

#include "common/base/planted_bug.h"

namespace weir::client {

SendQueue::SendQueue(const ProducerConfig& config, std::string topic, PartitionId partition,
                     uint64_t seed, Shared* shared)
    : config_(config),
      topic_(std::move(topic)),
      partition_(partition),
      shared_(shared),
      backoff_(seed) {}

SendQueue::~SendQueue() {
  for (Item& item : items_) EndRequest(item);
}

void SendQueue::Add(Record record, size_t batch_limit, Instant now) {
  size_t size = record.encoded_size();
  if (!has_open_batch() || items_.back().batch->bytes + size > batch_limit) {
    Close();
    auto batch = std::make_shared<Batch>();
    batch->opened = now;
    items_.push_back(Item{.batch = std::move(batch)});
  }
  Batch& batch = *items_.back().batch;
  batch.records.push_back(std::move(record));
  batch.bytes += size;
  batch.closed = batch.bytes >= batch_limit;
  bytes_ += size;
}

bool SendQueue::has_open_batch() const { return !items_.empty() && !items_.back().batch->closed; }

void SendQueue::Close() {
  if (!items_.empty()) items_.back().batch->closed = true;
}

int SendQueue::outstanding() const {
  return static_cast<int>(
      std::ranges::count_if(items_, [](const Item& item) { return item.request != 0; }));
}

bool SendQueue::can_send() const {
  return !recovering_ && !route_pending_ && route_.leader != kNoNode && identity_.id != kNoProducer;
}

SendQueue::Item* SendQueue::NextToSend() {
  // Settled ones behind the first count too: a leader remembers the last few batches, and the first
  // must be among them when it is sent again.
  size_t window = std::min(items_.size(), static_cast<size_t>(config_.max_in_flight));
  for (size_t i = 0; i < window; ++i) {
    if (items_[i].request == 0 && !items_[i].settled) return &items_[i];
  }
  return nullptr;
}

bool SendQueue::IsReady(const Item& item, Instant now) const {
  return item.batch->closed || shared_->lines.IsIdle(route_.leader) ||
         now >= item.batch->opened + config_.linger;
}

void SendQueue::Routed(PartitionRoute route, Instant asked, Instant now) {
  bool newer = route.epoch > route_.epoch;
  if (newer || (route.epoch == route_.epoch && route.leader != route_.leader)) {
    // What the former leader was sent may never be answered, or be cut off again: the new one is
    // asked to take it, and knows by the sequences what it has.
    if (outstanding() > 0 && !PLANTED_BUG("client: answers of the former leader are awaited")) {
      AbandonOutstanding();
      BeginRecovery(now);
      route_needed_ = asked;
    }
    route_ = route;
    if (route.leader == kNoNode) {
      // Nothing else would ask again: nothing is under way that could fail.
      route_pending_ = true;
      route_needed_ = asked;
    }
  }
  if (doubt_at_ != Instant::Never()) doubt_at_ = now + config_.doubt_after;
  if (!route_pending_ || asked < route_needed_) return;
  if (route.epoch < route_.epoch || route_.leader == kNoNode) {
    route_needed_ = now + backoff_.Next();
  } else {
    route_pending_ = false;
  }
}

void SendQueue::RouteFailed(Instant asked, Instant now) {
  if (doubt_at_ != Instant::Never()) doubt_at_ = now + config_.doubt_after;
  if (route_pending_ && asked >= route_needed_) route_needed_ = now + backoff_.Next();
}

bool SendQueue::needs_identity() const { return !items_.empty() && identity_.id == kNoProducer; }

void SendQueue::Identify(ProducerIdentity identity) {
  identity_ = identity;
  next_sequence_ = 0;
}

bool SendQueue::Appended(uint64_t request, const AppendAnswer& answer, Instant now) {
  auto it = std::ranges::find_if(items_, [&](const Item& item) { return item.request == request; });
  if (request == 0 || it == items_.end()) return false;
  EndRequest(*it);
  if (answer || answer.error().code == ErrorCode::kDuplicateSequenceNumber) {
    backoff_.Reset();
    Settle(*it, answer ? *answer : AppendAnswer(Offset(-1)));
  } else {
    Refused(*it, answer.error(), now);
  }
  doubt_at_ = outstanding() > 0 ? now + config_.doubt_after : Instant::Never();
  PopSettled();
  return true;
}

void SendQueue::Refused(Item& item, const Refusal& refusal, Instant now) {
  bool first = &item == &items_.front();
  if (LeavesFateOpen(refusal.code)) item.fate_open = true;
  if (IsRetriable(refusal.code)) {
    BeginRecovery(now);
    return;
  }
  if (refusal.code == ErrorCode::kOutOfOrderSequenceNumber ||
      refusal.code == ErrorCode::kUnknownProducerId) {
    BeginRecovery(now);
    if (first) {
      // The leader lacks what it acknowledged, or has forgotten us; and so it has none of these.
      for (Item& each : items_) each.fate_open = false;
      renew_identity_ = true;
    }
    return;
  }
  Settle(item, std::unexpected(refusal));
  BeginRecovery(now);
  renew_identity_ = true;
}

void SendQueue::BeginRecovery(Instant now) {
  if (!recovering_) {
    recovering_ = true;
    route_pending_ = true;
    route_needed_ = now + backoff_.Next();
  }
}

void SendQueue::AbandonOutstanding() {
  for (Item& item : items_) {
    if (item.request == 0) continue;
    shared_->effects.push_back(effect::Abandon{item.request, route_.leader});
    EndRequest(item);
    item.fate_open = true;
  }
  doubt_at_ = Instant::Never();
}

void SendQueue::FinishRecovery() {
  if (renew_identity_) {
    // What may have been written cannot be written again under another identity.
    for (Item& item : items_) {
      if (!item.settled && item.fate_open) {
        Settle(item, Refuse(ErrorCode::kRequestTimedOut,
                            "it may or may not have been written: one before it was given up"));
      }
      item.batch->sequence = -1;
      item.batch->identity = {};
    }
    identity_ = {};
    renew_identity_ = false;
  }
  recovering_ = false;
  PopSettled();
}

void SendQueue::Advance(Instant now) {
  DropSilent(now);
  GiveUpOld(now);
  if (recovering_ && outstanding() == 0) FinishRecovery();
  while (can_send()) {
    Item* next = NextToSend();
    if (next == nullptr || !IsReady(*next, now)) break;
    Transmit(*next, now);
  }
}

void SendQueue::Transmit(Item& item, Instant now) {
  Batch& batch = *item.batch;
  batch.closed = true;
  if (batch.sequence < 0 || PLANTED_BUG("client: a retry is a new batch")) {
    batch.identity = identity_;
    batch.sequence = next_sequence_;
    // Sequences begin anew after the largest number of 31 bits.
    next_sequence_ = static_cast<int32_t>(
        (static_cast<uint32_t>(next_sequence_) + batch.records.size()) & 0x7fffffff);
  }
  if (item.ever_sent) ++retries_;
  item.ever_sent = true;
  item.request = shared_->next_request++;
  item.sent_to = route_.leader;
  shared_->lines.Sent(item.sent_to);
  item.sent_at = now;
  // A little more than the leader may take, for the way there and back.
  item.answer_due = now + config_.request_timeout + config_.request_timeout / 10;
  if (doubt_at_ == Instant::Never()) doubt_at_ = now + config_.doubt_after;
  shared_->effects.push_back(effect::Append{.request = item.request,
                                            .leader = route_.leader,
                                            .leader_epoch = route_.epoch,
                                            .partition = partition_,
                                            .acks = config_.acks,
                                            .timeout = config_.request_timeout,
                                            .batch = item.batch});
}

void SendQueue::EndRequest(Item& item) {
  if (item.request == 0) return;
  shared_->lines.Answered(item.sent_to);
  item.request = 0;
}

void SendQueue::DropSilent(Instant now) {
  bool silent = std::ranges::any_of(
      items_, [&](const Item& item) { return item.request != 0 && item.answer_due <= now; });
  if (!silent) return;
  AbandonOutstanding();
  BeginRecovery(now);
}

void SendQueue::GiveUpOld(Instant now) {
  while (!items_.empty() && items_.front().batch->opened + config_.delivery_timeout <= now) {
    Item& first = items_.front();
    if (first.ever_sent) {
      AbandonOutstanding();
      BeginRecovery(now);
      renew_identity_ = true;
    }
    Settle(first, Refuse(ErrorCode::kRequestTimedOut,
                         first.fate_open ? "no acknowledgement in time; it may have been written"
                                         : "no leader took it in time"));
    PopSettled();
  }
}

void SendQueue::FailAll(const Refusal& refusal) {
  AbandonOutstanding();
  for (Item& item : items_) {
    if (!item.settled) Settle(item, std::unexpected(refusal));
  }
  PopSettled();
}

void SendQueue::Settle(Item& item, AppendAnswer answer) {
  item.settled = true;
  EndRequest(item);
  item.batch->closed = true;
  bytes_ -= item.batch->bytes;
  shared_->effects.push_back(
      effect::Settled{topic_, partition_.index, item.batch, std::move(answer)});
}

void SendQueue::PopSettled() {
  while (!items_.empty() && items_.front().settled) items_.pop_front();
}

Instant SendQueue::route_wanted_at() const {
  if (items_.empty()) return Instant::Never();
  Instant wanted = doubt_at_;
  if (route_pending_) wanted = std::min(wanted, route_needed_);
  return wanted;
}

Instant SendQueue::NextDeadline() const {
  if (items_.empty()) return Instant::Never();
  Instant deadline = items_.front().batch->opened + config_.delivery_timeout;
  size_t window = std::min(items_.size(), static_cast<size_t>(config_.max_in_flight));
  for (size_t i = 0; i < window; ++i) {
    const Item& item = items_[i];
    if (item.request != 0) {
      deadline = std::min(deadline, item.answer_due);
    } else if (!item.settled && can_send()) {
      deadline = std::min(deadline, item.batch->opened + config_.linger);
      break;
    }
  }
  return deadline;
}

}  // namespace weir::client
