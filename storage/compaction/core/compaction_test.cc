// SPDX-License-Identifier: Apache-2.0
// Any history of keys and tombstones, cut and cleaned at any times, against all that was written.
#include <gtest/gtest.h>

#include "storage/compaction/core/history_fixture.h"

namespace weir::compaction {
namespace {

TEST(Compaction, ChangesNothingThatAReaderHoldsInTheEnd) {
  int64_t runs = 0;
  int64_t cuts = 0;
  int64_t full_maps = 0;
  int64_t tombstones = 0;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    HistoryFixture history(seed);
    for (int step = 0; step < 120; ++step) {
      history.Step();
      ASSERT_EQ(history.wrong(), std::vector<std::string>()) << "seed " << seed << " step " << step;
    }
    runs += history.runs();
    cuts += history.cuts();
    full_maps += history.full_maps();
    tombstones += history.tombstones_gone();
  }
  EXPECT_GT(runs, 500);
  EXPECT_GT(cuts, 100);
  EXPECT_GT(full_maps, 50);
  EXPECT_GT(tombstones, 100);
}

TEST(Compaction, LeavesOneRecordOfEachKeyWhereItLooked) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    HistoryFixture history(seed);
    for (int i = 0; i < 40; ++i) history.Append();
    BatchLog log = history.log();
    Offset from;
    while (from < log.end) from = Clean(log, from, log.end, {.map_bytes = 0});
    std::map<std::string, int> counts;
    for (const SeenRecord& record : log.Records()) {
      ASSERT_TRUE(record.key);
      EXPECT_EQ(++counts[*record.key], 1) << *record.key << " seed " << seed;
    }
  }
}

}  // namespace
}  // namespace weir::compaction
