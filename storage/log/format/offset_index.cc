// SPDX-License-Identifier: Apache-2.0
#include "storage/log/format/offset_index.h"

#include <glog/logging.h>

#include <algorithm>

#include "common/codec/reader.h"
#include "common/codec/writer.h"

namespace weir::log {

void OffsetIndex::Add(Offset last, uint64_t position) {
  Entry entry{static_cast<int32_t>(last - base_), static_cast<int32_t>(position)};
  if (!entries_.empty()) {
    CHECK_GT(entry.last, entries_.back().last);
    CHECK_GT(entry.position, entries_.back().position);
  }
  entries_.push_back(entry);
}

uint64_t OffsetIndex::Floor(Offset offset) const {
  // The batch of the last entry at or below `offset` ends there or before it.
  auto after =
      std::upper_bound(entries_.begin(), entries_.end(), offset - base_,
                       [](int64_t relative, const Entry& entry) { return relative < entry.last; });
  return after == entries_.begin() ? 0 : static_cast<uint64_t>((after - 1)->position);
}

std::optional<Offset> OffsetIndex::LastOf(uint64_t position) const {
  auto at = std::ranges::lower_bound(entries_, static_cast<int64_t>(position), {},
                                     [](const Entry& entry) { return int64_t{entry.position}; });
  if (at == entries_.end() || static_cast<uint64_t>(at->position) != position) return std::nullopt;
  return base_ + at->last;
}

std::optional<uint64_t> OffsetIndex::PositionAfter(uint64_t position) const {
  auto after = std::ranges::upper_bound(entries_, static_cast<int64_t>(position), {},
                                        [](const Entry& entry) { return int64_t{entry.position}; });
  if (after == entries_.end()) return std::nullopt;
  return static_cast<uint64_t>(after->position);
}

void OffsetIndex::TruncateTo(uint64_t position) {
  while (!entries_.empty() && static_cast<uint64_t>(entries_.back().position) >= position) {
    entries_.pop_back();
  }
}

std::optional<uint64_t> OffsetIndex::last_position() const {
  if (entries_.empty()) return std::nullopt;
  return static_cast<uint64_t>(entries_.back().position);
}

Offset OffsetIndex::last_offset() const {
  CHECK(!entries_.empty());
  return base_ + entries_.back().last;
}

std::string OffsetIndex::Encode(size_t entries) const {
  CHECK_LE(entries, entries_.size());
  std::string out;
  out.reserve(entries * kEntryBytes);
  codec::Writer writer(&out);
  for (size_t i = 0; i < entries; ++i) {
    writer.Fixed(entries_[i].last);
    writer.Fixed(entries_[i].position);
  }
  return out;
}

std::optional<OffsetIndex> OffsetIndex::Decode(Offset base, std::string_view bytes,
                                               uint64_t file_bytes) {
  if (bytes.size() % kEntryBytes != 0) return std::nullopt;
  OffsetIndex index(base);
  index.entries_.reserve(bytes.size() / kEntryBytes);
  codec::Reader in(bytes);
  Entry before{-1, 0};
  while (!in.rest().empty()) {
    Entry entry{in.Fixed<int32_t>(), in.Fixed<int32_t>()};
    if (entry.last <= before.last || entry.position <= before.position) return std::nullopt;
    if (static_cast<uint64_t>(entry.position) >= file_bytes) return std::nullopt;
    index.entries_.push_back(before = entry);
  }
  return index;
}

}  // namespace weir::log
