// SPDX-License-Identifier: Apache-2.0
// The newest entries of the log, in memory: what is not saved yet, and as much more as fits.
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "controller/quorum/quorum_log.h"

namespace weir::quorum {

class EntryCache {
 public:
  explicit EntryCache(size_t bytes_max) : bytes_max_(bytes_max) {}

  // The next entry; after a gap the cache begins anew with it.
  void Append(LogEntry entry);
  void TruncateFrom(LogIndex from);
  void Clear();
  // Drops the oldest while there are too many bytes, but none after `needed`.
  void Trim(LogIndex needed);

  // Entries [from, to], up to `max_bytes` of payload but at least one; nothing if `from` is not
  // here.
  std::optional<std::vector<LogEntry>> Read(LogIndex from, LogIndex to, size_t max_bytes) const;
  const LogEntry* Find(LogIndex index) const;

 private:
  const size_t bytes_max_;
  size_t bytes_ = 0;
  // Contiguous.
  std::deque<LogEntry> entries_;
};

}  // namespace weir::quorum
