// SPDX-License-Identifier: Apache-2.0
// Everything random in the simulated world comes from here: xoshiro256**, grown from one seed.
#pragma once

#include <array>
#include <cstdint>

#include "common/base/time.h"

namespace weir::sim {

class Chance {
 public:
  explicit Chance(uint64_t seed) {
    for (uint64_t& word : state_) word = SplitMix(seed);
  }

  uint64_t Next() {
    uint64_t result = Rotate(state_[1] * 5, 7) * 9;
    uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = Rotate(state_[3], 45);
    return result;
  }

  // In [0, limit); 0 where limit is 0.
  uint64_t Below(uint64_t limit) { return limit == 0 ? 0 : Next() % limit; }

  // In [low, high].
  int64_t Between(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(Below(static_cast<uint64_t>(high - low) + 1));
  }
  Duration Between(Duration low, Duration high) {
    return Duration(Between(low.count(), high.count()));
  }

  // True in `probability` of the cases. A probability of 0 draws nothing, so that a fault which is
  // off does not disturb the rest of the run.
  bool Happens(double probability) {
    if (probability <= 0) return false;
    return static_cast<double>(Next() >> 11) * 0x1.0p-53 < probability;
  }

  bool Coin() { return (Next() >> 63) != 0; }

 private:
  static uint64_t SplitMix(uint64_t& state) {
    uint64_t z = (state += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  static uint64_t Rotate(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

  std::array<uint64_t, 4> state_;
};

}  // namespace weir::sim
