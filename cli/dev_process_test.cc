// SPDX-License-Identifier: Apache-2.0
#include "cli/dev_process.h"

#include <gtest/gtest.h>

#include <csignal>
#include <set>

namespace weir::cli {
namespace {

std::string LogFile(const std::string& name) { return testing::TempDir() + "/" + name + ".log"; }

// Runs until it is ended.
DevProcess Endless(const std::string& name) {
  return DevProcess{
      .name = name, .log = LogFile(name), .command = {"/usr/bin/tail", "-f", "/dev/null"}};
}

TEST(DevProcess, StartsEndsAndIsSeenToBeGone) {
  DevProcess process = Endless("endless");
  ASSERT_TRUE(StartProcess(process));
  EXPECT_TRUE(IsRunning(process));
  EXPECT_TRUE(EndProcesses({process}, 10).empty());
  EXPECT_FALSE(IsRunning(process));
  EXPECT_FALSE(SignalProcess(process, SIGTERM));
}

TEST(DevProcess, IsNotMistakenForAnotherWithItsPid) {
  DevProcess process = Endless("other");
  ASSERT_TRUE(StartProcess(process));
  DevProcess former = process;
  former.start_ticks += 1;
  EXPECT_FALSE(IsRunning(former));
  EXPECT_FALSE(SignalProcess(former, SIGKILL));
  EXPECT_TRUE(IsRunning(process));
  EndProcesses({process}, 10);
}

TEST(DevProcess, SaysWhichProgramIsNotThere) {
  DevProcess process{.name = "x", .log = LogFile("x"), .command = {"/no/such/program"}};
  auto started = StartProcess(process);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().message, "cannot start /no/such/program: No such file or directory");
}

TEST(FreePorts, AreAllDifferent) {
  auto ports = FreePorts(9);
  ASSERT_TRUE(ports);
  EXPECT_EQ(std::set<int>(ports->begin(), ports->end()).size(), 9u);
}

}  // namespace
}  // namespace weir::cli
