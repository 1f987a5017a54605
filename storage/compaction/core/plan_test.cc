// SPDX-License-Identifier: Apache-2.0
#include "storage/compaction/core/plan.h"

#include <gtest/gtest.h>

namespace weir::compaction {
namespace {

// Each segment has a hundred offsets, a thousand bytes, and times that end with its number.
ClosedSegment Segment(int64_t number, uint64_t bytes = 1000) {
  return {.base = Offset(number * 100),
          .end = Offset(number * 100 + 100),
          .bytes = bytes,
          .index_bytes = 8,
          .first_timestamp = {number * 1000 + 1},
          .max_timestamp = {number * 1000 + 999}};
}

LogExtent Extent(int64_t segments, int64_t clean_end = 0) {
  LogExtent log{.start = Offset(0),
                .end = Offset(segments * 100 + 50),
                .stable_end = Offset(segments * 100 + 50),
                .clean_end = Offset(clean_end),
                .closed = {}};
  for (int64_t i = 0; i < segments; ++i) log.closed.push_back(Segment(i));
  return log;
}

constexpr WallTime kNow{1'000'000};

TEST(Plan, CleansAllClosedSegmentsThatAreStable) {
  Cleanable all = FindCleanable(Extent(4), {}, kNow);
  EXPECT_EQ(all.first_dirty, Offset(0));
  EXPECT_EQ(all.end, Offset(400));
  EXPECT_EQ(all.dirty_bytes, 4000u);
  EXPECT_TRUE(all.is_due({}));

  LogExtent unstable = Extent(4);
  unstable.stable_end = Offset(399);
  EXPECT_EQ(FindCleanable(unstable, {}, kNow).end, Offset(300));
  unstable.stable_end = Offset(99);
  EXPECT_EQ(FindCleanable(unstable, {}, kNow).dirty_bytes, 0u);
  EXPECT_FALSE(FindCleanable(unstable, {}, kNow).is_due({}));
}

TEST(Plan, WaitsForTheDirtyRatio) {
  Cleanable half = FindCleanable(Extent(4, 200), {}, kNow);
  EXPECT_EQ(half.clean_bytes, 2000u);
  EXPECT_EQ(half.dirty_bytes, 2000u);
  EXPECT_FALSE(half.is_due({}));
  EXPECT_TRUE(half.is_due({.dirty_ratio_min = 0.49}));
  // A segment that is dirty in part counts as dirty.
  EXPECT_TRUE(FindCleanable(Extent(4, 199), {}, kNow).is_due({}));
  EXPECT_FALSE(FindCleanable(Extent(4, 400), {.dirty_ratio_min = 0}, kNow).is_due({}));
}

TEST(Plan, LeavesTheYoungAlone) {
  CompactionConfig config{.lag_ms_min = 5000};
  // The second segment's last record is of time 1999.
  EXPECT_EQ(FindCleanable(Extent(4), config, {6999}).end, Offset(200));
  EXPECT_EQ(FindCleanable(Extent(4), config, {6998}).end, Offset(100));
  // What is clean already holds nobody up.
  EXPECT_EQ(FindCleanable(Extent(4, 200), config, {6998}).end, Offset(200));
}

TEST(Plan, CleansWhatIsOverdueWhateverTheRatio) {
  CompactionConfig config{.dirty_ratio_min = 1, .lag_ms_max = 10'000};
  EXPECT_EQ(FindCleanable(Extent(4, 300), config, {13'001}).overdue_ms, 0);
  Cleanable overdue = FindCleanable(Extent(4, 300), config, {13'002});
  EXPECT_EQ(overdue.overdue_ms, 1);
  EXPECT_TRUE(overdue.is_due(config));
  // Nothing can be done about what is not stable.
  LogExtent unstable = Extent(4, 300);
  unstable.stable_end = Offset(399);
  EXPECT_FALSE(FindCleanable(unstable, config, kNow).is_due(config));
  EXPECT_EQ(FindCleanable(unstable, config, kNow).overdue_ms, 0);
}

TEST(Plan, BeginsAnewWhereWhatWasCleanedIsGone) {
  for (int64_t clean_end : {199, 451}) {
    LogExtent log = Extent(4, clean_end);
    log.start = Offset(200);
    log.closed.erase(log.closed.begin(), log.closed.begin() + 2);
    EXPECT_EQ(FindCleanable(log, {}, kNow).first_dirty, Offset(200)) << clean_end;
  }
  LogExtent unknown = Extent(4);
  unknown.clean_end.reset();
  EXPECT_EQ(FindCleanable(unknown, {}, kNow).first_dirty, Offset(0));
}

TEST(Plan, GroupsSmallSegments) {
  std::vector<ClosedSegment> closed = Extent(5).closed;
  auto sizes = [&](const CompactionConfig& config, int64_t end = 500) {
    std::vector<size_t> counts;
    for (const auto& group : GroupSegments(closed, Offset(end), config)) {
      counts.push_back(group.size());
    }
    return counts;
  };
  EXPECT_EQ(sizes({}), (std::vector<size_t>{5}));
  EXPECT_EQ(sizes({.segment_bytes = 2000}), (std::vector<size_t>{2, 2, 1}));
  EXPECT_EQ(sizes({.segment_bytes = 2999}), (std::vector<size_t>{2, 2, 1}));
  EXPECT_EQ(sizes({.index_bytes_max = 24}), (std::vector<size_t>{3, 2}));
  EXPECT_EQ(sizes({.segment_bytes = 1}), (std::vector<size_t>{1, 1, 1, 1, 1}));
  EXPECT_EQ(sizes({}, 301), (std::vector<size_t>{4}));
  EXPECT_EQ(sizes({}, 300), (std::vector<size_t>{3}));
  closed[2].end = closed[3].base = Offset(INT32_MAX);
  closed[3].end = closed[4].base = Offset(INT32_MAX + int64_t{1});
  closed[4].end = Offset(INT32_MAX + int64_t{100});
  EXPECT_EQ(sizes({}, INT64_MAX), (std::vector<size_t>{3, 2}));
}

TEST(Plan, PicksTheMostOverdueElseTheDirtiest) {
  auto candidate = [](int index, uint64_t clean, uint64_t dirty, int64_t overdue = 0) {
    return Candidate{{{}, PartitionIndex(index)}, {{}, {}, clean, dirty, overdue}, {}};
  };
  std::vector<Candidate> candidates = {candidate(0, 100, 100), candidate(1, 100, 300),
                                       candidate(2, 100, 900), candidate(3, 0, 0)};
  EXPECT_EQ(PickNext(candidates)->partition.index, PartitionIndex(2));
  candidates.push_back(candidate(4, 900, 1, 5));
  candidates.push_back(candidate(5, 900, 1, 6));
  EXPECT_EQ(PickNext(candidates)->partition.index, PartitionIndex(5));
  EXPECT_EQ(PickNext(std::span(candidates).first(1)), nullptr);
}

}  // namespace
}  // namespace weir::compaction
