// SPDX-License-Identifier: Apache-2.0
// Takes the power away after every single disk operation of a piece of work, one run each.
#pragma once

#include <cstdint>
#include <functional>

#include "tests/sim/world.h"

namespace weir::sim {

// Runs `work` in a new world each time, with a loss of power right after its 1st, 2nd, ... disk
// operation, and at last after all of them. `work` returns when it is done or the process is dead.
// `check` then finds the process in its next life; `operation` is the one it died after.
// Returns how many operations the work has.
inline uint64_t ForEachCrashPoint(
    uint64_t seed, const std::function<void(World&, Process&)>& work,
    const std::function<void(World&, Process&, uint64_t operation)>& check) {
  for (uint64_t operation = 1;; ++operation) {
    World world(seed);
    Process& process = world.AddProcess("machine");
    process.disk().CallAfter(operation, [&process] { process.PowerLoss(); });
    work(world, process);
    bool ended = process.alive();
    if (ended) {
      process.disk().CallAfter(0, {});
      process.PowerLoss();
    }
    process.Restart();
    check(world, process, operation);
    if (ended) return operation - 1;
  }
}

}  // namespace weir::sim
