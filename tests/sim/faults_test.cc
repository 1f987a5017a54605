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

FaultBudget EveryKind(size_t down_max) {
  FaultBudget budget = BudgetOf(down_max);
  budget.kinds.clear();
  for (int i = 0; i <= static_cast<int>(FaultKind::kDrift); ++i) {
    budget.kinds.push_back(static_cast<FaultKind>(i));
  }
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
    FaultBudget budget = EveryKind(2);
    std::vector<Fault> faults = DrawFaults(chance, budget);
    total += faults.size();
    for (const Fault& fault : faults) {
      ASSERT_LE(fault.end, budget.time);
      ASSERT_LT(fault.begin, fault.end);
      auto down = std::ranges::count_if(faults, [&](const Fault& other) {
        return other.who.size() == 1 && other.begin <= fault.begin && fault.begin <= other.end;
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
    for (const Fault& fault : DrawFaults(chance, EveryKind(1))) kinds.insert(fault.kind);
    all.insert(kinds.begin(), kinds.end());
    ++uses[kinds];
  }
  EXPECT_GT(uses.size(), 30u);
  EXPECT_EQ(all.size(), EveryKind(1).kinds.size());
}

TEST(Faults, ReadAsLines) {
  using std::chrono::milliseconds;
  std::ostringstream lines;
  lines << Fault{FaultKind::kKill, milliseconds(1250), milliseconds(3100), {"node-2"}} << '\n'
        << Fault{FaultKind::kSlowLink, milliseconds(5), milliseconds(2000), {"a", "b"}, 120};
  EXPECT_EQ(lines.str(),
            "1.250s kill node-2 until 3.100s\n0.005s slow-link a b by 120 until 2.000s");
}

TEST(Faults, AreReadAsTheyArePrinted) {
  size_t read = 0;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Chance chance(seed);
    for (const Fault& fault : DrawFaults(chance, EveryKind(2))) {
      std::ostringstream line;
      line << fault;
      auto parsed = ParseFault(line.str());
      ASSERT_TRUE(parsed) << parsed.error();
      ASSERT_EQ(*parsed, fault) << line.str();
      ++read;
    }
  }
  EXPECT_GT(read, 500u);
}

TEST(Faults, AreRefusedWhereALineIsNone) {
  for (const char* line : {"", "1.0s", "1.0s kill", "1.0s kill a", "1.0s murder a until 2.0s",
                           "1.0 kill a until 2.0s", "1.0s kill a until", "x kill a until 2.0s"}) {
    EXPECT_FALSE(ParseFault(line)) << line;
  }
}

TEST(Faults, AreAllOverInTheEnd) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    World world(seed);
    FaultBudget budget = EveryKind(2);
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
