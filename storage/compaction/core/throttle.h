// SPDX-License-Identifier: Apache-2.0
// How fast bytes may go: a token bucket that may owe. A value; time is an argument.
#pragma once

#include <cstdint>

#include "common/base/time.h"

namespace weir::compaction {

class Throttle {
 public:
  // 0: as fast as it likes.
  explicit Throttle(uint64_t bytes_per_second) : bytes_per_second_(bytes_per_second) {}

  // `bytes` go now; how long to wait before more do. What was not used counts for one tenth of a
  // second, so that a pause is not made up for at once.
  Duration Take(uint64_t bytes, Instant now);

 private:
  uint64_t bytes_per_second_;
  // When all that went is paid for.
  Instant paid_at_{INT64_MIN / 2};
};

}  // namespace weir::compaction
