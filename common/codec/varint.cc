// SPDX-License-Identifier: Apache-2.0
#include "common/codec/varint.h"

#include <algorithm>
#include <limits>

namespace weir::codec {
namespace {

uint64_t ZigZag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}

int64_t UnZigZag(uint64_t value) {
  return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
}

// The raw 7-bit groups, least significant first.
std::optional<uint64_t> TakeGroups(std::string_view* in, size_t bytes_max) {
  uint64_t value = 0;
  size_t available = std::min(in->size(), bytes_max);
  for (size_t i = 0; i < available; ++i) {
    auto byte = static_cast<uint8_t>((*in)[i]);
    // The tenth byte has room for one bit.
    if (i + 1 == kVarlongBytesMax && byte > 1) return std::nullopt;
    value |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
    if ((byte & 0x80) == 0) {
      in->remove_prefix(i + 1);
      return value;
    }
  }
  return std::nullopt;
}

}  // namespace

void AppendVarlong(int64_t value, std::string* out) {
  uint64_t rest = ZigZag(value);
  while (rest >= 0x80) {
    out->push_back(static_cast<char>(rest | 0x80));
    rest >>= 7;
  }
  out->push_back(static_cast<char>(rest));
}

// Sign extension before the zig-zag changes nothing: both widths have the same bytes.
void AppendVarint(int32_t value, std::string* out) { AppendVarlong(value, out); }

size_t VarlongSize(int64_t value) {
  size_t size = 1;
  for (uint64_t rest = ZigZag(value); rest >= 0x80; rest >>= 7) ++size;
  return size;
}

std::optional<int64_t> TakeVarlong(std::string_view* in) {
  auto groups = TakeGroups(in, kVarlongBytesMax);
  if (!groups) return std::nullopt;
  return UnZigZag(*groups);
}

std::optional<int32_t> TakeVarint(std::string_view* in) {
  std::string_view rest = *in;
  auto groups = TakeGroups(&rest, kVarintBytesMax);
  if (!groups || *groups > std::numeric_limits<uint32_t>::max()) return std::nullopt;
  *in = rest;
  return static_cast<int32_t>(UnZigZag(*groups));
}

}  // namespace weir::codec
