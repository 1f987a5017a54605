// SPDX-License-Identifier: Apache-2.0
// Where some of a segment's batches lie: Kafka's sparse offset index. A value; its file is Kafka's:
// entries of 8 bytes, relative offset and position.
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
  static constexpr size_t kEntryBytes = 8;

  explicit OffsetIndex(Offset base) : base_(base) {}

  // The batch that ends with `last` begins at `position`. Both grow from entry to entry.
  void Add(Offset last, uint64_t position);

  // Where to begin to look for the batch that holds `offset`: at a batch's front, at or before it.
  uint64_t Floor(Offset offset) const;

  // The last offset of the batch at `position`; nothing where that has no entry.
  std::optional<Offset> LastOf(uint64_t position) const;
  // Where the first batch behind `position` begins that has an entry.
  std::optional<uint64_t> PositionAfter(uint64_t position) const;

  // Forgets all at and after `position`.
  void TruncateTo(uint64_t position);

  // The last entry's batch: where it begins; nothing where there is no entry.
  std::optional<uint64_t> last_position() const;
  // Its last offset; CHECKs that there is one.
  Offset last_offset() const;

  // The first `entries` of it.
  std::string Encode(size_t entries) const;
  // Nothing if `bytes` cannot be an index of a file of `file_bytes`.
  static std::optional<OffsetIndex> Decode(Offset base, std::string_view bytes,
                                           uint64_t file_bytes);

  size_t size() const { return entries_.size(); }
  bool operator==(const OffsetIndex&) const = default;

 private:
  struct Entry {
    int32_t last;  // Relative to the base.
    int32_t position;
    bool operator==(const Entry&) const = default;
  };

  Offset base_;
  // Invariant: both fields grow strictly.
  std::vector<Entry> entries_;
};

}  // namespace weir::log
