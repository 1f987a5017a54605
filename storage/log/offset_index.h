// SPDX-License-Identifier: Apache-2.0
// Where a segment's batches lie, one in some 4096 bytes: Kafka's sparse offset index. A value; its
// file is Kafka's: entries of 8 bytes, relative offset and position.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/ids.h"

namespace weir::log {

class OffsetIndex {
 public:
  static constexpr uint64_t kIntervalBytes = 4096;

  explicit OffsetIndex(Offset base) : base_(base) {}

  // The batch that ends with `last` begins at `position`. Batches are told in their order.
  void Told(Offset last, uint64_t position, size_t bytes);

  // Where to begin to look for the batch that holds `offset`: at a batch's front, at or before it.
  uint64_t Floor(Offset offset) const;

  // Forgets all at and after `position`.
  void TruncateTo(uint64_t position);

  std::string Encode() const;
  // Nothing if `bytes` cannot be an index of a file of `file_bytes`.
  static std::optional<OffsetIndex> Decode(Offset base, std::string_view bytes,
                                           uint64_t file_bytes);

  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    int32_t last;  // Relative to the base.
    int32_t position;
  };

  Offset base_;
  // Invariant: both fields grow strictly.
  std::vector<Entry> entries_;
  uint64_t bytes_since_entry_ = 0;
};

}  // namespace weir::log
