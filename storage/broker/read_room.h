// SPDX-License-Identifier: Apache-2.0
// How many bytes of reads for clients a node holds at a time. Nobody waits for room: the less is
// free, the shorter the runs of records that are read, down to a length that each may have. So
// clients that take nothing make the others slower, and stop nobody. Pure.
#pragma once

#include <algorithm>
#include <cstdint>

namespace weir::broker {

class ReadRoom {
 public:
  // Each who asks is granted this much, whatever is free.
  static constexpr int64_t kLeast = 16 << 10;

  explicit ReadRoom(int64_t bytes) : bytes_(bytes) {}

  // How many of the `wanted` bytes may be read now; they are taken until they are given back.
  int64_t Take(int64_t wanted) {
    const int64_t most = std::max(kLeast, (bytes_ - taken_) / kPartOfFree);
    const int64_t granted = std::min(wanted, most);
    taken_ += granted;
    return granted;
  }
  // One batch may be larger than what was granted: that counts too.
  void TakeMore(int64_t bytes) { taken_ += bytes; }
  void GiveBack(int64_t bytes) { taken_ -= bytes; }

  int64_t taken() const { return taken_; }

 private:
  static constexpr int64_t kPartOfFree = 8;

  const int64_t bytes_;
  int64_t taken_ = 0;
};

}  // namespace weir::broker
