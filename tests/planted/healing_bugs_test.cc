// SPDX-License-Identifier: Apache-2.0
// Each bug planted in what finds and mends damage, and in what deletes records, is found by a
// cluster whose disks rot, or whose leaders die: see tests/cluster/rot.h.
#include <gtest/gtest.h>

#include <iostream>
#include <string>
#include <vector>

#include "common/base/planted_bug.h"
#include "tests/cluster/rot.h"
#include "tests/planted/bug_name.h"

namespace weir::cluster {
namespace {

#ifndef WEIR_PLANTED_BUGS
#error "the bugs are compiled in through the rule planted_test alone"
#endif

struct Planted {
  const char* bug;
  std::vector<std::string> (*run)(uint64_t seed);
  uint64_t seeds_max;
};

const Planted kPlanted[] = {
    {"log: a damaged batch is served", WrongAfterRot, 20},
    {"log: offset and epoch are believed", WrongAfterRot, 40},
    {"log: damage is forgotten, not mended", WrongAfterRot, 5},
    {"partition: deleted before others know", WrongAfterDeletion, 40},
};

class HealingBug : public testing::TestWithParam<Planted> {};

TEST_P(HealingBug, IsFound) {
  planted_bug = GetParam().bug;
  std::vector<std::string> wrong;
  uint64_t seed = 1;
  for (; wrong.empty() && seed <= GetParam().seeds_max; ++seed) wrong = GetParam().run(seed);
  planted_bug = "";
  ASSERT_FALSE(wrong.empty()) << "nobody found \"" << GetParam().bug << "\"";
  std::cout << GetParam().bug << ": seed " << seed - 1 << ": " << wrong.front() << '\n';
}

std::string NameOf(const testing::TestParamInfo<Planted>& info) {
  return NameOfBug(info.param.bug);
}

INSTANTIATE_TEST_SUITE_P(All, HealingBug, testing::ValuesIn(kPlanted), NameOf);

}  // namespace
}  // namespace weir::cluster
