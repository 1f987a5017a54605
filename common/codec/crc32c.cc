// SPDX-License-Identifier: Apache-2.0
#include "common/codec/crc32c.h"

#include <isa-l/crc.h>

#include <algorithm>

namespace weir::codec {

uint32_t Crc32c(std::string_view bytes, uint32_t before) {
  // The library counts in int.
  constexpr size_t kPieceMax = 1u << 30;
  uint32_t state = ~before;
  while (!bytes.empty()) {
    std::string_view piece = bytes.substr(0, kPieceMax);
    bytes.remove_prefix(piece.size());
    // It only reads, though its type does not say so.
    auto* start = reinterpret_cast<unsigned char*>(const_cast<char*>(piece.data()));
    state = crc32_iscsi(start, static_cast<int>(piece.size()), state);
  }
  return ~state;
}

}  // namespace weir::codec
