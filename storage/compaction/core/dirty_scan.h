// SPDX-License-Identifier: Apache-2.0
// The first half of a run: every dirty batch once, in order, into the map of keys. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/records/batch.h"
#include "storage/compaction/core/offset_map.h"
#include "storage/compaction/core/record_runs.h"

namespace weir::compaction {

class DirtyScan {
 public:
  // Records below `first_dirty` were looked at by earlier runs. `map` is empty, and outlives this.
  DirtyScan(Offset first_dirty, OffsetMap* map)
      : first_dirty_(first_dirty), mapped_end_(first_dirty), map_(map) {}

  // Takes the next batch, whole and with a checksum that is right. False when the scan has ended
  // before its last record: the map is full, or the batch is of a transaction.
  bool Take(const records::BatchHeader& header, std::string_view batch);

  // All that was to be taken was, up to `end`.
  void ReachedEnd(Offset end);

  // The last record of each key below it is in the map; with ReachedEnd, or where the scan ended.
  Offset mapped_end() const { return mapped_end_; }
  int64_t records() const { return records_; }
  // Batches whose records nobody can read, though they are what their producer sent: where they
  // were taken unread. Whatever their keys are, they supersede nothing.
  int64_t unreadable() const { return unreadable_; }

  // The last batch, by its last offset, of each producer that wrote what was taken.
  const std::map<ProducerId, Offset>& last_of_producers() const { return last_of_producers_; }

 private:
  const Offset first_dirty_;
  Offset mapped_end_;
  OffsetMap* const map_;
  int64_t records_ = 0;
  int64_t unreadable_ = 0;
  std::map<ProducerId, Offset> last_of_producers_;
  std::string room_;
  std::vector<RecordRun> runs_;
};

}  // namespace weir::compaction
