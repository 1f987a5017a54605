// SPDX-License-Identifier: Apache-2.0
// The serving half of the network: gRPC servers whose services are made at run time out of method
// names, with health, reflection and channelz. gRPC's threads only hand over to the strand.
//
// One strand only.
#pragma once

#include <list>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include "common/host/network.h"
#include "common/host/posix/mailbox.h"

namespace grpc {
class Server;
class Service;
}  // namespace grpc

namespace weir::host {

class ServerCall;

// The calls that are under way, so that they can be ended. Shared with each of them.
struct ServerCalls {
  explicit ServerCalls(std::shared_ptr<Mailbox> box) : mailbox(std::move(box)) {}

  const std::shared_ptr<Mailbox> mailbox;
  std::set<ServerCall*> under_way;
  // Nobody is told of calls any more.
  bool dropped = false;
};

class Server {
 public:
  // Fails with kInUse, kInvalid or kReadOnly, in words for an operator.
  static Result<std::unique_ptr<Server>> Start(std::shared_ptr<Mailbox> mailbox,
                                               const Endpoint& at, Methods methods);
  // After a shutdown.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  const Endpoint& address() const { return address_; }
  void SetServing(bool serving);

  // Accepts no more calls, gives those under way `grace`, then cancels them. `done` comes once, on
  // the strand, when gRPC has let go of them all.
  void Shutdown(Duration grace, Callback<void()> done);
  bool shut_down() const { return shut_down_; }
  // From here on nobody hears of a call.
  void Drop();

 private:
  explicit Server(std::shared_ptr<Mailbox> mailbox);

  std::shared_ptr<ServerCalls> calls_;
  Endpoint address_;
  std::vector<std::string> service_names_;
  std::vector<std::unique_ptr<grpc::Service>> services_;
  std::unique_ptr<grpc::Server> server_;
  std::thread ending_;
  bool shut_down_ = false;
};

}  // namespace weir::host
