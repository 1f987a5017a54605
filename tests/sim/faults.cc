// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/faults.h"

#include <glog/logging.h>

#include <algorithm>
#include <array>
#include <utility>

namespace weir::sim {

namespace {

enum class Target { kProcess, kLink, kGroup };

struct Definition {
  FaultKind kind;
  Target target;
  // How hard it may strike.
  int64_t amount_min = 0;
  int64_t amount_max = 0;
};

constexpr std::array kDefinitions = {
    Definition{FaultKind::kKill, Target::kProcess},
    Definition{FaultKind::kPowerLoss, Target::kProcess},
    Definition{FaultKind::kPause, Target::kProcess},
    Definition{FaultKind::kCut, Target::kLink},
    Definition{FaultKind::kCutOneWay, Target::kLink},
    Definition{FaultKind::kStall, Target::kLink},
    Definition{FaultKind::kStallOneWay, Target::kLink},
    Definition{FaultKind::kSlowLink, Target::kLink, 1, 200},
    Definition{FaultKind::kLossyLink, Target::kLink, 5, 200},
    Definition{FaultKind::kDuplicates, Target::kLink, 10, 500},
    Definition{FaultKind::kRing, Target::kGroup},
    Definition{FaultKind::kSplit, Target::kGroup},
    Definition{FaultKind::kSever, Target::kGroup},
    Definition{FaultKind::kDiskStall, Target::kProcess},
    Definition{FaultKind::kSlowDisk, Target::kProcess, 2, 100},
    Definition{FaultKind::kDiskErrors, Target::kProcess, 1, 100},
    Definition{FaultKind::kSyncErrors, Target::kProcess, 1, 100},
    Definition{FaultKind::kDiskFull, Target::kProcess, 0, 256},
    Definition{FaultKind::kWipe, Target::kProcess},
    Definition{FaultKind::kBitFlip, Target::kProcess},
    Definition{FaultKind::kClockJump, Target::kProcess, -1500, 1500},
    Definition{FaultKind::kDrift, Target::kProcess, -50'000, 50'000},
};

const Definition& DefinitionOf(FaultKind kind) {
  return *std::ranges::find(kDefinitions, kind, &Definition::kind);
}

Duration WholeMilliseconds(Duration time) {
  return std::chrono::ceil<std::chrono::milliseconds>(time);
}

// Whether two faults that overlap in time may not: the budget's bound is counted apart.
bool SameTarget(const Fault& a, const Fault& b) {
  Target target = DefinitionOf(a.kind).target;
  if (target != DefinitionOf(b.kind).target) return false;
  if (target == Target::kProcess) return a.who == b.who;
  return target == Target::kGroup || std::ranges::is_permutation(a.who, b.who);
}

bool Fits(const Fault& fault, const std::vector<Fault>& drawn, const FaultBudget& budget) {
  bool strikes_process = DefinitionOf(fault.kind).target == Target::kProcess;
  size_t beside = 0;
  for (const Fault& other : drawn) {
    if (other.end < fault.begin) continue;
    if (SameTarget(fault, other)) return false;
    if ((DefinitionOf(other.kind).target == Target::kProcess) == strikes_process) ++beside;
  }
  return beside < (strikes_process ? budget.down_max : budget.cuts_max);
}

bool IsPossible(FaultKind kind, const FaultBudget& budget) {
  Target target = DefinitionOf(kind).target;
  // Among three, each is the others' neighbour.
  if (kind == FaultKind::kRing) return budget.processes.size() > 3;
  return target == Target::kProcess || budget.processes.size() > 1;
}

std::vector<std::string> DrawWho(Chance& chance, FaultKind kind,
                                 const std::vector<std::string>& among) {
  std::vector<std::string> who = among;
  for (size_t i = 0; i + 1 < who.size(); ++i)
    std::swap(who[i], who[i + chance.Below(who.size() - i)]);
  Target target = DefinitionOf(kind).target;
  if (target != Target::kGroup) who.resize(target == Target::kProcess ? 1 : 2);
  return who;
}

void SetLink(World& world, const Fault& fault, Duration delay, double loss, double duplicates) {
  for (auto [from, to] : {std::pair(0, 1), std::pair(1, 0)}) {
    world.network().SetDelay(fault.who[from], fault.who[to], Duration(0), delay);
    world.network().SetLoss(fault.who[from], fault.who[to], loss);
    world.network().SetDuplicates(fault.who[from], fault.who[to], duplicates);
  }
}

bool HasTwoSides(FaultKind kind) { return kind == FaultKind::kSplit || kind == FaultKind::kSever; }

// The pairs that a ring or two sides keep apart.
std::vector<std::pair<std::string, std::string>> Apart(const Fault& fault) {
  std::vector<std::pair<std::string, std::string>> pairs;
  size_t count = fault.who.size();
  for (size_t a = 0; a < count; ++a) {
    for (size_t b = a + 1; b < count; ++b) {
      bool is_neighbour = b == a + 1 || (a == 0 && b == count - 1);
      bool is_beside =
          (a < static_cast<size_t>(fault.amount)) == (b < static_cast<size_t>(fault.amount));
      bool reaches = fault.kind == FaultKind::kRing ? is_neighbour : is_beside;
      if (!reaches) pairs.emplace_back(fault.who[a], fault.who[b]);
    }
  }
  return pairs;
}

void BeginOnLinks(World& world, const Fault& fault) {
  SimNetwork& network = world.network();
  double thousandths = static_cast<double>(fault.amount) / 1000;
  switch (fault.kind) {
    case FaultKind::kCut:
      return network.Cut(fault.who[0], fault.who[1], CutKind::kBreaks);
    case FaultKind::kCutOneWay:
      return network.CutOneWay(fault.who[0], fault.who[1], CutKind::kBreaks);
    case FaultKind::kStall:
      return network.Cut(fault.who[0], fault.who[1], CutKind::kStalls);
    case FaultKind::kStallOneWay:
      return network.CutOneWay(fault.who[0], fault.who[1], CutKind::kStalls);
    case FaultKind::kSlowLink:
      return SetLink(world, fault, std::chrono::milliseconds(fault.amount), 0, 0);
    case FaultKind::kLossyLink:
      return SetLink(world, fault, Duration(0), thousandths, 0);
    case FaultKind::kDuplicates:
      return SetLink(world, fault, Duration(0), 0, thousandths);
    default:
      for (const auto& [a, b] : Apart(fault)) {
        network.Cut(a, b, fault.kind == FaultKind::kSplit ? CutKind::kStalls : CutKind::kBreaks);
      }
  }
}

void BeginOnProcess(const Fault& fault, Process& process) {
  DiskFaults& disk = process.disk().faults();
  double thousandths = static_cast<double>(fault.amount) / 1000;
  switch (fault.kind) {
    case FaultKind::kPowerLoss:
      if (process.alive()) process.PowerLoss();
      return;
    case FaultKind::kPause:
      if (process.alive()) process.Pause();
      return;
    case FaultKind::kDiskStall:
      return process.disk().Stall();
    case FaultKind::kSlowDisk:
      disk.slowness = fault.amount;
      return;
    case FaultKind::kDiskErrors:
      disk.read_failures = disk.write_failures = thousandths;
      return;
    case FaultKind::kSyncErrors:
      disk.sync_failures = thousandths;
      return;
    case FaultKind::kDiskFull:
      disk.capacity = process.disk().TotalSize() + static_cast<uint64_t>(fault.amount) * 1024;
      return;
    case FaultKind::kClockJump:
      return process.JumpWallClock(std::chrono::seconds(fault.amount));
    case FaultKind::kDrift:
      return process.SetDrift(fault.amount);
    case FaultKind::kBitFlip:
      return;
    default:
      if (process.alive()) process.Kill();
  }
}

void EndOnLinks(World& world, const Fault& fault) {
  switch (fault.kind) {
    case FaultKind::kSlowLink:
    case FaultKind::kLossyLink:
    case FaultKind::kDuplicates:
      return SetLink(world, fault, Duration(0), 0, 0);
    case FaultKind::kRing:
    case FaultKind::kSplit:
    case FaultKind::kSever:
      for (const auto& [a, b] : Apart(fault)) world.network().Heal(a, b);
      return;
    default:
      return world.network().Heal(fault.who[0], fault.who[1]);
  }
}

void EndOnProcess(const Fault& fault, Process& process,
                  const std::function<void(Process&)>& restart,
                  const std::function<void(Process&)>& wipe) {
  switch (fault.kind) {
    case FaultKind::kPause:
      if (process.paused()) process.Resume();
      return;
    case FaultKind::kDiskStall:
      return process.disk().Unstall();
    case FaultKind::kSlowDisk:
    case FaultKind::kDiskErrors:
    case FaultKind::kSyncErrors:
    case FaultKind::kDiskFull:
      process.disk().faults() = {};
      return;
    case FaultKind::kClockJump:
      return process.JumpWallClock(-std::chrono::seconds(fault.amount));
    case FaultKind::kDrift:
      return process.SetDrift(0);
    case FaultKind::kWipe:
      // Somebody may have started it before its time.
      if (process.alive()) process.Kill();
      wipe(process);
      return restart(process);
    case FaultKind::kBitFlip:
      return;
    default:
      if (!process.alive()) restart(process);
  }
}

}  // namespace

std::vector<Fault> DrawFaults(Chance& chance, const FaultBudget& budget) {
  CHECK(!budget.processes.empty()) << "a budget names the processes that it may strike";
  // A run that uses few kinds goes deeper into them than one that uses all.
  std::vector<FaultKind> possible;
  std::vector<FaultKind> kinds;
  for (FaultKind kind : budget.kinds) {
    if (!IsPossible(kind, budget)) continue;
    possible.push_back(kind);
    if (chance.Coin()) kinds.push_back(kind);
  }
  // One that uses none finds nothing.
  if (kinds.empty() && !possible.empty()) kinds.push_back(possible[chance.Below(possible.size())]);
  std::vector<Fault> drawn;
  if (kinds.empty()) return drawn;
  Duration gap = chance.Between(budget.gap_min, budget.gap_max);
  Duration longest = chance.Between(budget.length_min, budget.length_max);
  Duration now{};
  for (;;) {
    now = WholeMilliseconds(now + chance.Between(Duration(1), gap * 2));
    if (now + budget.length_min >= budget.time) return drawn;
    Fault fault;
    fault.kind = kinds[chance.Below(kinds.size())];
    fault.begin = now;
    Duration length = WholeMilliseconds(chance.Between(budget.length_min, longest));
    fault.end = std::min(now + length, budget.time);
    fault.who = DrawWho(chance, fault.kind, budget.processes);
    const Definition& definition = DefinitionOf(fault.kind);
    fault.amount = chance.Between(definition.amount_min, definition.amount_max);
    if (HasTwoSides(fault.kind)) {
      fault.amount = chance.Between(1, static_cast<int64_t>(fault.who.size()) - 1);
    }
    if (Fits(fault, drawn, budget)) drawn.push_back(std::move(fault));
  }
}

void ScheduleFaults(World& world, const std::vector<Fault>& faults,
                    std::function<void(Process&)> restart, FaultListener listener,
                    std::function<void(Process&)> wipe) {
  Instant start = world.now();
  for (const Fault& fault : faults) {
    bool on_process = DefinitionOf(fault.kind).target == Target::kProcess;
    world.At(start + fault.begin, [&world, fault, on_process, listener] {
      if (on_process) {
        BeginOnProcess(fault, world.process(fault.who[0]));
      } else {
        BeginOnLinks(world, fault);
      }
      if (listener) listener(fault, true);
    });
    world.At(start + fault.end, [&world, fault, on_process, restart, wipe, listener] {
      if (on_process) {
        EndOnProcess(fault, world.process(fault.who[0]), restart, wipe);
      } else {
        EndOnLinks(world, fault);
      }
      if (listener) listener(fault, false);
    });
  }
}

}  // namespace weir::sim
