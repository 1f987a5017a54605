// SPDX-License-Identifier: Apache-2.0
// The calling half of the network: one channel to each endpoint. Asynchronous calls rather than
// gRPC's callbacks: only they are heard on the loop's own thread, and tell of a call's end while
// its reader is paused.
//
// One strand only.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <unordered_set>

#include "common/host/network.h"
#include "common/host/posix/mailbox.h"

namespace grpc {
class ChannelInterface;
class CompletionQueue;
}  // namespace grpc

namespace weir::host {

class CallQueue;
class ClientStream;
class UnaryCall;

class Client {
 public:
  // `owner` is whose the calls are in `events`. `client_id` goes with every call, unless it is
  // empty.
  Client(const void* owner, std::shared_ptr<CallQueue> events, std::shared_ptr<Mailbox> mailbox,
         std::string client_id);
  // After End.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void Call(const Endpoint& to, const std::string& method, Pieces request, Duration timeout,
            Callback<void(CallStatus, Bytes)> done);
  std::shared_ptr<Stream> Open(const Endpoint& to, const std::string& method,
                               std::shared_ptr<StreamEvents> events);

  // Cancels every call; nobody hears of it.
  void End();

 private:
  friend class ClientStream;
  friend class UnaryCall;

  struct CachedChannel;

  std::shared_ptr<grpc::ChannelInterface> ChannelTo(const Endpoint& to);
  void ForgetIdleChannels(Instant now);
  grpc::CompletionQueue* queue();

  const void* const owner_;
  const std::shared_ptr<CallQueue> events_;
  const std::shared_ptr<Mailbox> mailbox_;
  const std::string client_id_;
  std::map<Endpoint, CachedChannel> channels_;
  std::unordered_set<std::shared_ptr<ClientStream>> streams_;
  std::unordered_set<UnaryCall*> calls_;
};

}  // namespace weir::host
