// SPDX-License-Identifier: Apache-2.0
// One call that a server answers, and the gRPC services that make them.
#pragma once

#include <memory>
#include <string>
#include <variant>

#include "common/host/posix/server.h"

namespace weir::host {

// As the server sees all its calls alike. On the strand.
class ServerCall {
 public:
  virtual ~ServerCall() = default;
  // The process goes: ends the call without telling anybody.
  virtual void Drop() = 0;
};

// One gRPC service of `name` ("package.Service") with all its methods among `methods`.
std::unique_ptr<grpc::Service> MakeService(const std::string& name,
                                           std::shared_ptr<const Methods> methods,
                                           std::shared_ptr<ServerCalls> calls);

}  // namespace weir::host
