// SPDX-License-Identifier: Apache-2.0
#include "cli/comparison.h"

#include <gtest/gtest.h>

#include "cli/pause_meter.h"

namespace weir::cli {
namespace {

using std::chrono::milliseconds;

Comparison Written(const std::vector<std::pair<std::string, std::string>>& records) {
  Comparison comparison;
  for (const auto& [key, value] : records) comparison.Expect({key, value});
  return comparison;
}

TEST(Comparison, IsEqualWhereEveryKeyKeepsItsOrder) {
  Comparison comparison = Written({{"a", "1"}, {"b", "1"}, {"a", "2"}, {"a", "2"}});
  comparison.Found("b", "1", "x");
  comparison.Found("a", "1", "x");
  comparison.Found("a", "2", "x");
  comparison.Found("a", "2", "x");
  comparison.Finish();
  EXPECT_TRUE(comparison.equal());
  EXPECT_EQ(comparison.keys(), 2);
}

TEST(Comparison, SeesWhatIsLost) {
  Comparison comparison = Written({{"a", "1"}, {"a", "2"}, {"b", "1"}});
  comparison.Found("a", "1", "x");
  comparison.Finish();
  EXPECT_EQ(comparison.lost(), 2);
  EXPECT_EQ(comparison.differences()[0], "missing: key 'a', its value number 2");
}

TEST(Comparison, SeesWhatIsThereTwice) {
  Comparison comparison = Written({{"a", "1"}, {"a", "2"}});
  comparison.Found("a", "1", "x");
  comparison.Found("a", "1", "partition 0 offset 1");
  comparison.Found("a", "2", "x");
  comparison.Finish();
  EXPECT_EQ(comparison.duplicated(), 1);
  EXPECT_EQ(comparison.lost(), 0);
  EXPECT_EQ(comparison.differences()[0],
            "partition 0 offset 1: key 'a' has its value number 1 twice");
}

TEST(Comparison, SeesAnotherOrder) {
  Comparison comparison = Written({{"a", "1"}, {"a", "2"}});
  comparison.Found("a", "2", "x");
  comparison.Found("a", "1", "x");
  comparison.Finish();
  EXPECT_EQ(comparison.reordered(), 2);
  EXPECT_EQ(comparison.lost(), 0);
  EXPECT_FALSE(comparison.equal());
}

TEST(Comparison, SeesWhatWasChangedAndWhatNobodyWrote) {
  Comparison comparison = Written({{"a", "1"}});
  comparison.Found("a", "9", "x");
  comparison.Found("z", "1", "x");
  comparison.Finish();
  EXPECT_EQ(comparison.changed(), 1);
  EXPECT_EQ(comparison.unexpected(), 1);
  EXPECT_EQ(comparison.lost(), 1);
}

TEST(Comparison, CountsRecordsWithoutAKey) {
  Comparison comparison;
  comparison.Expect({std::nullopt, "same"});
  comparison.Expect({std::nullopt, "same"});
  comparison.Expect({std::nullopt, "other"});
  comparison.Found(std::nullopt, "other", "x");
  comparison.Found(std::nullopt, "same", "x");
  comparison.Finish();
  EXPECT_EQ(comparison.lost(), 1);
  EXPECT_EQ(comparison.reordered(), 0);
}

TEST(PauseMeter, CountsOnlyWhileSomethingWaits) {
  PauseMeter meter{milliseconds(200)};
  Instant start;
  meter.Sent(start, WallTime{1000});
  meter.Acknowledged(start + milliseconds(50), WallTime{1050}, false);
  // Nothing is under way for a second.
  meter.Sent(start + milliseconds(1050), WallTime{2050});
  meter.Sent(start + milliseconds(1060), WallTime{2060});
  meter.Acknowledged(start + milliseconds(1350), WallTime{2350}, true);
  ASSERT_EQ(meter.pauses().size(), 1u);
  EXPECT_EQ(meter.pauses()[0].at, WallTime{2050});
  EXPECT_EQ(meter.pauses()[0].length, milliseconds(300));
  EXPECT_EQ(meter.Longest(start + milliseconds(1400))->length, milliseconds(300));
  EXPECT_EQ(meter.Longest(start + milliseconds(1750))->length, milliseconds(400));
}

}  // namespace
}  // namespace weir::cli
