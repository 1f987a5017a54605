// SPDX-License-Identifier: Apache-2.0
// What every Clock keeps.
#pragma once

#include "common/host/contract/contract_world.h"

namespace weir::host {

class ClockContract : public HostContract {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ClockContract);

TEST_P(ClockContract, NeverGoesBack) {
  Instant last = clock().Now();
  for (int i = 0; i < 100; ++i) {
    Instant now = clock().Now();
    EXPECT_GE(now, last);
    last = now;
  }
}

TEST_P(ClockContract, MovesOnWhileTimersRun) {
  Instant before = clock().Now();
  WallTime wall_before = clock().WallNow();
  Pass(std::chrono::milliseconds(5));
  EXPECT_GE(clock().Now() - before, std::chrono::milliseconds(5));
  EXPECT_GE(clock().WallNow().ms - wall_before.ms, 4);
}

TEST_P(ClockContract, CountsWallTimeFromTheUnixEpoch) {
  constexpr int64_t kYear2020Ms = 1'577'836'800'000;
  constexpr int64_t kYear2100Ms = 4'102'444'800'000;
  EXPECT_GT(clock().WallNow().ms, kYear2020Ms);
  EXPECT_LT(clock().WallNow().ms, kYear2100Ms);
}

}  // namespace weir::host
