// SPDX-License-Identifier: Apache-2.0
#include "controller/quorum/entry_cache.h"

#include <utility>

namespace weir::quorum {

void EntryCache::Append(LogEntry entry) {
  if (!entries_.empty() && entry.index != entries_.back().index + 1) Clear();
  bytes_ += entry.payload.size();
  entries_.push_back(std::move(entry));
}

void EntryCache::Clear() {
  entries_.clear();
  bytes_ = 0;
}

void EntryCache::TruncateFrom(LogIndex from) {
  while (!entries_.empty() && entries_.back().index >= from) {
    bytes_ -= entries_.back().payload.size();
    entries_.pop_back();
  }
}

void EntryCache::Trim(LogIndex needed) {
  while (bytes_ > bytes_max_ && !entries_.empty() && entries_.front().index <= needed) {
    bytes_ -= entries_.front().payload.size();
    entries_.pop_front();
  }
}

const LogEntry* EntryCache::Find(LogIndex index) const {
  if (entries_.empty() || index < entries_.front().index || index > entries_.back().index) {
    return nullptr;
  }
  return &entries_[static_cast<size_t>(index - entries_.front().index)];
}

std::optional<std::vector<LogEntry>> EntryCache::Read(LogIndex from, LogIndex to,
                                                      size_t max_bytes) const {
  std::vector<LogEntry> read;
  size_t bytes = 0;
  for (LogIndex index = from; index <= to; ++index) {
    const LogEntry* entry = Find(index);
    if (entry == nullptr) break;
    bytes += entry->payload.size();
    if (!read.empty() && bytes > max_bytes) break;
    read.push_back(*entry);
  }
  if (read.empty()) return std::nullopt;
  return read;
}

}  // namespace weir::quorum
