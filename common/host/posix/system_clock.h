// SPDX-License-Identifier: Apache-2.0
// The machine's clocks: CLOCK_MONOTONIC for instants, CLOCK_REALTIME for timestamps.
#pragma once

#include "common/host/clock.h"

namespace weir::host {

class SystemClock : public Clock {
 public:
  Instant Now() const override;
  WallTime WallNow() const override;
};

}  // namespace weir::host
