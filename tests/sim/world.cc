// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/world.h"

#include <glog/logging.h>

#include <utility>

namespace weir::sim {

World::~World() {
  for (auto& [name, process] : processes_) {
    if (process->alive()) process->Kill();
  }
  timeline_.Clear();
  network_.Clear();
  timeline_.Clear();
}

Process& World::AddProcess(const std::string& name, size_t disks) {
  CHECK(name.find_first_of(":/") == std::string::npos) << name << " is no host name";
  auto [place, added] = processes_.try_emplace(name);
  CHECK(added) << "there is a process " << name << " already";
  place->second = std::make_unique<Process>(name, timeline_, network_, disks);
  return *place->second;
}

Process& World::process(const std::string& name) {
  auto found = processes_.find(name);
  CHECK(found != processes_.end()) << "no process " << name;
  return *found->second;
}

bool World::StepNotLaterThan(Instant limit) {
  if (!timeline_.Step(limit)) return false;
  if (observer_) observer_();
  return true;
}

bool World::Step() { return StepNotLaterThan(Instant::Never()); }

void World::RunFor(Duration time) {
  Instant end = now() + time;
  while (StepNotLaterThan(end)) {
  }
  timeline_.AdvanceTo(end);
}

bool World::RunUntil(const std::function<bool()>& holds, Duration within) {
  Instant end = now() + within;
  while (!holds()) {
    if (!StepNotLaterThan(end)) {
      timeline_.AdvanceTo(end);
      return holds();
    }
  }
  return true;
}

}  // namespace weir::sim
