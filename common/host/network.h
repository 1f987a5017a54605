// SPDX-License-Identifier: Apache-2.0
// Calls and streams of messages between processes. The real one is gRPC: a method is named
// "/package.Service/Method", a message is a serialized Protobuf, a status is gRPC's, so that any
// gRPC client can speak to us. Nothing of gRPC shows here.
//
// Every callback comes on the Network's strand, and all calls come from that strand.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <variant>

#include "common/base/bytes.h"
#include "common/base/callback.h"
#include "common/base/error.h"
#include "common/base/time.h"
#include "common/host/call_status.h"

namespace weir::host {

// "host:port"; IPv6 hosts in brackets.
using Endpoint = std::string;

// One end of a stream of messages. Messages arrive whole, in order, once, or not at all: after a
// loss the stream ends. Both ends hold theirs by shared_ptr; one that nobody holds is cancelled.
class Stream {
 public:
  virtual ~Stream() = default;

  // Never blocks. After the stream's end it does nothing.
  virtual void Send(Pieces message) = 0;

  // Bytes that were sent and that the network has not yet taken. Whoever sends much waits for
  // OnDrained while this is above what it is willing to hold in memory.
  virtual size_t queued_bytes() const = 0;

  // A server ends the stream with `status`. A client says that it sends no more (ok), or cancels
  // (anything else). What was sent before is still delivered, except by a cancel.
  virtual void Finish(CallStatus status) = 0;

  // While paused no OnMessage comes, and the sender's queue fills: this is the receiver's credit.
  // A stream begins unpaused.
  virtual void PauseReading() = 0;
  virtual void ResumeReading() = 0;
};

// Hears one stream. Held by the network until OnEnd has returned.
class StreamEvents {
 public:
  virtual ~StreamEvents() = default;
  virtual void OnMessage(Bytes message) = 0;
  // queued_bytes() has become zero.
  virtual void OnDrained() {}
  // At a server: the client sends no more (a half close). The stream lives on until Finish.
  virtual void OnPeerFinished() {}
  // Exactly once, last: how the stream ended. At a server: kCancelled if the client went away.
  virtual void OnEnd(CallStatus status) = 0;
};

// Who calls, as far as the network knows.
struct Caller {
  Endpoint address;
  // What the client calls itself: the header "weir-client-id", or empty.
  std::string client_id;
};

// Answers a unary call, once. Dropped without being called, it answers kUnavailable.
using Reply = Callback<void(CallStatus, Pieces)>;
using UnaryMethod = std::function<void(const Caller&, Bytes request, Reply)>;
// Returns who hears the stream; may Finish it at once.
using StreamMethod =
    std::function<std::shared_ptr<StreamEvents>(const Caller&, std::shared_ptr<Stream>)>;

// What a process serves: full method name to what runs.
using Methods = std::map<std::string, std::variant<UnaryMethod, StreamMethod>>;

class Network {
 public:
  virtual ~Network() = default;

  // `done` comes exactly once; kDeadlineExceeded after `timeout`, kUnavailable if nobody listens.
  virtual void Call(const Endpoint& to, const std::string& method, Pieces request, Duration timeout,
                    Callback<void(CallStatus, Bytes)> done) = 0;

  // Never fails in the call: a stream that cannot be opened ends with kUnavailable.
  virtual std::shared_ptr<Stream> Open(const Endpoint& to, const std::string& method,
                                       std::shared_ptr<StreamEvents> events) = 0;

  // Serves `methods` at `at`, until the process ends; a port of 0 takes a free one. Returns where.
  // A method that is not there is answered kUnimplemented.
  virtual Result<Endpoint> Listen(const Endpoint& at, Methods methods) = 0;

  // What the health service answers for this process (grpc.health.v1): ready to serve or not.
  virtual void SetServing(bool serving) = 0;
};

}  // namespace weir::host
