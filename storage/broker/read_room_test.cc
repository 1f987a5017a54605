// SPDX-License-Identifier: Apache-2.0
#include "storage/broker/read_room.h"

#include <gtest/gtest.h>

namespace weir::broker {
namespace {

constexpr int64_t kMiB = 1 << 20;

TEST(ReadRoom, GrantsWhatIsWantedWhileMuchIsFree) {
  ReadRoom room(64 * kMiB);
  EXPECT_EQ(room.Take(kMiB), kMiB);
  EXPECT_EQ(room.taken(), kMiB);
}

TEST(ReadRoom, GrantsOneAnEighthOfWhatIsFree) {
  ReadRoom room(64 * kMiB);
  EXPECT_EQ(room.Take(64 * kMiB), 8 * kMiB);
  EXPECT_EQ(room.Take(64 * kMiB), 7 * kMiB);
}

TEST(ReadRoom, ThoseWhoTakeNothingStopNobody) {
  ReadRoom room(64 * kMiB);
  for (int stuck = 0; stuck < 1000; ++stuck) room.Take(kMiB);
  EXPECT_EQ(room.Take(kMiB), ReadRoom::kLeast);
  EXPECT_LT(room.taken(), 64 * kMiB + 1001 * ReadRoom::kLeast);
}

TEST(ReadRoom, WhatIsGivenBackIsFreeAgain) {
  ReadRoom room(8 * kMiB);
  const int64_t granted = room.Take(kMiB);
  room.TakeMore(10);
  room.GiveBack(granted + 10);
  EXPECT_EQ(room.taken(), 0);
  EXPECT_EQ(room.Take(kMiB), kMiB);
}

}  // namespace
}  // namespace weir::broker
