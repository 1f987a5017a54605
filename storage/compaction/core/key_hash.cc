// SPDX-License-Identifier: Apache-2.0
#include "storage/compaction/core/key_hash.h"

#include <bit>
#include <cstring>

namespace weir::compaction {
namespace {

// Eight bytes, or the last few of a key, in the order that SipHash was defined in.
uint64_t LoadLittleEndian(const char* from, size_t size) {
  uint64_t value = 0;
  std::memcpy(&value, from, size);
  if constexpr (std::endian::native == std::endian::big) value = std::byteswap(value);
  return value;
}

struct SipState {
  uint64_t v0, v1, v2, v3;

  void Rounds(int count) {
    for (int i = 0; i < count; ++i) {
      v0 += v1;
      v1 = std::rotl(v1, 13) ^ v0;
      v0 = std::rotl(v0, 32);
      v2 += v3;
      v3 = std::rotl(v3, 16) ^ v2;
      v0 += v3;
      v3 = std::rotl(v3, 21) ^ v0;
      v2 += v1;
      v1 = std::rotl(v1, 17) ^ v2;
      v2 = std::rotl(v2, 32);
    }
  }
  void Take(uint64_t word) {
    v3 ^= word;
    Rounds(2);
    v0 ^= word;
  }
  uint64_t Sum() const { return v0 ^ v1 ^ v2 ^ v3; }
};

}  // namespace

KeyHash KeyHasher::Of(std::string_view key) const {
  // The constants are those of the paper, "SipHash: a fast short-input PRF", 2012; 0xee and 0xdd
  // those of its variant of 128 bits.
  SipState state{secret_first_ ^ 0x736f6d6570736575, secret_second_ ^ 0x646f72616e646f6d ^ 0xee,
                 secret_first_ ^ 0x6c7967656e657261, secret_second_ ^ 0x7465646279746573};
  size_t whole = key.size() / 8 * 8;
  for (size_t at = 0; at < whole; at += 8) state.Take(LoadLittleEndian(key.data() + at, 8));
  uint64_t last = static_cast<uint64_t>(key.size()) << 56;
  if (whole < key.size()) last |= LoadLittleEndian(key.data() + whole, key.size() - whole);
  state.Take(last);
  state.v2 ^= 0xee;
  state.Rounds(4);
  KeyHash hash{state.Sum(), 0};
  state.v1 ^= 0xdd;
  state.Rounds(4);
  hash.second = state.Sum();
  return hash;
}

}  // namespace weir::compaction
