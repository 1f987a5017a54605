// SPDX-License-Identifier: Apache-2.0
// Whether this process may listen at an address, and if not, why: gRPC does not say.
#pragma once

#include "common/base/error.h"
#include "common/host/network.h"

namespace weir::host {

struct ListenAddress {
  std::string host;  // Without brackets.
  int port = 0;

  // "host:port", "[v6]:port"; anything else is kInvalid.
  static Result<ListenAddress> Parse(const Endpoint& at);
  // The same host with the port that was taken.
  Endpoint WithPort(int taken) const;
};

// Binds a socket there for a moment. Blocks where the host is a name.
Result<void> ProbeListen(const Endpoint& at, const ListenAddress& address);

}  // namespace weir::host
