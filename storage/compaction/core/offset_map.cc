// SPDX-License-Identifier: Apache-2.0
#include "storage/compaction/core/offset_map.h"

#include <glog/logging.h>

#include <algorithm>

#include "common/base/planted_bug.h"

namespace weir::compaction {

OffsetMap::OffsetMap(size_t bytes, KeyHasher hasher)
    : hasher_(hasher),
      slots_count_(std::max(bytes, kBytesMin) / kSlotBytes),
      used_max_(slots_count_ / 10 * 9),
      // calloc takes large memory from the system as pages of zeros, which cost when first touched.
      slots_(static_cast<Slot*>(std::calloc(slots_count_, kSlotBytes))) {
  CHECK(slots_ != nullptr) << "no memory for an offset map of " << bytes << " bytes";
  CHECK_LT(used_max_, slots_count_);
}

bool OffsetMap::Put(std::string_view key, Offset offset) {
  CHECK_GE(offset, Offset(0));
  KeyHash hash = hasher_.Of(key);
  Slot& slot = Find(hash);
  if (slot.place == 0) {
    if (used_ == used_max_) {
      if (!PLANTED_BUG("compaction: a full map takes another key's place")) return false;
      Slot& taken = slots_[HomeOf(hash)];
      if (taken.place != 0) taken.place = offset.value() + 1;
      return true;
    }
    slot.key = hash;
    ++used_;
  }
  slot.place = std::max(slot.place, offset.value() + 1);
  return true;
}

std::optional<Offset> OffsetMap::Latest(std::string_view key) const {
  const Slot& slot = Find(hasher_.Of(key));
  if (slot.place == 0) return std::nullopt;
  return Offset(slot.place - 1);
}

size_t OffsetMap::HomeOf(const KeyHash& key) const {
  // The hash as a fraction of all hashes: no division, and any number of slots.
  return static_cast<size_t>(static_cast<unsigned __int128>(key.first) * slots_count_ >> 64);
}

OffsetMap::Slot& OffsetMap::Find(const KeyHash& key) const {
  size_t at = HomeOf(key);
  while (slots_[at].place != 0 && slots_[at].key != key) {
    if (++at == slots_count_) at = 0;
  }
  return slots_[at];
}

}  // namespace weir::compaction
