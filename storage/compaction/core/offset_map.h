// SPDX-License-Identifier: Apache-2.0
// The last offset of each key, in bounded memory: open addressing over hashes of the keys, 24 bytes
// a slot, at most 90 of 100 in use. What it has no room for is told, never dropped.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string_view>

#include "common/base/ids.h"
#include "storage/compaction/core/key_hash.h"

namespace weir::compaction {

class OffsetMap {
 public:
  static constexpr size_t kSlotBytes = 24;
  static constexpr size_t kBytesMin = 64 * kSlotBytes;

  // Takes `bytes` of memory (kBytesMin at the least), which the system gives page by page as they
  // are used.
  OffsetMap(size_t bytes, KeyHasher hasher);

  // A record of `key` is at `offset`, later than all before. False where the key is not in the map
  // and finds no room: nothing has changed then.
  bool Put(std::string_view key, Offset offset);

  // Where the last record of `key` is that was put; nothing for a key that never was.
  std::optional<Offset> Latest(std::string_view key) const;

  size_t size() const { return used_; }
  // How many keys it takes.
  size_t capacity() const { return used_max_; }
  size_t bytes() const { return slots_count_ * kSlotBytes; }

 private:
  struct Slot {
    KeyHash key;
    // One more than the offset; 0: nobody has the slot, as memory comes from the system.
    int64_t place;
  };
  static_assert(sizeof(Slot) == kSlotBytes);
  struct Free {
    void operator()(Slot* slots) const { std::free(slots); }
  };

  size_t HomeOf(const KeyHash& key) const;
  // The slot of the key, or the free one where it would be.
  Slot& Find(const KeyHash& key) const;

  KeyHasher hasher_;
  size_t slots_count_;
  size_t used_max_;
  size_t used_ = 0;
  // Invariant: some slot is free, so that every search ends.
  std::unique_ptr<Slot[], Free> slots_;
};

}  // namespace weir::compaction
