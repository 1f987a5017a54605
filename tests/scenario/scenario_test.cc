// SPDX-License-Identifier: Apache-2.0
// Every scenario file, over a range of seeds; and twice over one seed, for the same trace.
#include "tests/scenario/scenario.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "tests/scenario/hunt.h"

namespace weir::scenario {
namespace {

constexpr char kFolder[] = "tests/scenario";
constexpr uint64_t kSeeds = 20;
// The file that draws all it does goes deepest.
constexpr char kSwarm[] = "swarm_of_faults";
constexpr uint64_t kSwarmSeeds = 60;

std::vector<std::string> ScenarioNames() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() == ".txt") names.push_back(entry.path().stem().string());
  }
  std::ranges::sort(names);
  return names;
}

std::string TextOf(const std::string& name) {
  std::ifstream in(std::string(kFolder) + "/" + name + ".txt");
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

class ScenarioFile : public testing::TestWithParam<std::string> {};

TEST_P(ScenarioFile, Holds) {
  HuntPlan plan;
  plan.scenario = GetParam();
  plan.text = TextOf(GetParam());
  plan.last = GetParam() == kSwarm ? kSwarmSeeds : kSeeds;
  plan.jobs = 2;
  HuntTally tally = Hunt(plan, std::cerr);
  EXPECT_EQ(tally.failures, 0);
  EXPECT_GT(tally.acknowledged, 100u * tally.seeds);
}

TEST_P(ScenarioFile, IsTheSameForTheSameSeed) {
  Verdict first = RunApart(TextOf(GetParam()), 7).verdict;
  Verdict second = RunApart(TextOf(GetParam()), 7).verdict;
  Verdict other = RunApart(TextOf(GetParam()), 8).verdict;
  EXPECT_EQ(first.trace_hash, second.trace_hash);
  EXPECT_EQ(first.events, second.events);
  EXPECT_NE(first.trace_hash, other.trace_hash);
}

INSTANTIATE_TEST_SUITE_P(Files, ScenarioFile, testing::ValuesIn(ScenarioNames()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace weir::scenario
