// SPDX-License-Identifier: Apache-2.0
// CRC-32C (Castagnoli), as record batches and our own files use it.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir::codec {

// `before` is the sum of the bytes that come before, so that a sum can be taken piece by piece.
uint32_t Crc32c(std::string_view bytes, uint32_t before = 0);

}  // namespace weir::codec
