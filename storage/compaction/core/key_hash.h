// SPDX-License-Identifier: Apache-2.0
// A record's key as 128 bits: SipHash-2-4-128 under a secret that each run draws anew.
//
// Two keys of one hash would cost one of them its last record, and clients choose the keys. Kafka
// takes MD5, for which colliding keys are made in seconds; a hash that costs what SHA-256 costs
// would be most of a run's work. Under a secret nobody can look for collisions, and short keys cost
// nanoseconds. OpenSSL has SipHash too, behind some allocations for each key: it gave the vectors
// of the test.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir::compaction {

struct KeyHash {
  uint64_t first = 0;
  uint64_t second = 0;
  bool operator==(const KeyHash&) const = default;
};

class KeyHasher {
 public:
  // The secret, 128 bits of chance.
  KeyHasher(uint64_t secret_first, uint64_t secret_second)
      : secret_first_(secret_first), secret_second_(secret_second) {}

  KeyHash Of(std::string_view key) const;

 private:
  uint64_t secret_first_;
  uint64_t secret_second_;
};

}  // namespace weir::compaction
