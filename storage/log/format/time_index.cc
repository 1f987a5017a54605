// SPDX-License-Identifier: Apache-2.0
#include "storage/log/format/time_index.h"

#include <glog/logging.h>

#include <algorithm>

#include "common/codec/reader.h"
#include "common/codec/writer.h"

namespace weir::log {

bool TimeIndex::MaybeAdd(WallTime at, Offset last) {
  if (at <= largest()) return false;
  Entry entry{at, static_cast<int32_t>(last - base_)};
  if (!entries_.empty()) CHECK_GT(entry.last, entries_.back().last);
  entries_.push_back(entry);
  return true;
}

std::optional<Offset> TimeIndex::LastBefore(WallTime at) const {
  auto after = std::lower_bound(entries_.begin(), entries_.end(), at,
                                [](const Entry& entry, WallTime t) { return entry.largest < t; });
  if (after == entries_.begin()) return std::nullopt;
  return base_ + (after - 1)->last;
}

void TimeIndex::TruncateTo(Offset last) {
  while (!entries_.empty() && base_ + entries_.back().last > last) entries_.pop_back();
}

std::string TimeIndex::Encode(size_t entries) const {
  CHECK_LE(entries, entries_.size());
  std::string out;
  out.reserve(entries * kEntryBytes);
  codec::Writer writer(&out);
  for (size_t i = 0; i < entries; ++i) {
    writer.Fixed(entries_[i].largest.ms);
    writer.Fixed(entries_[i].last);
  }
  return out;
}

std::optional<TimeIndex> TimeIndex::Decode(Offset base, std::string_view bytes, Offset end) {
  if (bytes.size() % kEntryBytes != 0) return std::nullopt;
  TimeIndex index(base);
  index.entries_.reserve(bytes.size() / kEntryBytes);
  codec::Reader in(bytes);
  Entry before{{-1}, -1};
  while (!in.rest().empty()) {
    Entry entry{{in.Fixed<int64_t>()}, in.Fixed<int32_t>()};
    if (entry.largest <= before.largest || entry.last <= before.last) return std::nullopt;
    if (base + entry.last >= end) return std::nullopt;
    index.entries_.push_back(before = entry);
  }
  return index;
}

}  // namespace weir::log
