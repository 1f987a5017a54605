// SPDX-License-Identifier: Apache-2.0
// Where a run of record batches ends, from their headers alone (Kafka's format, version 2).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/base/ids.h"

namespace weir::partition {

// The offset after the last record of `batches`; nothing if they are not whole batches, or none.
inline std::optional<Offset> EndOfBatches(std::string_view batches) {
  // base offset 8, length 4 (of what follows), leader epoch 4, magic 1, CRC 4, attributes 2,
  // last offset delta 4.
  constexpr size_t kLengthAt = 8;
  constexpr size_t kPrefix = 12;
  constexpr size_t kLastDeltaAt = 23;
  constexpr size_t kLeast = 27;
  auto number = [](std::string_view at, size_t bytes) {
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; ++i) value = value << 8 | static_cast<uint8_t>(at[i]);
    return value;
  };

  std::optional<Offset> end;
  while (!batches.empty()) {
    if (batches.size() < kLeast) return std::nullopt;
    const uint64_t size = kPrefix + number(batches.substr(kLengthAt), 4);
    if (size < kLeast || size > batches.size()) return std::nullopt;
    const auto base = static_cast<int64_t>(number(batches, 8));
    const auto last_delta = static_cast<int32_t>(number(batches.substr(kLastDeltaAt), 4));
    end = Offset(base + last_delta + 1);
    batches.remove_prefix(size);
  }
  return end;
}

}  // namespace weir::partition
