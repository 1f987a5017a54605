// SPDX-License-Identifier: Apache-2.0
// Fixed-width integers in network order, at any alignment.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>

namespace weir::codec {

// The caller knows that sizeof(T) bytes are there.
template <std::integral T>
T LoadBigEndian(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  if constexpr (std::endian::native == std::endian::little) value = std::byteswap(value);
  return value;
}

template <std::integral T>
void StoreBigEndian(T value, char* to) {
  if constexpr (std::endian::native == std::endian::little) value = std::byteswap(value);
  std::memcpy(to, &value, sizeof value);
}

}  // namespace weir::codec
