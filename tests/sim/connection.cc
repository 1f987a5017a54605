// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/connection.h"

#include <glog/logging.h>

#include <utility>

namespace weir::sim {

using host::CallStatus;
using host::StatusCode;

Connection::Connection(SimNetwork& network, std::shared_ptr<Life> client, std::string server_name,
                       std::shared_ptr<host::StreamEvents> events)
    : network_(network) {
  sides_[kClient].name = client->process;
  sides_[kClient].life = std::move(client);
  sides_[kClient].events = std::move(events);
  sides_[kServer].name = std::move(server_name);
}

bool Connection::IsBetween(const std::string& a, const std::string& b) const {
  return (name(kClient) == a && name(kServer) == b) || (name(kClient) == b && name(kServer) == a);
}

CallStatus Connection::LossAt(End end, const std::string& why) const {
  if (end == kServer) return {StatusCode::kCancelled, "the client is gone: " + why};
  return {StatusCode::kUnavailable, why};
}

std::shared_ptr<host::Stream> Connection::Open(const host::Endpoint& to, const std::string& method,
                                               const host::Caller& caller) {
  auto self = shared_from_this();
  auto handle = std::make_shared<SimStream>(self, kClient, sides_[kClient].life);
  if (network_.Broken(name(kClient), name(kServer))) {
    Break("cannot connect to " + to);
    return handle;
  }
  network_.Carry(name(kClient), name(kServer), sides_[kClient].order, 0, "open",
                 [self, to, method, caller] { self->OpenArrives(to, method, caller); });
  return handle;
}

void Connection::OpenArrives(const host::Endpoint& to, const std::string& method,
                             const host::Caller& caller) {
  if (broken_) return;
  const SimNetwork::Listener* listener = network_.ListenerAt(to);
  if (listener == nullptr) {
    return EndPeer(kServer, {StatusCode::kUnavailable, "nobody listens at " + to});
  }
  auto found = listener->methods->find(method);
  if (found == listener->methods->end() ||
      !std::holds_alternative<host::StreamMethod>(found->second)) {
    return EndPeer(kServer, {StatusCode::kUnimplemented, "no such streaming method: " + method});
  }
  Side& server = sides_[kServer];
  server.life = listener->life;
  auto open = [self = shared_from_this(), methods = listener->methods, &run = found->second,
               caller] {
    Side& here = self->sides_[kServer];
    if (here.ended) return;
    auto handle = std::make_shared<SimStream>(self, kServer, here.life);
    auto events = std::get<host::StreamMethod>(run)(caller, std::move(handle));
    CHECK(events != nullptr) << "a stream method returns who hears the stream";
    here.events = std::move(events);
  };
  network_.timeline_.RunIn(*server.life, "open", std::move(open));
}

void Connection::Send(End end, const Pieces& message) {
  Side& side = sides_[end];
  if (!Alive(end) || side.finished || side.cancelled) return;
  ++network_.messages_;
  std::string copy;
  copy.reserve(SizeOf(message));
  for (const Bytes& piece : message) copy.append(piece.view());
  network_.timeline_.trace().Add(HashOf(copy));
  side.queued_bytes += copy.size();
  Push(end, {Item::kMessage, Bytes::FromString(std::move(copy)), {}});
  bool breaks = network_.timeline_.chance().Happens(network_.stream_breaks_);
  if (breaks || network_.IsLost(name(end), name(PeerOf(end)))) Break("connection reset");
}

void Connection::Finish(End end, CallStatus status) {
  Side& side = sides_[end];
  if (!Alive(end) || side.cancelled) return;
  if (end == kClient && !status.ok()) return Cancel(end);
  if (side.finished) return;
  side.finished = true;
  Push(end, {end == kClient ? Item::kHalfClose : Item::kEnd, {}, std::move(status)});
}

void Connection::Cancel(End end) {
  Side& side = sides_[end];
  if (!Alive(end) || side.cancelled) return;
  side.cancelled = true;
  side.queue.clear();
  side.queued_bytes = 0;
  EndPeer(end, {StatusCode::kCancelled, "the stream was cancelled by its peer"});
  EndAfter(Duration(0), end, {StatusCode::kCancelled, "the stream was cancelled"});
}

void Connection::HandleDropped(End end) {
  // A server that has finished needs its handle no more.
  if (end == kClient || !sides_[end].finished) Cancel(end);
}

void Connection::PauseReading(End end) { sides_[end].paused = true; }

void Connection::ResumeReading(End end) {
  if (!std::exchange(sides_[end].paused, false) || !Alive(end)) return;
  network_.timeline_.At(network_.timeline_.now(), sides_[end].life.get(), "resume",
                        [self = shared_from_this(), end] { self->Deliver(end); });
}

void Connection::Push(End end, Item item) {
  sides_[end].queue.push_back(std::move(item));
  SchedulePump(end);
}

void Connection::SchedulePump(End end) {
  Side& side = sides_[end];
  if (side.pump_scheduled) return;
  side.pump_scheduled = true;
  network_.timeline_.After(std::chrono::microseconds(2), side.life.get(), "send",
                           [self = shared_from_this(), end] { self->Pump(end); });
}

void Connection::Pump(End end) {
  Side& side = sides_[end];
  side.pump_scheduled = false;
  if (!Alive(end) || side.cancelled) return;
  auto self = shared_from_this();
  size_t queued_before = side.queued_bytes;
  while (!side.queue.empty()) {
    bool is_message = side.queue.front().kind == Item::kMessage;
    if (is_message && side.in_flight_bytes >= network_.speed_.window_bytes) break;
    Item item = std::move(side.queue.front());
    side.queue.pop_front();
    size_t size = item.message.size();
    side.queued_bytes -= size;
    side.in_flight_bytes += size;
    bool is_end = item.kind == Item::kEnd;
    CallStatus status = item.status;
    auto arrive = [self, peer = PeerOf(end), item = std::move(item)]() mutable {
      if (self->broken_ || !self->Alive(peer)) return;
      auto hear = [self, peer, item = std::move(item)]() mutable {
        self->sides_[peer].inbox.push_back(std::move(item));
        self->Deliver(peer);
      };
      self->network_.timeline_.RunIn(*self->sides_[peer].life, "message", std::move(hear));
    };
    network_.Carry(name(end), name(PeerOf(end)), side.order, size, "arrival", std::move(arrive));
    if (is_end) return EndNow(end, status);
  }
  if (queued_before > 0 && side.queued_bytes == 0 && side.events != nullptr) {
    std::shared_ptr<host::StreamEvents> events = side.events;
    events->OnDrained();
  }
}

void Connection::Deliver(End end) {
  auto self = shared_from_this();
  Side& side = sides_[end];
  while (Alive(end) && !side.cancelled && !side.inbox.empty()) {
    // What is no message needs no credit.
    if (side.paused && side.inbox.front().kind == Item::kMessage) return;
    Item item = std::move(side.inbox.front());
    side.inbox.pop_front();
    std::shared_ptr<host::StreamEvents> events = side.events;
    if (item.kind == Item::kEnd) return EndNow(end, item.status);
    if (item.kind == Item::kHalfClose) {
      events->OnPeerFinished();
      continue;
    }
    Acknowledge(end, item.message.size());
    events->OnMessage(std::move(item.message));
  }
}

void Connection::Acknowledge(End end, size_t bytes) {
  Side& side = sides_[end];
  side.unacknowledged_bytes += bytes;
  if (side.unacknowledged_bytes < network_.speed_.window_bytes / 4) return;
  size_t read = std::exchange(side.unacknowledged_bytes, 0);
  auto arrive = [self = shared_from_this(), sender = PeerOf(end), read] {
    if (self->broken_ || !self->Alive(sender)) return;
    self->sides_[sender].in_flight_bytes -= read;
    if (!self->sides_[sender].queue.empty()) self->SchedulePump(sender);
  };
  network_.Carry(name(end), name(PeerOf(end)), side.order, 0, "credit", std::move(arrive));
}

void Connection::EndNow(End end, const CallStatus& status) {
  Side& side = sides_[end];
  if (side.ended) return;
  side.ended = true;
  side.queue.clear();
  side.queued_bytes = 0;
  side.inbox.clear();
  std::shared_ptr<host::StreamEvents> events = std::move(side.events);
  if (events != nullptr) events->OnEnd(status);
}

void Connection::EndAfter(Duration delay, End end, const CallStatus& status) {
  if (!Alive(end)) return;
  network_.timeline_.After(delay, sides_[end].life.get(), "end",
                           [self = shared_from_this(), end, status] { self->EndNow(end, status); });
}

void Connection::EndPeer(End from, const CallStatus& status) {
  auto arrive = [self = shared_from_this(), peer = PeerOf(from), status] {
    if (self->broken_ || !self->Alive(peer)) return;
    self->network_.timeline_.RunIn(*self->sides_[peer].life, "end",
                                   [self, peer, status] { self->EndNow(peer, status); });
  };
  network_.Carry(name(from), name(PeerOf(from)), sides_[from].order, 0, "end", std::move(arrive));
}

void Connection::Break(const std::string& why) {
  if (broken_) return;
  broken_ = true;
  for (End end : {kClient, kServer}) EndAfter(network_.DrawDetection(), end, LossAt(end, why));
}

void Connection::LifeEnded(End end, bool power_lost) {
  Side& side = sides_[end];
  side.ended = true;
  network_.timeline_.Discard([events = std::move(side.events)] {});
  std::string why = name(end) + " is gone";
  if (power_lost) {
    silent_ = true;
    EndAfter(network_.speed_.keepalive, PeerOf(end), LossAt(PeerOf(end), why));
  } else {
    EndPeer(end, LossAt(PeerOf(end), why));
  }
}

void Connection::PeerReturned() {
  silent_ = false;
  Break("the peer was restarted");
}

}  // namespace weir::sim
