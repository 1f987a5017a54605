// SPDX-License-Identifier: Apache-2.0
// So many bytes a second and no more, with a second's worth at once after a rest. What is taken is
// not refused, however much it is: the next has to wait the longer. Pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "common/base/time.h"

namespace weir::partition {

class ByteRate {
 public:
  static constexpr int64_t kUnlimited = std::numeric_limits<int64_t>::max();

  // What is owed from before is owed for a second at most. A rate of 0 lets nothing through.
  void Set(int64_t bytes_per_second, Instant now) {
    bytes_per_second_ = bytes_per_second;
    paid_at_ = std::min(paid_at_, now + kRest);
  }

  void Take(int64_t bytes, Instant now) {
    if (bytes_per_second_ == kUnlimited || bytes_per_second_ == 0) return;
    const double seconds = static_cast<double>(bytes) / static_cast<double>(bytes_per_second_);
    const double ns = std::min(seconds * 1e9, kLongestNs);
    paid_at_ = std::max(paid_at_, now - kRest) + Duration(static_cast<int64_t>(ns));
  }

  // When more may be taken; now or earlier: at once.
  Instant ReadyAt() const {
    if (bytes_per_second_ == kUnlimited) return Instant{};
    return bytes_per_second_ == 0 ? Instant::Never() : paid_at_;
  }
  bool IsReady(Instant now) const { return ReadyAt() <= now; }

 private:
  static constexpr Duration kRest = std::chrono::seconds(1);
  static constexpr double kLongestNs = 3600e9;

  int64_t bytes_per_second_ = kUnlimited;
  // All that was taken is paid for by then.
  Instant paid_at_;
};

}  // namespace weir::partition
