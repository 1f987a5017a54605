// SPDX-License-Identifier: Apache-2.0
// SIGTERM and SIGINT as tasks of an event loop, by a thread that waits for nothing else. The first
// thing that main makes, before any thread: threads inherit that these signals are blocked. SIGPIPE
// is ignored.
#pragma once

#include <thread>

#include "common/base/callback.h"
#include "common/host/posix/event_loop.h"

namespace weir::host {

class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  // Runs `heard` with the signal's number, on the loop, each time one comes. Once.
  void Hear(EventLoop& loop, Callback<void(int)> heard);
  // Hears no more. Before the loop goes.
  void End();

 private:
  int fd_ = -1;
  int end_ = -1;
  std::thread thread_;
};

}  // namespace weir::host
