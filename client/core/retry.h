// SPDX-License-Identifier: Apache-2.0
// What a refusal means to a client that wants its work done, and how long it waits before the next
// attempt.
#pragma once

#include <cstdint>
#include <string_view>

#include "common/base/error_code.h"
#include "common/base/time.h"

namespace weir::client {

// Another attempt may succeed: a leader moves, a node restarts, a disk is slow.
bool IsRetriable(ErrorCode code);

// The refusal leaves open whether the records were written: the connection broke, or the wait for
// the acknowledgement ended.
bool LeavesFateOpen(ErrorCode code);

// 20 to 250 ms, doubling, with a little chance from the seed so that clients do not march in step.
class BackOff {
 public:
  explicit BackOff(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 1) {}

  Duration Next();
  void Reset() { attempts_ = 0; }

 private:
  uint64_t state_;
  int attempts_ = 0;
};

}  // namespace weir::client
