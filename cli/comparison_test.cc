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

TEST(PauseMeter, FindsTheOnePartitionThatStandsStill) {
  PauseMeter meter{milliseconds(200)};
  Instant start{0};
  for (int ms = 0; ms < 1000; ms += 10) {
    meter.Acknowledged(PartitionIndex(0), start + milliseconds(ms), start + milliseconds(ms + 5),
                       WallTime{ms + 5});
  }
  EXPECT_TRUE(meter.pauses().empty());
  meter.Acknowledged(PartitionIndex(1), start + milliseconds(100), start + milliseconds(500),
                     WallTime{500});
  // Waited with the one before.
  meter.Acknowledged(PartitionIndex(1), start + milliseconds(250), start + milliseconds(510),
                     WallTime{510});
  meter.Acknowledged(PartitionIndex(1), start + milliseconds(600), start + milliseconds(900),
                     WallTime{900});
  ASSERT_EQ(meter.pauses().size(), 2u);
  EXPECT_EQ(meter.pauses()[0].at, WallTime{100});
  EXPECT_EQ(meter.pauses()[0].length, milliseconds(400));
  EXPECT_EQ(meter.pauses()[1].at, WallTime{600});
  EXPECT_EQ(meter.longest()->length, milliseconds(400));
  EXPECT_EQ(meter.longest()->partition, PartitionIndex(1));
}

}  // namespace
}  // namespace weir::cli
