// SPDX-License-Identifier: Apache-2.0
#include "tests/cluster/rot.h"

#include <gtest/gtest.h>

namespace weir::cluster {
namespace {

class Rot : public testing::TestWithParam<uint64_t> {};

TEST_P(Rot, IsServedByNobodyAndMendedByThoseWhoAreWhole) {
  for (const std::string& words : WrongAfterRot(GetParam())) ADD_FAILURE() << words;
}

TEST_P(Rot, WhatIsDeletedDoesNotComeBack) {
  for (const std::string& words : WrongAfterDeletion(GetParam())) ADD_FAILURE() << words;
}

INSTANTIATE_TEST_SUITE_P(Seeds, Rot, testing::Range<uint64_t>(1, 9));

}  // namespace
}  // namespace weir::cluster
