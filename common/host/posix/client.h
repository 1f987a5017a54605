// SPDX-License-Identifier: Apache-2.0
// The calling half of the network: one channel to each endpoint, and one thread that waits for
// gRPC and hands over to the strand. Asynchronous calls rather than gRPC's callbacks: only they
// tell of a call's end while its reader is paused.
//
// One strand only.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <thread>
#include <unordered_set>

#include "common/host/network.h"
#include "common/host/posix/mailbox.h"

namespace grpc {
class ChannelInterface;
class CompletionQueue;
}  // namespace grpc

namespace weir::host {

class ClientStream;
class UnaryCall;

class Client {
 public:
  // `client_id` goes with every call, unless it is empty.
  Client(std::shared_ptr<Mailbox> mailbox, std::string client_id);
  // After End.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void Call(const Endpoint& to, const std::string& method, Pieces request, Duration timeout,
            Callback<void(CallStatus, Bytes)> done);
  std::shared_ptr<Stream> Open(const Endpoint& to, const std::string& method,
                               std::shared_ptr<StreamEvents> events);

  // Cancels every call; nobody hears of it. The mailbox is closed and delivered by hand from here.
  void End();

 private:
  friend class ClientStream;
  friend class UnaryCall;

  struct CachedChannel;

  std::shared_ptr<grpc::ChannelInterface> ChannelTo(const Endpoint& to);
  void ForgetIdleChannels(Instant now);
  void Poll();

  const std::shared_ptr<Mailbox> mailbox_;
  const std::string client_id_;
  std::map<Endpoint, CachedChannel> channels_;
  std::unordered_set<std::shared_ptr<ClientStream>> streams_;
  std::unordered_set<UnaryCall*> calls_;
  std::unique_ptr<grpc::CompletionQueue> queue_;
  std::thread poller_;
};

}  // namespace weir::host
