// SPDX-License-Identifier: Apache-2.0
// The serving half of the network: a server of gRPC's core, whose methods are looked up by name as
// calls arrive, with health, reflection and channelz. All on the loop's thread.
//
// One strand only.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/host/network.h"
#include "common/host/posix/event_loop.h"
#include "common/host/posix/mailbox.h"
#include "common/host/posix/standard_methods.h"

struct grpc_server;

namespace weir::host {

class CallQueue;
class CallTag;
class ServerCall;

// Where a server's calls are heard.
struct ServerWiring {
  // Whose they are in the queue.
  const void* owner;
  EventLoop& loop;
  std::shared_ptr<CallQueue> events;
  std::shared_ptr<Mailbox> mailbox;
};

// The calls that are under way, so that they can be ended. Shared with each of them.
struct ServerCalls {
  explicit ServerCalls(ServerWiring with) : wiring(std::move(with)) {}

  const ServerWiring wiring;
  // Until gRPC has handed every operation of theirs back.
  std::set<std::shared_ptr<ServerCall>> under_way;
};

class Server {
 public:
  // Fails with kInUse, kInvalid or kReadOnly, in words for an operator.
  static Result<std::unique_ptr<Server>> Start(ServerWiring wiring, const Endpoint& at,
                                               Methods methods);
  // After a shutdown.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  const Endpoint& address() const { return address_; }
  void SetServing(bool serving) { health_->SetServing(serving); }

  // Accepts no more calls, gives those under way `grace`, then cancels them. `done` comes once, on
  // the strand, when gRPC has let go of them all.
  void Shutdown(Duration grace, Callback<void()> done);
  bool is_shutting_down() const { return is_shutting_down_; }
  bool shut_down() const { return shut_down_; }
  // Shut down, and all operations were handed back.
  bool is_over() const;
  // From here on nobody hears of a call. Once it shuts down.
  void Drop();

 private:
  struct Arrival;

  Server(ServerWiring wiring, Methods methods);

  Result<void> Listen(const Endpoint& at);
  void Accept(Arrival& arrival);
  void Arrived(Arrival& arrival, bool ok);
  void StartCall(Arrival& arrival);

  const std::shared_ptr<ServerCalls> calls_;
  Methods methods_;
  std::shared_ptr<Health> health_;
  Endpoint address_;
  grpc_server* server_ = nullptr;
  std::vector<std::unique_ptr<Arrival>> arrivals_;
  const std::unique_ptr<CallTag> let_go_;
  Strand::TimerId grace_over_ = 0;
  Callback<void()> done_;
  bool is_shutting_down_ = false;
  bool shut_down_ = false;
};

}  // namespace weir::host
