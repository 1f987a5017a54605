// SPDX-License-Identifier: Apache-2.0
// Swarm testing: from a budget, each seed draws which kinds of fault it uses, how often, how hard
// and when. All faults are over when the budget's time is. A schedule is text, too: what was drawn
// can be printed, thinned out, and run again.
#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
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
  // Streams break now and then, calls fail with or without having been served.
  kLossyLink,
  // Calls arrive twice, the second time late.
  kDuplicates,
  // Each reaches its two neighbours alone.
  kRing,
  // Two sides that do not reach each other: in silence, or with all connections between them
  // broken.
  kSplit,
  kSever,
  kDiskStall,
  kSlowDisk,
  // Reads and writes fail by chance; and syncs.
  kDiskErrors,
  kSyncErrors,
  kDiskFull,
  // Dead, and back with an empty disk.
  kWipe,
  // What lies on the disk is not what was written. The world does nothing: what it means is for the
  // listener.
  kBitFlip,
  // The wall clock jumps, and jumps back.
  kClockJump,
  // Both clocks run at another speed.
  kDrift,
};

std::string_view NameOf(FaultKind kind);

struct FaultBudget {
  // Processes that the faults may strike, and how many may be down, still or stalled at once.
  std::vector<std::string> processes;
  size_t down_max = 1;
  // How many links, rings and splits may be cut at once.
  size_t cuts_max = 1;
  // Those whom any program survives.
  std::vector<FaultKind> kinds = {
      FaultKind::kKill,      FaultKind::kPowerLoss, FaultKind::kPause,       FaultKind::kCut,
      FaultKind::kCutOneWay, FaultKind::kStall,     FaultKind::kStallOneWay, FaultKind::kSlowLink,
      FaultKind::kLossyLink, FaultKind::kRing,      FaultKind::kSplit,       FaultKind::kDiskStall,
      FaultKind::kSlowDisk,
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
  // After the schedule's begin; whole milliseconds.
  Duration begin;
  Duration end;
  // A process; the two ends of a link; the members of a ring in their order; those of two
  // sides, the first side first.
  std::vector<std::string> who;
  // How hard, in the unit of its kind: milliseconds of a slow link, thousandths of what is lost,
  // doubled or fails, times that a disk is slower, KiB left on it, seconds of a jump, millionths of
  // a drift, members of the first side. 0 where there is nothing to say.
  int64_t amount = 0;

  bool operator==(const Fault&) const = default;
};

// As a line of a schedule: "1.250s kill node-2 until 3.100s", "0.5s slow-link a b by 120 until 2s".
std::ostream& operator<<(std::ostream& out, const Fault& fault);
// The same, read.
Result<Fault> ParseFault(const std::string& line);

// In the order in which they begin.
std::vector<Fault> DrawFaults(Chance& chance, const FaultBudget& budget);

// Hears of each fault as it begins and as it ends, after the world has done its part of it: for
// disks that are no part of the world, for checkers.
using FaultListener = std::function<void(const Fault& fault, bool begins)>;

// Lets `faults` happen from now on. `restart` brings a dead process back to life and to work,
// `wipe` puts an empty disk in place of a dead one's, or does not.
void ScheduleFaults(
    World& world, const std::vector<Fault>& faults, std::function<void(Process&)> restart,
    FaultListener listener = {},
    std::function<void(Process&)> wipe = [](Process& process) { process.disk().Wipe(); });

}  // namespace weir::sim
