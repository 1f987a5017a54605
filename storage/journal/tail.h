// SPDX-License-Identifier: Apache-2.0
// What the journal holds of one partition, after a start: a fold over its records. The segments may
// lack any of it. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "storage/journal/record.h"
#include "storage/journal/ring.h"

namespace weir::journal {

// Batches as they lie in the journal's file.
struct Extent {
  uint64_t position = 0;
  uint32_t length = 0;
  Offset base;
  // What was cut afterwards may still be there: batches from here on are void.
  Offset end;
  LeaderEpoch epoch;
  bool operator==(const Extent&) const = default;
};

// To be carried out in this order; each step does no harm where the segments have it already.
struct Tail {
  // Empty the log, and let it begin here.
  std::optional<Offset> restart;
  // Cut what the segments have from here on.
  std::optional<Offset> cut;
  // Append what lies above the segments' end: one after the other, without a gap.
  std::vector<Extent> extents;

  bool empty() const { return !restart && !cut && extents.empty(); }
  bool operator==(const Tail&) const = default;
};

class TailFold {
 public:
  struct Found {
    Tail tail;
    // Of its oldest and its newest record that are still needed.
    Ticket first;
    Ticket last;
    // Where the log ends that the records speak of.
    std::optional<Offset> end;
  };

  // The next record, whose batches lie at `position` of the file. Says what is wrong; empty where
  // nothing is.
  std::string Apply(const RecordHead& head, uint64_t position, Ticket ticket);

  // Those that have anything.
  std::map<PartitionId, Found> Take();

 private:
  static std::string Append(Found& found, const Extent& extent);
  static void Cut(Found& found, Offset end);

  std::map<PartitionId, Found> found_;
};

}  // namespace weir::journal
