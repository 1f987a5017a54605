// SPDX-License-Identifier: Apache-2.0
// Every scenario file, over a range of seeds; and twice over one seed, for the same trace.
#include "tests/scenario/scenario.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace weir::scenario {
namespace {

constexpr uint64_t kSeeds = 8;
constexpr char kFolder[] = "tests/scenario";

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

std::string Replay(const std::string& name, uint64_t seed) {
  return "replay: bazel run //tests/scenario:sim -- --scenario=" + name +
         " --seed=" + std::to_string(seed) + " --trace";
}

class ScenarioFile : public testing::TestWithParam<std::string> {};

TEST_P(ScenarioFile, Holds) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    Verdict verdict = Scenario(TextOf(GetParam()), seed).Run();
    EXPECT_GT(verdict.acknowledged, 0u);
    for (const std::string& words : verdict.wrong) ADD_FAILURE() << words;
    ASSERT_TRUE(verdict.wrong.empty()) << Replay(GetParam(), seed);
  }
}

TEST_P(ScenarioFile, IsTheSameForTheSameSeed) {
  Verdict first = Scenario(TextOf(GetParam()), 7).Run();
  Verdict second = Scenario(TextOf(GetParam()), 7).Run();
  Verdict other = Scenario(TextOf(GetParam()), 8).Run();
  EXPECT_EQ(first.trace_hash, second.trace_hash);
  EXPECT_EQ(first.events, second.events);
  EXPECT_NE(first.trace_hash, other.trace_hash);
}

INSTANTIATE_TEST_SUITE_P(Files, ScenarioFile, testing::ValuesIn(ScenarioNames()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace weir::scenario
