// SPDX-License-Identifier: Apache-2.0
// Time, as the host tells it. Pure code never sees a Clock: it is handed an Instant.
#pragma once

#include "common/base/time.h"

namespace weir::host {

// Safe to call from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant Now() const = 0;
  virtual WallTime WallNow() const = 0;
};

}  // namespace weir::host
