// SPDX-License-Identifier: Apache-2.0
// How the largest timestamp of a segment grew: Kafka's sparse time index. A value; its file is
// Kafka's: entries of 12 bytes, timestamp and relative offset. An entry says that nothing up to its
// offset, which ends a batch, has a larger timestamp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/ids.h"
#include "common/base/time.h"

namespace weir::log {

class TimeIndex {
 public:
  static constexpr size_t kEntryBytes = 12;

  explicit TimeIndex(Offset base) : base_(base) {}

  // The batch that ends with `last` has the largest timestamp so far. Adds nothing where that is
  // no larger than the last entry's. Whether an entry was added.
  bool MaybeAdd(WallTime largest, Offset last);

  // Nothing at or before the returned offset, if there is one, has a timestamp of `at` or later.
  std::optional<Offset> LastBefore(WallTime at) const;

  // Forgets the entries whose batch ends after `last`.
  void TruncateTo(Offset last);

  // The first `entries` of it.
  std::string Encode(size_t entries) const;
  // Nothing if `bytes` cannot be an index of a segment with offsets from `base` up to `end`.
  static std::optional<TimeIndex> Decode(Offset base, std::string_view bytes, Offset end);

  // Of the last entry; -1 where there is none.
  WallTime largest() const { return entries_.empty() ? WallTime{-1} : entries_.back().largest; }
  // Where the batch with the largest timestamp ends; the base where there is no entry.
  Offset largest_at() const { return entries_.empty() ? base_ : base_ + entries_.back().last; }
  size_t size() const { return entries_.size(); }
  bool operator==(const TimeIndex&) const = default;

 private:
  struct Entry {
    WallTime largest;
    int32_t last;  // Relative to the base.
    bool operator==(const Entry&) const = default;
  };

  Offset base_;
  // Invariant: both fields grow strictly.
  std::vector<Entry> entries_;
};

}  // namespace weir::log
