// SPDX-License-Identifier: Apache-2.0
// Each bug planted in compaction is found where a log's history is held against all that was
// written: see storage/compaction/core/history_fixture.h.
#include <gtest/gtest.h>

#include <iostream>
#include <string>

#include "common/base/planted_bug.h"
#include "storage/compaction/core/history_fixture.h"
#include "tests/planted/bug_name.h"

namespace weir::compaction {
namespace {

#ifndef WEIR_PLANTED_BUGS
#error "the bugs are compiled in through the rule planted_test alone"
#endif

struct Planted {
  const char* bug;
  uint64_t seeds_max;
};

constexpr Planted kPlanted[] = {
    {"compaction: a tombstone goes at once", 20},
    {"compaction: cleans above the high watermark", 50},
    {"compaction: a full map takes another key's place", 50},
    {"compaction: an epoch's first batch goes", 50},
    {"compaction: an active producer's last batch goes", 50},
    {"compaction: a horizon before its time", 300},
};

// What is wrong with the history of that seed; empty if nothing is.
std::string WrongWith(uint64_t seed) {
  HistoryFixture history(seed);
  for (int step = 0; step < 120; ++step) {
    history.Step();
    if (!history.wrong().empty()) return history.wrong().front();
  }
  return "";
}

class CompactionBug : public testing::TestWithParam<Planted> {};

TEST_P(CompactionBug, IsFound) {
  planted_bug = GetParam().bug;
  std::string wrong;
  uint64_t seed = 1;
  for (; wrong.empty() && seed <= GetParam().seeds_max; ++seed) wrong = WrongWith(seed);
  planted_bug = "";
  EXPECT_NE(wrong, "") << "nobody found \"" << GetParam().bug << "\"";
  std::cout << GetParam().bug << ": seed " << seed - 1 << ": " << wrong << '\n';
}

std::string NameOf(const testing::TestParamInfo<Planted>& info) {
  return NameOfBug(info.param.bug);
}

INSTANTIATE_TEST_SUITE_P(All, CompactionBug, testing::ValuesIn(kPlanted), NameOf);

}  // namespace
}  // namespace weir::compaction
