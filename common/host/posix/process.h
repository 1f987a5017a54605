// SPDX-License-Identifier: Apache-2.0
// One process's real world on one strand: what main makes, and hands down as a Host.
//
//   StopSignals signals;
//   PosixHost world({.root = data_folder, .client_id = "node-1"});
//   signals.Hear(world.loop(), [&](int) { ... world.loop().Stop(); });
//   ... world.host() ...
//   world.loop().Run();
#pragma once

#include <string>

#include "common/host/host.h"
#include "common/host/posix/disk.h"
#include "common/host/posix/event_loop.h"
#include "common/host/posix/folder_lock.h"
#include "common/host/posix/kernel_random.h"
#include "common/host/posix/network.h"
#include "common/host/posix/stop_signals.h"
#include "common/host/posix/system_clock.h"

namespace weir::host {

class PosixHost {
 public:
  struct Config {
    // The folder under which the Disk's paths lie.
    std::string root = ".";
    // What this process calls itself to those that it calls.
    std::string client_id;
  };

  explicit PosixHost(const Config& config)
      : disk_(loop_, config.root), network_(loop_, config.client_id) {}

  Host host() { return Host{clock_, loop_, disk_, network_, random_}; }
  EventLoop& loop() { return loop_; }
  GrpcNetwork& network() { return network_; }

 private:
  SystemClock clock_;
  KernelRandom random_;
  // Outlives those that post to it.
  EventLoop loop_;
  PosixDisk disk_;
  GrpcNetwork network_;
};

}  // namespace weir::host
