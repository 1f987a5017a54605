// SPDX-License-Identifier: Apache-2.0
#include "tests/scenario/settings.h"

#include <gtest/gtest.h>

#include <set>

namespace weir::scenario {
namespace {

TEST(Settings, AreTheWordsWithAnEqualsSign) {
  sim::Chance chance(1);
  EXPECT_EQ(DrawSettings({"topic", "orders", "partitions=6", "acks=all"}, chance),
            (Settings{{"partitions", "6"}, {"acks", "all"}}));
}

TEST(Settings, AreDrawnFromARangeAndFromAlternatives) {
  std::set<std::string> numbers;
  std::set<std::string> words;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    sim::Chance chance(seed);
    Settings settings = DrawSettings({"nodes=3..5", "weir.durability=flush|cache"}, chance);
    numbers.insert(settings["nodes"]);
    words.insert(settings["weir.durability"]);
  }
  EXPECT_EQ(numbers, (std::set<std::string>{"3", "4", "5"}));
  EXPECT_EQ(words, (std::set<std::string>{"cache", "flush"}));
}

TEST(Settings, KeepTheUnitOfARange) {
  sim::Chance chance(1);
  for (int i = 0; i < 50; ++i) {
    Duration drawn = ParseDuration(Draw("30..50ms", chance));
    EXPECT_GE(drawn, std::chrono::milliseconds(30));
    EXPECT_LE(drawn, std::chrono::milliseconds(50));
  }
}

TEST(Settings, HaveDurationsWithAUnit) {
  EXPECT_EQ(ParseDuration("2s"), std::chrono::seconds(2));
  EXPECT_EQ(ParseDuration("500ms"), std::chrono::milliseconds(500));
  EXPECT_DEATH(ParseDuration("500"), "no duration");
}

}  // namespace
}  // namespace weir::scenario
