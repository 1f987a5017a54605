// SPDX-License-Identifier: Apache-2.0
// The second half of a run: every batch of the log once, in order, and what is to stay of it. Pure.
//
// What stays keeps its offsets, its timestamps and its batch: base offset, last offset, epoch,
// producer, sequences, codec. A tombstone stays for delete.retention.ms after the first run that
// saw it; that run writes the time into the batch, where its base timestamp was (KIP-534).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/bytes.h"
#include "common/records/batch.h"
#include "storage/compaction/core/offset_map.h"
#include "storage/compaction/core/record_runs.h"

namespace weir::compaction {

// The batches, by their last offsets, that a log remembers of each of its producers.
using ProducerBatches = std::map<ProducerId, std::vector<Offset>>;

struct FilterScope {
  // The last offset of each key from the first dirty record to `mapped_end`.
  const OffsetMap* map = nullptr;
  Offset mapped_end;
  WallTime now;
  int64_t delete_retention_ms = 0;
  ProducerBatches producers;
  // Of what is dirty: see DirtyScan.
  std::map<ProducerId, Offset> last_of_producers;
};

class BatchFilter {
 public:
  enum class Fate {
    kKept,     // As it was.
    kChanged,  // With fewer records, or with a delete horizon.
    kEmptied,  // Its header alone.
    kDropped,
  };
  struct Verdict {
    Fate fate = Fate::kKept;
    // What stays: the batch that was judged, or another; empty where it is dropped.
    Bytes batch;
  };
  struct Tally {
    int64_t batches = 0;
    int64_t records = 0;
    int64_t records_kept = 0;
    // Kept as they are, for nobody can read their records: see DirtyScan.
    int64_t unreadable = 0;
  };

  explicit BatchFilter(FilterScope scope) : scope_(std::move(scope)) {}

  // `batch` is whole, with a checksum that is right, and the next one of the log. `closes_segment`:
  // nothing comes after it in what is written. It may grow by `room` bytes.
  Verdict Judge(const records::BatchHeader& header, const Bytes& batch, bool closes_segment,
                uint64_t room);

  const Tally& tally() const { return tally_; }

 private:
  Verdict Keep(const records::BatchHeader& header, const Bytes& batch);
  // There are tombstones among runs_, and all of them have done their work: what they delete goes
  // with this run at the latest.
  bool HasTombstonesThatAreMapped() const;
  bool Stays(const records::BatchHeader& header, const RecordRun& record) const;
  bool StaysEmpty(const records::BatchHeader& header, bool closes_segment, bool begins_epoch) const;
  bool IsOfActiveProducer(const records::BatchHeader& header) const;

  const FilterScope scope_;
  // Of the batch before.
  LeaderEpoch epoch_ = kNoLeaderEpoch;
  Tally tally_;
  std::string room_;
  // The records of the batch that stay.
  std::vector<RecordRun> runs_;
};

}  // namespace weir::compaction
