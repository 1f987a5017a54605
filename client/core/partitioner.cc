// SPDX-License-Identifier: Apache-2.0
#include "client/core/partitioner.h"

namespace weir::client {

uint32_t Murmur2(std::string_view bytes) {
  constexpr uint32_t kSeed = 0x9747b28c;
  constexpr uint32_t kMultiplier = 0x5bd1e995;
  constexpr int kShift = 24;
  auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(bytes[i])); };

  uint32_t hash = kSeed ^ static_cast<uint32_t>(bytes.size());
  size_t at = 0;
  for (; at + 4 <= bytes.size(); at += 4) {
    uint32_t word = byte(at) | byte(at + 1) << 8 | byte(at + 2) << 16 | byte(at + 3) << 24;
    word *= kMultiplier;
    word ^= word >> kShift;
    word *= kMultiplier;
    hash = hash * kMultiplier ^ word;
  }
  switch (bytes.size() - at) {
    case 3:
      hash ^= byte(at + 2) << 16;
      [[fallthrough]];
    case 2:
      hash ^= byte(at + 1) << 8;
      [[fallthrough]];
    case 1:
      hash ^= byte(at);
      hash *= kMultiplier;
      break;
    default:
      break;
  }
  hash ^= hash >> 13;
  hash *= kMultiplier;
  hash ^= hash >> 15;
  return hash;
}

PartitionIndex PartitionOfKey(std::string_view key, int32_t partitions) {
  return PartitionIndex(static_cast<int32_t>(Murmur2(key) & 0x7fffffff) % partitions);
}

}  // namespace weir::client
