// SPDX-License-Identifier: Apache-2.0
// What the journal holds of one partition, after a start: a fold over its records. The segments may
// lack any of it. Pure.
#pragma once

#include <cstdint>
#include <map>
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
  Offset end;
  LeaderEpoch epoch;
  bool operator==(const Extent&) const = default;
};

// What the segments may lack: one behind the other, without a gap.
using Tail = std::vector<Extent>;

class TailFold {
 public:
  struct Found {
    Tail tail;
    // Of its oldest and its newest record that are still needed.
    Ticket first;
    Ticket last;
  };

  // The next record, whose batches lie at `position` of the file. Says what is wrong; empty where
  // nothing is.
  std::string Apply(const RecordHead& head, uint64_t position, Ticket ticket);

  // Those that have anything.
  std::map<PartitionId, Found> Take();

 private:
  std::map<PartitionId, Found> found_;
};

}  // namespace weir::journal
