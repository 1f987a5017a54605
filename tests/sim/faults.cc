// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/faults.h"

#include <glog/logging.h>

#include <algorithm>
#include <iomanip>
#include <utility>

namespace weir::sim {

namespace {

constexpr std::string_view NameOf(FaultKind kind) {
  switch (kind) {
    case FaultKind::kKill:
      return "kill";
    case FaultKind::kPowerLoss:
      return "power-loss";
    case FaultKind::kPause:
      return "pause";
    case FaultKind::kCut:
      return "cut";
    case FaultKind::kCutOneWay:
      return "cut-one-way";
    case FaultKind::kStall:
      return "stall";
    case FaultKind::kStallOneWay:
      return "stall-one-way";
    case FaultKind::kSlowLink:
      return "slow-link";
    case FaultKind::kDiskStall:
      return "disk-stall";
    case FaultKind::kSlowDisk:
      return "slow-disk";
  }
  return "fault";
}

bool StrikesALink(FaultKind kind) {
  return kind == FaultKind::kCut || kind == FaultKind::kCutOneWay || kind == FaultKind::kStall ||
         kind == FaultKind::kStallOneWay || kind == FaultKind::kSlowLink;
}

// Whether two faults that overlap in time may not: the budget's bound is counted apart.
bool SameTarget(const Fault& a, const Fault& b) {
  if (a.peer.empty() != b.peer.empty()) return false;
  if (a.peer.empty()) return a.process == b.process;
  return std::minmax(a.process, a.peer) == std::minmax(b.process, b.peer);
}

bool Fits(const Fault& fault, const std::vector<Fault>& drawn, const FaultBudget& budget) {
  bool on_link = !fault.peer.empty();
  size_t beside = 0;
  for (const Fault& other : drawn) {
    if (other.end < fault.begin) continue;
    if (SameTarget(fault, other)) return false;
    if (other.peer.empty() != on_link) ++beside;
  }
  return beside < (on_link ? budget.cuts_max : budget.down_max);
}

void Begin(World& world, const Fault& fault) {
  SimNetwork& network = world.network();
  Process& process = world.process(fault.process);
  switch (fault.kind) {
    case FaultKind::kKill:
      if (process.alive()) process.Kill();
      break;
    case FaultKind::kPowerLoss:
      if (process.alive()) process.PowerLoss();
      break;
    case FaultKind::kPause:
      if (process.alive()) process.Pause();
      break;
    case FaultKind::kCut:
      network.Cut(fault.process, fault.peer, CutKind::kBreaks);
      break;
    case FaultKind::kCutOneWay:
      network.CutOneWay(fault.process, fault.peer, CutKind::kBreaks);
      break;
    case FaultKind::kStall:
      network.Cut(fault.process, fault.peer, CutKind::kStalls);
      break;
    case FaultKind::kStallOneWay:
      network.CutOneWay(fault.process, fault.peer, CutKind::kStalls);
      break;
    case FaultKind::kSlowLink: {
      Duration delay =
          world.chance().Between(std::chrono::milliseconds(1), std::chrono::milliseconds(200));
      network.SetDelay(fault.process, fault.peer, Duration(0), delay);
      network.SetDelay(fault.peer, fault.process, Duration(0), delay);
      break;
    }
    case FaultKind::kDiskStall:
      process.disk().Stall();
      break;
    case FaultKind::kSlowDisk:
      process.disk().faults().slowness = world.chance().Between(2, 100);
      break;
  }
}

void End(World& world, const Fault& fault, const std::function<void(Process&)>& restart) {
  Process& process = world.process(fault.process);
  switch (fault.kind) {
    case FaultKind::kKill:
    case FaultKind::kPowerLoss:
      if (!process.alive()) restart(process);
      break;
    case FaultKind::kPause:
      if (process.paused()) process.Resume();
      break;
    case FaultKind::kCut:
    case FaultKind::kCutOneWay:
    case FaultKind::kStall:
    case FaultKind::kStallOneWay:
      world.network().Heal(fault.process, fault.peer);
      break;
    case FaultKind::kSlowLink:
      world.network().SetDelay(fault.process, fault.peer, Duration(0), Duration(0));
      world.network().SetDelay(fault.peer, fault.process, Duration(0), Duration(0));
      break;
    case FaultKind::kDiskStall:
      process.disk().Unstall();
      break;
    case FaultKind::kSlowDisk:
      process.disk().faults().slowness = 1;
      break;
  }
}

void PrintSeconds(std::ostream& out, Duration time) {
  int64_t ms = time.count() / 1'000'000;
  out << ms / 1000 << '.' << std::setw(3) << std::setfill('0') << ms % 1000 << 's';
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Fault& fault) {
  PrintSeconds(out, fault.begin);
  out << ' ' << NameOf(fault.kind) << ' ' << fault.process;
  if (!fault.peer.empty()) out << ' ' << fault.peer;
  out << " until ";
  PrintSeconds(out, fault.end);
  return out;
}

std::vector<Fault> DrawFaults(Chance& chance, const FaultBudget& budget) {
  CHECK(!budget.processes.empty()) << "a budget names the processes that it may strike";
  // A run that uses few kinds goes deeper into them than one that uses all.
  std::vector<FaultKind> kinds;
  for (FaultKind kind : budget.kinds) {
    bool possible = !StrikesALink(kind) || budget.processes.size() > 1;
    if (possible && chance.Coin()) kinds.push_back(kind);
  }
  std::vector<Fault> drawn;
  if (kinds.empty()) return drawn;
  Duration gap = chance.Between(budget.gap_min, budget.gap_max);
  Duration longest = chance.Between(budget.length_min, budget.length_max);
  Duration now{};
  for (;;) {
    now += chance.Between(Duration(1), gap * 2);
    if (now + budget.length_min >= budget.time) return drawn;
    Fault fault;
    fault.kind = kinds[chance.Below(kinds.size())];
    fault.begin = now;
    fault.end = std::min(now + chance.Between(budget.length_min, longest), budget.time);
    size_t struck = chance.Below(budget.processes.size());
    fault.process = budget.processes[struck];
    if (StrikesALink(fault.kind)) {
      size_t other = chance.Below(budget.processes.size() - 1);
      fault.peer = budget.processes[other < struck ? other : other + 1];
    }
    if (Fits(fault, drawn, budget)) drawn.push_back(std::move(fault));
  }
}

void ScheduleFaults(World& world, const std::vector<Fault>& faults,
                    std::function<void(Process&)> restart) {
  Instant start = world.now();
  for (const Fault& fault : faults) {
    world.At(start + fault.begin, [&world, fault] { Begin(world, fault); });
    world.At(start + fault.end, [&world, fault, restart] { End(world, fault, restart); });
  }
}

}  // namespace weir::sim
