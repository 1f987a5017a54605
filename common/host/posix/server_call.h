// SPDX-License-Identifier: Apache-2.0
// One call that a server answers, of gRPC's core: it lives until gRPC has handed every operation of
// its back. On the strand.
#pragma once

#include <memory>

#include "common/host/posix/server.h"

struct grpc_call;

namespace weir::host {

// As the server sees all its calls alike.
class ServerCall {
 public:
  virtual ~ServerCall() = default;
  // The process goes: ends the call without telling anybody.
  virtual void Drop() = 0;
};

// Each takes `call` over. `method` outlives it.
void StartUnary(const UnaryMethod& method, std::shared_ptr<ServerCalls> calls, grpc_call* call,
                Caller caller);
void StartStream(const StreamMethod& method, std::shared_ptr<ServerCalls> calls, grpc_call* call,
                 Caller caller);
void RefuseCall(std::shared_ptr<ServerCalls> calls, grpc_call* call, CallStatus status);

}  // namespace weir::host
