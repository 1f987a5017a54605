// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/faults.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

namespace weir::sim {
namespace {

FaultBudget BudgetOf(size_t down_max) {
  FaultBudget budget;
  budget.processes = {"a", "b", "c", "d", "e"};
  budget.down_max = down_max;
  return budget;
}

TEST(Faults, OneSeedDrawsOneSchedule) {
  Chance one(7);
  Chance same(7);
  EXPECT_EQ(DrawFaults(one, BudgetOf(1)), DrawFaults(same, BudgetOf(1)));
}

TEST(Faults, KeepWithinTheBudget) {
  size_t total = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Chance chance(seed);
    FaultBudget budget = BudgetOf(2);
    std::vector<Fault> faults = DrawFaults(chance, budget);
    total += faults.size();
    for (const Fault& fault : faults) {
      ASSERT_LE(fault.end, budget.time);
      ASSERT_LT(fault.begin, fault.end);
      auto down = std::ranges::count_if(faults, [&](const Fault& other) {
        return other.peer.empty() && other.begin <= fault.begin && fault.begin <= other.end;
      });
      ASSERT_LE(down, 2) << fault;
    }
  }
  EXPECT_GT(total, 1000u);
}

TEST(Faults, SeedsDifferInTheKindsTheyUse) {
  std::map<std::set<FaultKind>, int> uses;
  std::set<FaultKind> all;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Chance chance(seed);
    std::set<FaultKind> kinds;
    for (const Fault& fault : DrawFaults(chance, BudgetOf(1))) kinds.insert(fault.kind);
    all.insert(kinds.begin(), kinds.end());
    ++uses[kinds];
  }
  EXPECT_GT(uses.size(), 30u);
  EXPECT_EQ(all.size(), FaultBudget().kinds.size());
}

TEST(Faults, ReadAsLines) {
  using std::chrono::milliseconds;
  std::ostringstream lines;
  lines << Fault{FaultKind::kKill, milliseconds(1250), milliseconds(3100), "node-2", ""} << '\n'
        << Fault{FaultKind::kStallOneWay, milliseconds(5), milliseconds(2000), "a", "b"};
  EXPECT_EQ(lines.str(), "1.250s kill node-2 until 3.100s\n0.005s stall-one-way a b until 2.000s");
}

TEST(Faults, AreAllOverInTheEnd) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    World world(seed);
    FaultBudget budget = BudgetOf(2);
    for (const std::string& name : budget.processes) world.AddProcess(name);
    std::vector<Fault> faults = DrawFaults(world.chance(), budget);
    ScheduleFaults(world, faults, [](Process& process) { process.Restart(); });
    world.RunFor(budget.time + Duration(1));
    int heard = 0;
    for (const std::string& name : budget.processes) {
      Process& process = world.process(name);
      ASSERT_TRUE(process.alive());
      process.host().disk.MakeFolder("folder", [&](Result<void> made) { heard += made ? 1 : 0; });
      for (const std::string& peer : budget.processes) {
        process.host().network.Call(
            peer + ":1", "/x/Y", {}, std::chrono::seconds(1), [&](host::CallStatus status, Bytes) {
              heard += status.code == host::StatusCode::kUnavailable ? 1 : 0;
            });
      }
    }
    world.RunFor(std::chrono::milliseconds(10));
    EXPECT_EQ(heard, 30) << "something is still cut, stalled or slow";
  }
}

}  // namespace
}  // namespace weir::sim
