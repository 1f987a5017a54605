// SPDX-License-Identifier: Apache-2.0
// The network as it is: gRPC, with messages as bytes. Nothing of gRPC is seen outside.
//
// Made and destroyed on its loop's thread; the loop sleeps in what it hears, and outlives it, but
// need not run any more.
#pragma once

#include <memory>
#include <vector>

#include "common/host/network.h"
#include "common/host/posix/client.h"
#include "common/host/posix/event_loop.h"
#include "common/host/posix/mailbox.h"
#include "common/host/posix/server.h"

namespace weir::host {

class CallQueue;

class GrpcNetwork : public Network {
 public:
  // `client_id` is what this process calls itself to those that it calls.
  explicit GrpcNetwork(EventLoop& loop, std::string client_id = {});
  // Ends every call; nobody hears of it.
  ~GrpcNetwork() override;
  GrpcNetwork(const GrpcNetwork&) = delete;
  GrpcNetwork& operator=(const GrpcNetwork&) = delete;

  void Call(const Endpoint& to, const std::string& method, Pieces request, Duration timeout,
            Callback<void(CallStatus, Bytes)> done) override;
  std::shared_ptr<Stream> Open(const Endpoint& to, const std::string& method,
                               std::shared_ptr<StreamEvents> events) override;
  Result<Endpoint> Listen(const Endpoint& at, Methods methods) override;
  void SetServing(bool serving) override;

  // Stops listening, lets the calls that are being served run for `grace`, then cancels them.
  // `done` comes on the strand. Once.
  void Shutdown(Duration grace, Callback<void()> done);

 private:
  bool AllShutDown() const;

  EventLoop& loop_;
  const std::shared_ptr<CallQueue> events_;
  const std::shared_ptr<Mailbox> mailbox_;
  Client client_;
  std::vector<std::unique_ptr<Server>> servers_;
  bool serving_ = false;
  bool shutting_down_ = false;
};

}  // namespace weir::host
