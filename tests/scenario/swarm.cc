// SPDX-License-Identifier: Apache-2.0
#include "tests/scenario/swarm.h"

#include <glog/logging.h>

#include <algorithm>
#include <span>
#include <sstream>
#include <tuple>

namespace weir::scenario {
namespace {

using sim::Fault;
using sim::FaultKind;

// A disk that failed may be noticed only by who reads it again, when it starts anew.
constexpr Duration kExcuse = std::chrono::seconds(10);

// A disk of several that failed is given up until its node starts again, which somebody sees to.
constexpr Duration kNoticed = std::chrono::seconds(1);

constexpr FaultKind kLinkKinds[] = {
    FaultKind::kCut,      FaultKind::kCutOneWay, FaultKind::kStall,      FaultKind::kStallOneWay,
    FaultKind::kSlowLink, FaultKind::kLossyLink, FaultKind::kDuplicates, FaultKind::kRing,
    FaultKind::kSplit,    FaultKind::kSever,
};
constexpr FaultKind kProcessKinds[] = {
    FaultKind::kKill,       FaultKind::kPowerLoss, FaultKind::kPause,   FaultKind::kDiskStall,
    FaultKind::kSlowDisk,   FaultKind::kDiskFull,  FaultKind::kDrift,   FaultKind::kClockJump,
    FaultKind::kDiskErrors, FaultKind::kWipe,      FaultKind::kBitFlip, FaultKind::kSyncErrors,
};

std::vector<FaultKind> Allowed(const Settings& settings, std::span<const FaultKind> kinds) {
  auto list = [&](const std::string& key) {
    std::vector<std::string> names;
    auto found = settings.find(key);
    if (found == settings.end()) return names;
    std::istringstream in(found->second);
    for (std::string name; std::getline(in, name, ',');) names.push_back(name);
    return names;
  };
  std::vector<std::string> only = list("kinds");
  std::vector<std::string> without = list("without");
  std::vector<FaultKind> allowed;
  for (FaultKind kind : kinds) {
    std::string name(NameOf(kind));
    bool is_named = only.empty() || std::ranges::count(only, name) > 0;
    if (is_named && std::ranges::count(without, name) == 0) allowed.push_back(kind);
  }
  return allowed;
}

void SetTimes(Duration time, const Settings& settings, sim::FaultBudget& budget) {
  budget.time = time;
  if (auto gap = settings.find("gap"); gap != settings.end()) {
    budget.gap_max = ParseDuration(gap->second);
    budget.gap_min = std::min(budget.gap_min, budget.gap_max);
  }
  if (auto length = settings.find("length"); length != settings.end()) {
    budget.length_max = ParseDuration(length->second);
  }
}

void AddProcessFaults(sim::Chance& chance, Duration time, const Settings& settings,
                      const std::vector<std::string>& names, std::vector<Fault>& faults) {
  sim::FaultBudget budget;
  budget.processes = names;
  budget.kinds = Allowed(settings, kProcessKinds);
  int drawn = static_cast<int>(chance.Between(1, static_cast<int64_t>(names.size())));
  budget.down_max = static_cast<size_t>(NumberOr(settings, "down", drawn));
  SetTimes(time, settings, budget);
  for (Fault& fault : DrawFaults(chance, budget)) faults.push_back(std::move(fault));
}

// Whose links among each other the faults may strike.
std::vector<std::string> Linked(const Settings& settings, const cluster::Cluster& cluster) {
  auto links = settings.find("links");
  std::string who = links == settings.end() ? "all" : links->second;
  CHECK(who == "all" || who == "nodes" || who == "controllers" || who == "servers")
      << "links are of nodes, controllers, or servers, which are both, not of " << who;
  std::vector<std::string> names;
  if (who != "controllers") names = cluster.node_names();
  if (who != "nodes") {
    for (const std::string& name : cluster.controller_names()) names.push_back(name);
  }
  if (who == "all") names.push_back("client");
  return names;
}

bool IsOfDisk(FaultKind kind) {
  return kind == FaultKind::kDiskErrors || kind == FaultKind::kSyncErrors ||
         kind == FaultKind::kDiskFull;
}

}  // namespace

std::vector<Fault> DrawSwarm(uint64_t seed, Duration time, const Settings& settings,
                             const cluster::Cluster& cluster) {
  sim::Chance chance(seed ^ 0x5eed0ffa1175);
  std::vector<Fault> faults;
  auto over = settings.find("over");
  if (over == settings.end() || over->second == "controllers") {
    AddProcessFaults(chance, time, settings, cluster.controller_names(), faults);
  }
  if (over == settings.end() || over->second == "nodes") {
    AddProcessFaults(chance, time, settings, cluster.node_names(), faults);
  }
  sim::FaultBudget links;
  links.processes = Linked(settings, cluster);
  links.cuts_max = static_cast<size_t>(chance.Between(1, 4));
  SetTimes(time, settings, links);
  links.kinds = Allowed(settings, kLinkKinds);
  for (Fault& fault : DrawFaults(chance, links)) faults.push_back(std::move(fault));
  std::ranges::sort(faults, [](const Fault& a, const Fault& b) {
    return std::tie(a.begin, a.who, a.end) < std::tie(b.begin, b.who, b.end);
  });
  return faults;
}

void Swarm::Begin(const std::vector<Fault>& faults) {
  cluster_.Supervise([this](const std::string& name) { return IsExcused(name); });
  ScheduleFaults(
      cluster_.world(), faults, [this](sim::Process& process) { cluster_.Restart(process.name()); },
      [this](const Fault& fault, bool begins) { Hear(fault, begins); },
      [this](sim::Process& process) {
        if (!lost_disks_.MayLose(process.name())) return;
        lost_disks_.Lose(process.name());
        lost_disks_.Replace(process.name());
      });
}

void Swarm::Hear(const Fault& fault, bool begins) {
  const std::string& name = fault.who[0];
  if (IsOfDisk(fault.kind)) {
    bad_disks_[name] = begins ? Instant::Never() : cluster_.world().now() + kExcuse;
  }
  if (name.starts_with("controller-")) return HearOfQuorumDisk(fault, begins);
  if (!begins && IsOfDisk(fault.kind)) StartAgainLater(cluster_.world().process(name));
}

void Swarm::StartAgainLater(sim::Process& process) {
  if (process.disk_count() < 2) return;
  cluster_.world().After(kNoticed, [this, &process, life = process.lives()] {
    if (!process.alive() || process.lives() != life) return;
    process.Kill();
    cluster_.Restart(process.name());
  });
}

void Swarm::HearOfQuorumDisk(const Fault& fault, bool begins) {
  const std::string& name = fault.who[0];
  quorum::MemoryQuorumDisk& disk = cluster_.quorum_disk(name);
  switch (fault.kind) {
    case FaultKind::kSlowDisk:
      disk.latency = std::chrono::milliseconds(begins ? fault.amount : 1);
      return;
    case FaultKind::kDiskFull:
      disk.write_error.reset();
      if (begins) disk.write_error = Error{Error::Kind::kFull, "no space left on device"};
      return;
    case FaultKind::kDiskErrors:
    case FaultKind::kSyncErrors:
      disk.write_error.reset();
      if (begins) disk.write_error = Error{Error::Kind::kIo, "input/output error"};
      // What could not be synced may be there all the same.
      disk.keeps_failed_writes = begins && fault.kind == FaultKind::kSyncErrors;
      return;
    case FaultKind::kBitFlip:
      return begins ? FlipBit(name) : ReplaceFlipped(name);
    default:
      return;
  }
}

// It starts again, and must refuse to.
void Swarm::FlipBit(const std::string& name) {
  if (!lost_disks_.MayLose(name)) return;
  lost_disks_.Lose(name);
  flipped_.insert(name);
  bad_disks_[name] = Instant::Never();
  cluster_.quorum_disk(name).damage =
      Error{Error::Kind::kCorrupt, "an entry is not what was written"};
  sim::Process& process = cluster_.world().process(name);
  if (process.alive()) process.Kill();
  cluster_.Restart(name);
}

void Swarm::ReplaceFlipped(const std::string& name) {
  if (flipped_.erase(name) == 0) return;
  controller::Controller* running = cluster_.controller(name);
  if (running != nullptr && running->quorum() != nullptr) {
    wrong_.push_back(name + " takes part, and its log is not what was written");
  }
  sim::Process& process = cluster_.world().process(name);
  if (process.alive()) process.Kill();
  lost_disks_.Replace(name);
  cluster_.Restart(name);
  bad_disks_[name] = cluster_.world().now() + kExcuse;
}

bool Swarm::IsExcused(const std::string& name) const {
  auto bad = bad_disks_.find(name);
  return bad != bad_disks_.end() && cluster_.world().now() <= bad->second;
}

}  // namespace weir::scenario
