// SPDX-License-Identifier: Apache-2.0
// Which partitions' segments still lack, on stable storage, what the journal holds: by that a frame
// is needed or not. A few words for each partition, however much it appends. Pure.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "common/base/ids.h"
#include "storage/journal/ring.h"

namespace weir::journal {

class Unsynced {
 public:
  // The journal was told a record of `partition`; tickets grow.
  void Told(const PartitionId& partition, Ticket ticket);
  // The segments of `partition` hold, synced, all that was told of it up to `mark`.
  void Synced(const PartitionId& partition, Ticket mark);

  // No record before this one is needed; nothing where none is.
  std::optional<Ticket> oldest() const;
  // The partitions that need a record up to `last`, those with the oldest first.
  std::vector<PartitionId> OldestUpTo(Ticket last, size_t most) const;
  bool Needs(const PartitionId& partition) const { return spans_.contains(partition); }

 private:
  // Nothing before `first` is needed, and nothing was told after `last`.
  struct Span {
    Ticket first;
    Ticket last;
  };

  std::map<PartitionId, Span> spans_;
  // The same by `first`.
  std::set<std::pair<Ticket, PartitionId>> order_;
};

}  // namespace weir::journal
