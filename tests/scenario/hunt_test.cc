// SPDX-License-Identifier: Apache-2.0
#include "tests/scenario/hunt.h"

#include <gtest/gtest.h>

#include <sstream>

namespace weir::scenario {
namespace {

constexpr char kStaysWhole[] =
    "cluster controllers=1 nodes=3\n"
    "topic orders partitions=1 replicas=3\n"
    "faults for 4s\n"
    "expect all\n";

// Of these only the fourth does lasting harm.
Options OneHarmfulFault() {
  Options options;
  options.schedule.emplace();
  for (const char* line : {"0.100s pause node-2 until 0.200s", "0.300s kill node-1 until 0.400s",
                           "0.500s cut node-1 node-2 until 0.900s", "1.000s kill node-3 until 99s",
                           "1.500s slow-disk node-2 by 3 until 2.000s"}) {
    options.schedule->push_back(*sim::ParseFault(line));
  }
  return options;
}

TEST(Hunt, FindsTheOneFaultThatMatters) {
  Outcome failed = RunApart(kStaysWhole, 3, OneHarmfulFault());
  ASSERT_FALSE(failed.holds());
  EXPECT_FALSE(failed.died);
  ASSERT_EQ(failed.faults.size(), 5u);
  EXPECT_EQ(Shrink(kStaysWhole, failed, OneHarmfulFault()), std::set<size_t>{4});
}

TEST(Hunt, TellsTheCommandThatReplays) {
  EXPECT_EQ(ReplayCommand("x", 42, {1, 4}),
            "bazel run //tests:sim -- --scenario=x --seed=42 --trace --keep-faults=1,4");
}

TEST(Hunt, EndsAtTheFirstFailureAndSaysWhatItWas) {
  HuntPlan plan;
  plan.scenario = "stays_whole";
  plan.text = kStaysWhole;
  plan.last = 1000;
  plan.jobs = 2;
  plan.options = OneHarmfulFault();
  std::ostringstream told;
  HuntTally tally = Hunt(plan, told);
  EXPECT_EQ(tally.failures, 1);
  EXPECT_LT(tally.seeds, 5u);
  EXPECT_NE(told.str().find("FAILS"), std::string::npos) << told.str();
  EXPECT_NE(told.str().find("--keep-faults=4\n"), std::string::npos) << told.str();
}

TEST(Apart, TellsHowARunDied) {
  Outcome died = RunApart("run 1s\n", 1);
  EXPECT_TRUE(died.died);
  ASSERT_EQ(died.verdict.wrong.size(), 1u);
  EXPECT_NE(died.verdict.wrong[0].find("a scenario begins with"), std::string::npos)
      << died.verdict.wrong[0];
}

TEST(Apart, TellsWhatTheRunItselfWouldHave) {
  const std::string text = "cluster controllers=1 nodes=1\nrun 1s\n";
  Verdict here = Scenario(text, 5).Run();
  Outcome apart = RunApart(text, 5);
  EXPECT_TRUE(apart.holds());
  EXPECT_EQ(apart.verdict.trace_hash, here.trace_hash);
  EXPECT_EQ(apart.verdict.events, here.events);
}

}  // namespace
}  // namespace weir::scenario
