// SPDX-License-Identifier: Apache-2.0
// SIGTERM and SIGINT as events of an event loop. The first thing that main makes, before any
// thread: threads inherit that these signals are blocked. SIGPIPE is ignored.
#pragma once

#include "common/base/callback.h"
#include "common/host/posix/event_loop.h"

namespace weir::host {

class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  // Runs `heard` with the signal's number, on the loop, each time one comes. Once; this outlives
  // the loop's run.
  void Hear(EventLoop& loop, Callback<void(int)> heard);

 private:
  int fd_ = -1;
};

}  // namespace weir::host
