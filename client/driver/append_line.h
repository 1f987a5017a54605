// SPDX-License-Identifier: Apache-2.0
// One stream of appends to one node. Answers come in the order of the requests; when the stream
// ends, all that are missing are answered with why. One strand.
#pragma once

#include <deque>
#include <functional>
#include <memory>

#include "client/core/batch.h"
#include "common/host/host.h"

namespace weir::client {

class AppendLine : public host::StreamEvents, public std::enable_shared_from_this<AppendLine> {
 public:
  using Answered = std::function<void(uint64_t request, AppendAnswer answer)>;

  AppendLine(host::Host host, host::Endpoint endpoint, Answered answered)
      : host_(host), endpoint_(std::move(endpoint)), answered_(std::move(answered)) {}

  void Open();
  void Send(const effect::Append& append);
  // Cancels the stream. Nothing is answered any more; returns what was not.
  std::deque<uint64_t> Drop();

  const host::Endpoint& endpoint() const { return endpoint_; }
  bool ended() const { return ended_; }
  // Whether the node has answered nothing since it was sent this request, and not that one either.
  bool IsSilentSince(uint64_t request) const;

  void OnMessage(Bytes message) override;
  void OnEnd(host::CallStatus status) override;

 private:
  struct Pending {
    uint64_t request;
    Instant sent_at;
  };

  host::Host host_;
  const host::Endpoint endpoint_;
  Answered answered_;
  std::shared_ptr<host::Stream> stream_;
  std::deque<Pending> pending_;
  Instant heard_at_;
  bool ended_ = false;
};

}  // namespace weir::client
