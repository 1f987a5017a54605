// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/world.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/host/task.h"
#include "tests/sim/faults.h"

namespace weir::sim {
namespace {

using host::Await;
using host::OpenMode;
using host::Spawn;
using host::Task;

using FileResult = Result<std::shared_ptr<host::File>>;

Task<bool> WriteFile(host::Host host, std::string path, std::string text, bool sync) {
  auto file = co_await Await<FileResult>(
      [&](auto done) { host.disk.Open(path, OpenMode::kCreate, std::move(done)); });
  if (!file) co_return false;
  auto written = co_await Await<Result<void>>(
      [&](auto done) { (*file)->Write(0, {Bytes::FromString(text)}, std::move(done)); });
  if (!written) co_return false;
  if (!sync) co_return true;
  auto synced = co_await Await<Result<void>>([&](auto done) { (*file)->Sync(std::move(done)); });
  auto named =
      co_await Await<Result<void>>([&](auto done) { host.disk.SyncFolder("", std::move(done)); });
  co_return synced.has_value() && named.has_value();
}

bool Write(World& world, Process& process, const std::string& path, const std::string& text,
           bool sync) {
  std::optional<bool> done;
  Spawn<bool>(WriteFile(process.host(), path, text, sync), [&](bool ok) { done = ok; });
  EXPECT_TRUE(world.RunUntil([&] { return done.has_value(); }));
  return done.value_or(false);
}

TEST(World, TimersRunInOrderOfTheirTime) {
  World world(1);
  host::Host host = world.AddProcess("a").host();
  std::vector<int> ran;
  Instant start = host.clock.Now();
  host.strand.RunAt(start + std::chrono::seconds(2), [&] { ran.push_back(2); });
  host.strand.RunAt(start + std::chrono::seconds(1), [&] { ran.push_back(1); });
  auto cancelled = host.strand.RunAt(start + std::chrono::seconds(1), [&] { ran.push_back(9); });
  host.strand.Cancel(cancelled);
  world.RunFor(std::chrono::seconds(3));
  EXPECT_EQ(ran, (std::vector<int>{1, 2}));
}

TEST(World, AKilledProcessRunsNothingAndKeepsItsFiles) {
  World world(1);
  Process& process = world.AddProcess("a");
  ASSERT_TRUE(Write(world, process, "f", "text", false));
  auto witness = std::make_shared<int>();
  process.host().strand.Post([witness] { FAIL(); });
  process.Kill();
  EXPECT_EQ(witness.use_count(), 1);
  world.RunFor(std::chrono::seconds(1));
  process.Restart();
  EXPECT_EQ(process.disk().Contents("f"), "text");
}

TEST(World, WhatWasSyncedSurvivesALossOfPower) {
  int lost = 0;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    World world(seed);
    Process& process = world.AddProcess("a");
    ASSERT_TRUE(Write(world, process, "synced", "text", true));
    ASSERT_TRUE(Write(world, process, "unsynced", "text", false));
    process.PowerLoss();
    process.Restart();
    ASSERT_EQ(process.disk().Contents("synced"), "text");
    auto files = process.disk().Files();
    if (files.size() != 2 || process.disk().Contents("unsynced") != "text") ++lost;
  }
  EXPECT_GT(lost, 10);
  EXPECT_LT(lost, 50);
}

TEST(World, MayBeKilledFromWithin) {
  World world(1);
  Process& process = world.AddProcess("a");
  auto witness = std::make_shared<int>();
  process.host().strand.Post([&process, witness] {
    process.Kill();
    EXPECT_FALSE(process.alive());
    // Nothing that the dead ask for happens.
    process.host().strand.Post([witness] { FAIL(); });
    process.host().disk.MakeFolder("folder", [witness](Result<void>) { FAIL(); });
  });
  world.RunFor(std::chrono::seconds(1));
  EXPECT_EQ(witness.use_count(), 1);
  process.Restart();
  EXPECT_EQ(process.lives(), 2u);
}

TEST(World, DestroysAProgramAfterWhatItWaitedFor) {
  struct Program {
    explicit Program(host::Host world) : host(world) {
      // What is destroyed uncalled speaks to the program once more.
      struct Farewell {
        Program* program;
        explicit Farewell(Program* p) : program(p) {}
        Farewell(Farewell&& other) noexcept : program(std::exchange(other.program, nullptr)) {}
        ~Farewell() {
          if (program != nullptr) *program->farewells += 1;
        }
      };
      timer = host.strand.RunAt(host.clock.Now() + std::chrono::hours(1),
                                [farewell = Farewell(this)] {});
      host.disk.Open("f", OpenMode::kCreate, [farewell = Farewell(this)](auto) {});
      host.network.Call("nobody:1", "/a/B", {}, std::chrono::seconds(5),
                        [farewell = Farewell(this)](auto, auto) {});
    }
    ~Program() { host.strand.Cancel(timer); }
    host::Host host;
    host::Strand::TimerId timer = 0;
    std::shared_ptr<int> farewells = std::make_shared<int>(0);
  };
  World world(1);
  Process& process = world.AddProcess("a");
  std::shared_ptr<int> farewells;
  process.Start([&](host::Host host) {
    auto program = std::make_shared<Program>(host);
    farewells = program->farewells;
    return program;
  });
  process.Kill();
  EXPECT_EQ(*farewells, 3);
  EXPECT_EQ(farewells.use_count(), 1);
}

TEST(World, APausedProcessCatchesUpInOrder) {
  World world(1);
  Process& process = world.AddProcess("a");
  host::Host host = process.host();
  std::vector<int> ran;
  Instant start = host.clock.Now();
  for (int i : {1, 2, 3}) {
    host.strand.RunAt(start + std::chrono::seconds(i), [&ran, i] { ran.push_back(i); });
  }
  process.Pause();
  world.RunFor(std::chrono::seconds(5));
  EXPECT_TRUE(ran.empty());
  process.Resume();
  world.RunFor(std::chrono::milliseconds(1));
  EXPECT_EQ(ran, (std::vector<int>{1, 2, 3}));
}

TEST(World, ATimerThatCameDueInAPauseCanStillBeCancelled) {
  World world(1);
  Process& process = world.AddProcess("a");
  host::Host host = process.host();
  host::Strand::TimerId second = 0;
  int ran = 0;
  host.strand.RunAt(host.clock.Now() + std::chrono::seconds(1), [&] {
    ++ran;
    host.strand.Cancel(second);
  });
  second = host.strand.RunAt(host.clock.Now() + std::chrono::seconds(2), [&] { ++ran; });
  process.Pause();
  world.RunFor(std::chrono::seconds(5));
  process.Resume();
  world.RunFor(std::chrono::seconds(1));
  EXPECT_EQ(ran, 1);
}

TEST(World, ClocksDriftAndJump) {
  World world(1);
  Process& fast = world.AddProcess("fast");
  host::Host host = fast.host();
  fast.SetDrift(100'000);
  Instant before = host.clock.Now();
  WallTime wall_before = host.clock.WallNow();
  bool ran = false;
  host.strand.RunAt(before + std::chrono::milliseconds(1100), [&] { ran = true; });
  world.RunFor(std::chrono::milliseconds(999));
  EXPECT_FALSE(ran);
  world.RunFor(std::chrono::milliseconds(2));
  EXPECT_TRUE(ran);
  EXPECT_EQ(host.clock.Now() - before, std::chrono::microseconds(1'101'100));
  fast.JumpWallClock(-std::chrono::hours(1));
  EXPECT_EQ(host.clock.WallNow().ms, wall_before.ms + 1101 - 3'600'000);
}

TEST(World, ASlowedClockMakesNoTimerEarly) {
  World world(1);
  Process& process = world.AddProcess("a");
  host::Host host = process.host();
  Instant when = host.clock.Now() + std::chrono::seconds(2);
  std::optional<Instant> ran;
  host.strand.RunAt(when, [&] { ran = host.clock.Now(); });
  world.RunFor(std::chrono::seconds(1));
  process.SetDrift(-500'000);
  world.RunFor(std::chrono::seconds(3));
  ASSERT_TRUE(ran.has_value());
  EXPECT_GE(*ran, when);
}

// A little of everything, for as long as the process lives.
struct Busy {
  explicit Busy(host::Host world) : host(world) {
    (void)host.network.Listen(
        ":1", {{"/b.B/Echo", host::UnaryMethod([](const host::Caller&, Bytes request, auto reply) {
                  reply(host::CallStatus::Ok(), {std::move(request)});
                })}});
    Spawn(Work());
  }
  Task<void> Work() {
    for (int i = 0;; ++i) {
      co_await WriteFile(host, "f" + std::to_string(i % 3), std::to_string(host.random.Next()),
                         i % 2 == 0);
      for (const char* peer : {"a:1", "b:1", "c:1"}) {
        co_await host::AwaitDone([&](auto done) {
          host.network.Call(peer, "/b.B/Echo", {Bytes::FromString("x")},
                            std::chrono::milliseconds(20),
                            [done = std::move(done)](auto, auto) mutable { done(); });
        });
      }
    }
  }
  host::Host host;
};

uint64_t HashOfBusyRun(uint64_t seed, std::vector<std::string>* lines = nullptr) {
  World world(seed);
  if (lines != nullptr) {
    world.ListenToTrace([lines](Instant when, std::string_view line) {
      lines->push_back(std::to_string(when.ns) + ' ' + std::string(line));
    });
  }
  FaultBudget budget;
  budget.processes = {"a", "b", "c"};
  budget.time = std::chrono::seconds(2);
  budget.gap_min = budget.gap_max = std::chrono::milliseconds(50);
  auto start = [](Process& process) {
    process.Start([](host::Host host) { return std::make_shared<Busy>(host); });
  };
  for (const std::string& name : budget.processes) start(world.AddProcess(name));
  ScheduleFaults(world, DrawFaults(world.chance(), budget), start);
  world.RunFor(budget.time);
  EXPECT_GT(world.events(), 1000u);
  return world.TraceHash();
}

TEST(World, OneSeedGivesOneTrace) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    ASSERT_EQ(HashOfBusyRun(seed), HashOfBusyRun(seed));
    ASSERT_NE(HashOfBusyRun(seed), HashOfBusyRun(seed + 1));
  }
}

TEST(World, TellsItsTraceAsLinesWithoutChangingIt) {
  std::vector<std::string> lines;
  EXPECT_EQ(HashOfBusyRun(3, &lines), HashOfBusyRun(3));
  EXPECT_GT(lines.size(), 1000u);
}

}  // namespace
}  // namespace weir::sim
