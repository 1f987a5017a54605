// SPDX-License-Identifier: Apache-2.0
// Swarm testing: from a budget, each seed draws which kinds of fault it uses, how often, and when.
// All faults are over when the budget's time is.
#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "common/base/time.h"
#include "tests/sim/chance.h"
#include "tests/sim/world.h"

namespace weir::sim {

enum class FaultKind {
  kKill,
  kPowerLoss,
  kPause,
  kCut,
  kCutOneWay,
  kStall,
  kStallOneWay,
  kSlowLink,
  kDiskStall,
  kSlowDisk,
};

struct FaultBudget {
  // Processes that the faults may strike, and how many may be down, still or stalled at once.
  std::vector<std::string> processes;
  size_t down_max = 1;
  // How many pairs may be cut at once.
  size_t cuts_max = 1;
  std::vector<FaultKind> kinds = {
      FaultKind::kKill,      FaultKind::kPowerLoss, FaultKind::kPause,       FaultKind::kCut,
      FaultKind::kCutOneWay, FaultKind::kStall,     FaultKind::kStallOneWay, FaultKind::kSlowLink,
      FaultKind::kDiskStall, FaultKind::kSlowDisk,
  };
  // Faults begin and end within this.
  Duration time = std::chrono::seconds(60);
  // Between the begin of one fault and of the next, on average: drawn for each run.
  Duration gap_min = std::chrono::milliseconds(500);
  Duration gap_max = std::chrono::seconds(15);
  // How long one lasts.
  Duration length_min = std::chrono::milliseconds(20);
  Duration length_max = std::chrono::seconds(8);
};

struct Fault {
  FaultKind kind;
  // After the schedule's begin.
  Duration begin;
  Duration end;
  std::string process;
  // The other end of a link; empty for what strikes a process.
  std::string peer;

  bool operator==(const Fault&) const = default;
};

// As a line of a schedule: "1.250s kill node-2 until 3.100s".
std::ostream& operator<<(std::ostream& out, const Fault& fault);

// In the order in which they begin.
std::vector<Fault> DrawFaults(Chance& chance, const FaultBudget& budget);

// Lets `faults` happen from now on. `restart` brings a dead process back to life and to work.
void ScheduleFaults(World& world, const std::vector<Fault>& faults,
                    std::function<void(Process&)> restart);

}  // namespace weir::sim
