// SPDX-License-Identifier: Apache-2.0
// A closed loop of unary calls: so many are under way at any time, each answered one starts the
// next. One strand, several connections.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/host/posix/event_loop.h"
#include "common/host/posix/network.h"
#include "common/host/posix/system_clock.h"

namespace weir::bench {

// Who is loaded, and with what.
struct Target {
  std::string name;
  host::Endpoint leader;
  std::string method;
  // The request of the given number.
  std::function<Bytes(uint64_t)> request;
};

struct Measured {
  double calls_per_second = 0;
  double p50_ms = 0;
  double p99_ms = 0;
  size_t failed = 0;
};

class Load {
 public:
  explicit Load(int connections);

  // The answer to one call, waited for.
  std::pair<host::CallStatus, Bytes> Ask(const host::Endpoint& to, const std::string& method,
                                         Bytes request);
  Measured Run(const Target& target, int depth, Duration length);

 private:
  void StartCall();

  host::SystemClock clock_;
  host::EventLoop loop_;
  std::vector<std::unique_ptr<host::GrpcNetwork>> connections_;

  const Target* target_ = nullptr;
  Instant end_;
  int under_way_ = 0;
  uint64_t number_ = 0;
  size_t failed_ = 0;
  std::vector<Duration> took_;
};

}  // namespace weir::bench
