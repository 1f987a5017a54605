// SPDX-License-Identifier: Apache-2.0
// The kernel's randomness (getrandom), drawn a block at a time.
#pragma once

#include <array>
#include <cstddef>

#include "common/host/random.h"

namespace weir::host {

class KernelRandom : public Random {
 public:
  uint64_t Next() override;

 private:
  std::array<uint64_t, 32> drawn_{};
  size_t left_ = 0;
};

}  // namespace weir::host
