// SPDX-License-Identifier: Apache-2.0
// Planted bugs that break a rule of one part, and are found where that part is held against a dumb
// model of its rules: no cluster is needed, and no simulation would run for long enough.
#include <gtest/gtest.h>

#include "common/base/planted_bug.h"
#include "storage/log/admission_model.h"
#include "storage/log/producers_model.h"
#include "tests/planted/bug_name.h"

namespace weir {
namespace {

#ifndef WEIR_PLANTED_BUGS
#error "the bugs are compiled in through the rule planted_test alone"
#endif

struct Planted {
  const char* bug;
  // What is wrong with one trial; empty where nothing is.
  std::string (*fault)(uint64_t seed);
  uint64_t seeds_max;
};

constexpr Planted kPlanted[] = {
    {"log: sequences do not wrap", log::FaultOfProducers, 20},
    {"log: a producer's old epoch may write", log::FaultOfProducers, 20},
    {"log: one batch is remembered", log::FaultOfProducers, 20},
    {"log: no key is needed", log::FaultOfAdmission, 100},
    {"log: a stamped batch keeps its checksum", log::FaultOfAdmission, 50},
    {"log: a header's timestamp is believed", log::FaultOfAdmission, 100},
};

class PlantedRule : public testing::TestWithParam<Planted> {};

TEST_P(PlantedRule, IsMissed) {
  const Planted& planted = GetParam();
  for (uint64_t seed = 1; seed <= planted.seeds_max; ++seed) {
    ASSERT_EQ(planted.fault(seed), "") << "without any bug";
  }
  planted_bug = planted.bug;
  std::string fault;
  for (uint64_t seed = 1; seed <= planted.seeds_max && fault.empty(); ++seed) {
    fault = planted.fault(seed);
  }
  planted_bug = "";
  EXPECT_NE(fault, "") << "nobody found \"" << planted.bug << '"';
}

std::string NameOf(const testing::TestParamInfo<Planted>& tested) {
  return NameOfBug(tested.param.bug);
}

INSTANTIATE_TEST_SUITE_P(All, PlantedRule, testing::ValuesIn(kPlanted), NameOf);

}  // namespace
}  // namespace weir
