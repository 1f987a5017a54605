// SPDX-License-Identifier: Apache-2.0
#include "cli/dev_state.h"

#include <gtest/gtest.h>

#include "cli/dev_plan.h"

namespace weir::cli {
namespace {

DevState Planned() {
  return PlanProcesses({.controllers = 1,
                        .nodes = 2,
                        .folder = "/w",
                        .controller_binary = "/bin/c",
                        .storage_binary = "/bin/s"},
                       {1001, 1002, 1003, 1004, 1005});
}

TEST(DevPlan, GivesEveryProcessItsPortsAndItsFolder) {
  DevState state = Planned();
  ASSERT_EQ(state.processes.size(), 3u);
  EXPECT_EQ(state.processes[0].command,
            (std::vector<std::string>{"/bin/c", "--id=1", "--listen=127.0.0.1:1001",
                                      "--advertise=127.0.0.1:1001", "--data=/w/controller-1"}));
  EXPECT_EQ(state.processes[2].command,
            (std::vector<std::string>{"/bin/s", "--id=2", "--client_listen=127.0.0.1:1004",
                                      "--internal_listen=127.0.0.1:1005", "--data=/w/node-2",
                                      "--controllers=127.0.0.1:1001"}));
  EXPECT_EQ(state.Endpoints(false), (std::vector<std::string>{"127.0.0.1:1002", "127.0.0.1:1004"}));
}

TEST(DevState, ComesBackFromItsText) {
  DevState state = Planned();
  state.processes[1].pid = 42;
  state.processes[1].start_ticks = 123456789012;
  auto parsed = ParseDevState(ToText(state));
  ASSERT_TRUE(parsed) << parsed.error();
  EXPECT_EQ(*parsed, state);
}

TEST(DevState, RefusesWhatIsNoStateFile) {
  EXPECT_FALSE(ParseDevState(""));
  EXPECT_FALSE(ParseDevState("[]"));
  EXPECT_FALSE(ParseDevState("{\"processes\": 3}"));
  EXPECT_FALSE(ParseDevState("{\"processes\": [{\"name\": \"node-1\"}]}"));
  EXPECT_FALSE(ParseDevState("{\"processes\": [null]}"));
}

TEST(DevState, ReadsAStartTimeBehindAnyCommandName) {
  std::string stat = "42 (a) b ) S 1 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 100 5";
  EXPECT_EQ(StartTicksOf(stat), 987654u);
  EXPECT_EQ(StartTicksOf(""), 0u);
  EXPECT_EQ(StartTicksOf("42 (x) S 1"), 0u);
}

}  // namespace
}  // namespace weir::cli
