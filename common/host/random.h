// SPDX-License-Identifier: Apache-2.0
// Chance, as the host gives it: the kernel's in production, the seed's in the simulation.
#pragma once

#include <cstdint>

#include "common/base/uuid.h"

namespace weir::host {

// One strand only.
class Random {
 public:
  virtual ~Random() = default;
  virtual uint64_t Next() = 0;

  Uuid NextUuid() {
    uint64_t high = Next();
    return Uuid::FromRandom(high, Next());
  }
};

}  // namespace weir::host
