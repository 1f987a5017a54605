// SPDX-License-Identifier: Apache-2.0
#include "controller/quorum/peer.h"

#include <glog/logging.h>

#include <algorithm>
#include <utility>

namespace weir::quorum {
namespace {

constexpr char kExchange[] = "/weir.raft.v1.Peers/Exchange";

// What may wait for a slow peer. Beyond it messages are dropped, and Raft sends them again.
constexpr size_t kQueuedMessagesMax = 1024;
constexpr size_t kQueuedBytesMax = size_t{8} << 20;
// Of all the messages that are joined into one.
constexpr int64_t kJoinedEntriesMax = 256;

}  // namespace

// Hears the end of one outgoing stream; the peer that opened it may be gone before.
class Peer::Outgoing final : public host::StreamEvents {
 public:
  explicit Outgoing(Peer* peer) : peer(peer) {}
  void OnMessage(Bytes message) override {
    if (peer != nullptr) peer->events_.OnAnswer(message);
  }
  void OnDrained() override {
    if (peer != nullptr) peer->Pump();
  }
  void OnEnd(host::CallStatus status) override {
    if (peer != nullptr) peer->Ended(status);
  }

  Peer* peer;
};

Peer::Peer(host::Host host, ClusterId cluster, Voter voter, Duration backoff_min,
           Duration backoff_max, PeerEvents& events)
    : host_(host),
      cluster_(cluster),
      voter_(std::move(voter)),
      backoff_min_(backoff_min),
      backoff_max_(backoff_max),
      events_(events),
      backoff_(backoff_min) {
  Connect();
}

Peer::~Peer() {
  host_.strand.Cancel(timer_);
  if (events_of_stream_) events_of_stream_->peer = nullptr;
  if (stream_) stream_->Finish({host::StatusCode::kCancelled, "this controller stops"});
}

void Peer::Connect() {
  timer_ = 0;
  connected_at_ = host_.clock.Now();
  events_of_stream_ = std::make_shared<Outgoing>(this);
  stream_ = host_.network.Open(voter_.endpoint, kExchange, events_of_stream_);
}

void Peer::Ended(const host::CallStatus& status) {
  if (status.code == host::StatusCode::kFailedPrecondition) {
    LOG_EVERY_N(WARNING, 20) << "controller " << voter_.id.controller << " at " << voter_.endpoint
                             << " refuses this one: " << status.message;
  }
  events_of_stream_->peer = nullptr;
  events_of_stream_.reset();
  stream_.reset();
  queue_.clear();
  // A stream that lived is no sign of a dead peer.
  Instant now = host_.clock.Now();
  if (now - connected_at_ > std::chrono::seconds(1)) backoff_ = backoff_min_;
  Duration jitter(
      static_cast<int64_t>(host_.random.Next() % static_cast<uint64_t>(backoff_.count() / 4 + 1)));
  timer_ = host_.strand.RunAt(now + backoff_ + jitter, lifetime_.Bind([this] { Connect(); }));
  backoff_ = std::min(backoff_max_, backoff_ * 2);
  events_.OnPeerLost(voter_.id, /*incoming=*/false);
}

// Posted, so that the entries of all that this turn of the strand brings go in one message.
void Peer::Send(raft::Message message) {
  if (!stream_) return;
  if (!Join(message)) {
    if (queue_.size() >= kQueuedMessagesMax) return;
    queue_.push_back(std::move(message));
  }
  if (std::exchange(pump_posted_, true)) return;
  host_.strand.Post(lifetime_.Bind([this] {
    pump_posted_ = false;
    Pump();
  }));
}

// Whether it went into the last one that waits, upon which its entries follow.
bool Peer::Join(const raft::Message& message) {
  const auto* next = std::get_if<raft::AppendRequest>(&message.body);
  if (next == nullptr || queue_.empty() || queue_.back().term != message.term) return false;
  auto* last = std::get_if<raft::AppendRequest>(&queue_.back().body);
  bool follows = last != nullptr && last->last > last->previous.index &&
                 next->last > next->previous.index && next->previous.index == last->last;
  if (!follows || next->last - last->previous.index > kJoinedEntriesMax) return false;
  for (const auto& run : next->terms) {
    if (run.epoch != last->terms.back().epoch) last->terms.push_back(run);
  }
  last->memberships.insert(last->memberships.end(), next->memberships.begin(),
                           next->memberships.end());
  last->last = next->last;
  last->commit = next->commit;
  last->round = next->round;
  return true;
}

void Peer::Pump() {
  while (stream_ && !reading_ && !queue_.empty() && stream_->queued_bytes() < kQueuedBytesMax) {
    if (!SendFront()) return;
  }
}

// False if its entries have to be read first.
bool Peer::SendFront() {
  raft::Message& front = queue_.front();
  auto* request = std::get_if<raft::AppendRequest>(&front.body);
  if (request == nullptr || request->last == request->previous.index) {
    bool is_offer = std::holds_alternative<raft::SnapshotOffer>(front.body);
    stream_->Send(Encode({cluster_, std::move(front), {}, is_offer ? events_.OwnEndpoint() : ""}));
    queue_.pop_front();
    return true;
  }
  auto entries = TakeEntries(*request);
  if (!entries) {
    ReadFront(*request);
    return false;
  }
  // What was sent for may have been replaced since, by a leader of a later term.
  bool is_whole = true;
  for (const LogEntry& entry : *entries) {
    auto run = std::find_if(request->terms.rbegin(), request->terms.rend(),
                            [&](const auto& r) { return r.start <= entry.index; });
    is_whole = is_whole && run != request->terms.rend() && run->epoch == entry.term;
  }
  if (!is_whole) {
    queue_.pop_front();
    return true;
  }
  // As much as was found at once; the rest follows upon it in a message of its own.
  raft::Message part = front;
  auto& part_request = std::get<raft::AppendRequest>(part.body);
  part_request.last = entries->back().index;
  bool is_all = part_request.last == request->last;
  request->previous = {entries->back().index, entries->back().term};
  stream_->Send(Encode({cluster_, std::move(part), std::move(*entries), {}}));
  if (is_all) queue_.pop_front();
  return true;
}

std::optional<std::vector<LogEntry>> Peer::TakeEntries(const raft::AppendRequest& request) {
  LogIndex first = request.previous.index + 1;
  std::vector<LogEntry> read = std::exchange(read_, {});
  if (read.empty() || read.front().index != first) {
    return events_.FindForPeer(first, request.last);
  }
  while (read.back().index > request.last) read.pop_back();
  return read;
}

void Peer::ReadFront(const raft::AppendRequest& request) {
  reading_ = true;
  LogIndex first = request.previous.index + 1;
  events_.ReadForPeer(first, request.last,
                      lifetime_.Bind([this, first](Result<std::vector<LogEntry>> entries) {
                        reading_ = false;
                        if (entries && !entries->empty()) {
                          read_ = std::move(*entries);
                        } else {
                          DropFront(first);
                        }
                        Pump();
                      }));
}

// Its entries are not to be had: Raft will ask for others.
void Peer::DropFront(LogIndex first) {
  if (queue_.empty()) return;
  const auto* request = std::get_if<raft::AppendRequest>(&queue_.front().body);
  if (request != nullptr && request->previous.index + 1 == first) queue_.pop_front();
}

}  // namespace weir::quorum
