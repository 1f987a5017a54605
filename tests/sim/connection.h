// SPDX-License-Identifier: Apache-2.0
// One stream between two lives, with its two ends. Kept alive by the handles that the processes
// hold and by what is on its way.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <string>

#include "common/host/network.h"
#include "tests/sim/sim_network.h"
#include "tests/sim/timeline.h"

namespace weir::sim {

class SimStream;

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  enum End { kClient = 0, kServer = 1 };

  Connection(SimNetwork& network, std::shared_ptr<Life> client, std::string server_name,
             std::shared_ptr<host::StreamEvents> events);

  // Calls the server; ends with kUnavailable or kUnimplemented where there is none.
  std::shared_ptr<host::Stream> Open(const host::Endpoint& to, const std::string& method,
                                     const host::Caller& caller);

  // What the holder of one end's handle asks for. For a life that has ended: nothing.
  void Send(End end, const Pieces& message);
  void Finish(End end, host::CallStatus status);
  void Cancel(End end);
  void PauseReading(End end);
  void ResumeReading(End end);
  void HandleDropped(End end);
  size_t queued_bytes(End end) const { return sides_[end].queued_bytes; }

  // Both ends learn that the connection is lost, each in its time.
  void Break(const std::string& why);
  // The process at one end is gone; the other learns of it.
  void LifeEnded(End end, bool power_lost);
  // The machine whose power was lost is back, and knows nothing of this connection.
  void PeerReturned();

  bool IsOf(End end, const Life& life) const { return sides_[end].life.get() == &life; }
  bool IsBetween(const std::string& a, const std::string& b) const;
  bool silent() const { return silent_; }
  const std::string& name(End end) const { return sides_[end].name; }

 private:
  struct Item {
    enum Kind { kMessage, kHalfClose, kEnd } kind = kMessage;
    Bytes message;
    host::CallStatus status;
  };
  struct Side {
    std::string name;
    // Null at a server that has not heard of it yet.
    std::shared_ptr<Life> life;
    std::shared_ptr<host::StreamEvents> events;
    SimNetwork::Order order = std::make_shared<Instant>();
    // To the peer: not yet taken by the network.
    std::deque<Item> queue;
    size_t queued_bytes = 0;
    // Taken, and not yet known to have been read.
    size_t in_flight_bytes = 0;
    bool pump_scheduled = false;
    bool finished = false;
    // From the peer: arrived, not yet heard.
    std::deque<Item> inbox;
    size_t unacknowledged_bytes = 0;
    bool paused = false;
    bool cancelled = false;
    bool ended = false;
  };

  static End PeerOf(End end) { return end == kClient ? kServer : kClient; }
  bool Alive(End end) const {
    return sides_[end].life != nullptr && sides_[end].life->alive && !sides_[end].ended;
  }
  host::CallStatus LossAt(End end, const std::string& why) const;

  void OpenArrives(const host::Endpoint& to, const std::string& method, const host::Caller& caller);
  void SchedulePump(End end);
  void Pump(End end);
  void Push(End end, Item item);
  void Deliver(End end);
  void Acknowledge(End end, size_t bytes);
  // In the end's own life: tells how it ended, once.
  void EndNow(End end, const host::CallStatus& status);
  void EndAfter(Duration delay, End end, const host::CallStatus& status);
  // Across the network: the peer of `from` ends with `status`.
  void EndPeer(End from, const host::CallStatus& status);

  SimNetwork& network_;
  std::array<Side, 2> sides_;
  bool silent_ = false;
  // Nothing more arrives.
  bool broken_ = false;
};

// One end's handle.
class SimStream final : public host::Stream {
 public:
  SimStream(std::shared_ptr<Connection> connection, Connection::End end, std::shared_ptr<Life> life)
      : connection_(std::move(connection)), end_(end), life_(std::move(life)) {}
  ~SimStream() override {
    if (life_->alive) connection_->HandleDropped(end_);
  }
  void Send(Pieces message) override {
    if (life_->alive) connection_->Send(end_, message);
  }
  size_t queued_bytes() const override { return connection_->queued_bytes(end_); }
  void Finish(host::CallStatus status) override {
    if (life_->alive) connection_->Finish(end_, std::move(status));
  }
  void PauseReading() override {
    if (life_->alive) connection_->PauseReading(end_);
  }
  void ResumeReading() override {
    if (life_->alive) connection_->ResumeReading(end_);
  }

 private:
  std::shared_ptr<Connection> connection_;
  Connection::End end_;
  std::shared_ptr<Life> life_;
};

}  // namespace weir::sim
