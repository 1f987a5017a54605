// SPDX-License-Identifier: Apache-2.0
#include "storage/partition/byte_rate.h"

#include <gtest/gtest.h>

namespace weir::partition {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Instant At(Duration time) { return Instant{} + seconds(100) + time; }

TEST(ByteRate, LetsEverythingThroughUntilItIsSet) {
  ByteRate rate;
  rate.Take(1ll << 60, At({}));
  EXPECT_TRUE(rate.IsReady(At({})));
}

TEST(ByteRate, GivesASecondsWorthAtOnceAfterARest) {
  ByteRate rate;
  rate.Set(1000, At({}));
  rate.Take(1000, At({}));
  EXPECT_TRUE(rate.IsReady(At({})));
  rate.Take(500, At({}));
  EXPECT_FALSE(rate.IsReady(At(milliseconds(499))));
  EXPECT_TRUE(rate.IsReady(At(milliseconds(500))));
  EXPECT_EQ(rate.ReadyAt(), At(milliseconds(500)));
}

TEST(ByteRate, LetsNoMoreThroughThanItsRateInTheLongRun) {
  ByteRate rate;
  rate.Set(1'000'000, At({}));
  int64_t through = 0;
  for (int ms = 0; ms < 10'000; ++ms) {
    while (rate.IsReady(At(milliseconds(ms)))) {
      rate.Take(1500, At(milliseconds(ms)));
      through += 1500;
    }
  }
  EXPECT_GE(through, 10'000'000);
  EXPECT_LE(through, 11'010'000);
}

TEST(ByteRate, WhatWasTakenForNothingIsGivenBack) {
  ByteRate rate;
  rate.Set(1000, At({}));
  rate.Take(3000, At({}));
  rate.Take(-2500, At({}));
  EXPECT_TRUE(rate.IsReady(At({})));
}

TEST(ByteRate, AnotherRateForgivesAllButASecond) {
  ByteRate rate;
  rate.Set(1, At({}));
  rate.Take(1'000'000, At({}));
  EXPECT_FALSE(rate.IsReady(At(seconds(1000))));
  rate.Set(1000, At({}));
  EXPECT_TRUE(rate.IsReady(At(seconds(1))));
}

TEST(ByteRate, ARateOfNothingStopsEverythingUntilItIsSetAnew) {
  ByteRate rate;
  rate.Set(0, At({}));
  rate.Take(10, At({}));
  EXPECT_FALSE(rate.IsReady(At(seconds(1'000'000))));
  rate.Set(ByteRate::kUnlimited, At(seconds(1)));
  EXPECT_TRUE(rate.IsReady(At(seconds(1))));
}

}  // namespace
}  // namespace weir::partition
