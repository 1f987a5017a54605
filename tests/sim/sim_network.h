// SPDX-License-Identifier: Apache-2.0
// The network between all processes of one world: calls and streams that take time, and links that
// can be cut, slowed and healed. A process's host name is its name. A message is copied when sent.
//
// A cut link either breaks (both ends of each connection learn of it after a while, and new ones
// fail) or stalls (what is sent waits, in silence, until the link is healed).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/host/network.h"
#include "tests/sim/timeline.h"

namespace weir::sim {

enum class CutKind { kBreaks, kStalls };

struct NetworkSpeed {
  // One way, for what is small.
  Duration latency_min = std::chrono::microseconds(50);
  Duration latency_max = std::chrono::microseconds(200);
  int64_t bytes_per_second = 1'000'000'000;
  // From a break until an end of the connection learns of it.
  Duration detection_min = std::chrono::milliseconds(1);
  Duration detection_max = std::chrono::milliseconds(50);
  // After a loss of power nobody says goodbye: peers learn of it after this, or when the machine
  // is back.
  Duration keepalive = std::chrono::seconds(5);
  // What one direction of a stream holds before the receiver has read it.
  size_t window_bytes = 64 * 1024;
};

class Connection;

class SimNetwork {
 public:
  explicit SimNetwork(Timeline& timeline) : timeline_(timeline) {}
  SimNetwork(const SimNetwork&) = delete;
  SimNetwork& operator=(const SimNetwork&) = delete;

  NetworkSpeed& speed() { return speed_; }
  // How often sending a message on a stream breaks that stream instead.
  void SetStreamBreaks(double probability) { stream_breaks_ = probability; }

  // Cuts the way from one process to another; a breaking cut ends connections whole.
  void CutOneWay(const std::string& from, const std::string& to, CutKind kind);
  void Cut(const std::string& a, const std::string& b, CutKind kind);
  // Both ways.
  void Heal(const std::string& a, const std::string& b);
  void HealAll();
  // Adds to the latency, one way.
  void SetDelay(const std::string& from, const std::string& to, Duration min, Duration max);
  // How often, one way, a message on a stream breaks that stream, and a call fails on its way there
  // or back: whoever asked does not know whether it was served.
  void SetLoss(const std::string& from, const std::string& to, double probability);
  // How often a call that goes this way arrives a second time, later; that answer is lost.
  void SetDuplicates(const std::string& from, const std::string& to, double probability);
  // Breaks the streams between two processes, once.
  void BreakStreams(const std::string& a, const std::string& b);

  // Messages that were sent on streams, calls that were begun.
  uint64_t messages() const { return messages_; }
  uint64_t calls() const { return call_count_; }

  // For Process: the network as one life sees it; what to do when that life ends.
  std::unique_ptr<host::Network> Attach(std::shared_ptr<Life> life);
  void LifeEnded(const Life& life, bool power_lost);
  // Drops what links hold back.
  void Clear() { links_.clear(); }
  // What the life last told by SetServing.
  bool serving(const Life& life) const;

 private:
  friend class Connection;
  friend class NetworkPort;
  friend class ReplyTicket;

  // The last arrival on a way whose messages stay in order; null where they need not.
  using Order = std::shared_ptr<Instant>;
  struct Held {
    Order order;
    size_t size;
    std::string_view kind;
    Task0 arrive;
  };
  struct Link {
    std::optional<CutKind> cut;
    Duration delay_min{};
    Duration delay_max{};
    double loss = 0;
    double duplicates = 0;
    std::vector<Held> held;
  };
  struct Listener {
    std::shared_ptr<Life> life;
    std::shared_ptr<host::Methods> methods;
  };
  struct PendingCall {
    std::shared_ptr<Life> client;
    std::string server_name;
    // Null until the request has arrived.
    std::shared_ptr<Life> server;
    Callback<void(host::CallStatus, Bytes)> done;
    Timeline::EventId timeout = 0;
  };

  // Runs `arrive`, an event of the world, when what was sent has crossed the link.
  void Carry(const std::string& from, const std::string& to, const Order& order, size_t size,
             std::string_view kind, Task0 arrive);
  bool Broken(const std::string& a, const std::string& b) const;
  bool IsLost(const std::string& from, const std::string& to);
  bool IsDoubled(const std::string& from, const std::string& to);
  Link& LinkFrom(const std::string& from, const std::string& to) { return links_[{from, to}]; }
  Duration DrawDetection();
  Duration DrawLatency(const Link& link, size_t size);
  void HealOneWay(const std::string& from, const std::string& to);

  uint64_t BeginCall(std::shared_ptr<Life> client, const std::string& server_name, Duration timeout,
                     Callback<void(host::CallStatus, Bytes)> done);
  void RequestArrives(uint64_t id, const host::Endpoint& to, const std::string& method,
                      const host::Caller& caller, Bytes request);
  void SendReply(uint64_t id, const Life& server, host::CallStatus status, Bytes answer);
  // In the client's life: tells how the call ended, if nothing did before.
  void EndCall(uint64_t id, host::CallStatus status, Bytes answer);
  void FailCallAfter(Duration delay, uint64_t id, const std::string& why);

  const Listener* ListenerAt(const host::Endpoint& at) const;
  void Register(const std::shared_ptr<Connection>& connection);

  Timeline& timeline_;
  NetworkSpeed speed_;
  double stream_breaks_ = 0;
  std::map<std::pair<std::string, std::string>, Link> links_;
  std::map<host::Endpoint, Listener> listeners_;
  std::map<uint64_t, bool> serving_;
  std::map<uint64_t, PendingCall> calls_;
  std::map<uint64_t, std::weak_ptr<Connection>> connections_;
  uint64_t last_id_ = 0;
  uint64_t messages_ = 0;
  uint64_t call_count_ = 0;
};

}  // namespace weir::sim
