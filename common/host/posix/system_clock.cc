// SPDX-License-Identifier: Apache-2.0
#include "common/host/posix/system_clock.h"

#include <time.h>

namespace weir::host {

namespace {

timespec Read(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return now;
}

}  // namespace

Instant SystemClock::Now() const {
  timespec now = Read(CLOCK_MONOTONIC);
  return {now.tv_sec * 1'000'000'000 + now.tv_nsec};
}

WallTime SystemClock::WallNow() const {
  timespec now = Read(CLOCK_REALTIME);
  return {now.tv_sec * 1'000 + now.tv_nsec / 1'000'000};
}

}  // namespace weir::host
