// SPDX-License-Identifier: Apache-2.0
#include "storage/compaction/core/throttle.h"

#include <algorithm>

namespace weir::compaction {

Duration Throttle::Take(uint64_t bytes, Instant now) {
  if (bytes_per_second_ == 0) return Duration(0);
  constexpr Duration kCredit = std::chrono::milliseconds(100);
  // No more than an hour for one piece, so that no sum runs over.
  constexpr double kSecondsMax = 3600;
  double seconds = static_cast<double>(bytes) / static_cast<double>(bytes_per_second_);
  auto cost = Duration(static_cast<int64_t>(std::min(seconds, kSecondsMax) * 1e9));
  paid_at_ = std::max(paid_at_, now - kCredit) + cost;
  return std::max(Duration(0), paid_at_ - now);
}

}  // namespace weir::compaction
