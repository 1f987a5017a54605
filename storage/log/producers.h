// SPDX-License-Identifier: Apache-2.0
// What the idempotent producers of a log have written last: a pure fold over batch headers, by
// which a retry is recognised. A value; leader and followers fold the same, from whatever batch on
// they began.
//
// Forgetting is apart from the fold: it may happen at any time, on any replica, and only ever makes
// a producer unknown, which may then begin anywhere. Where the leader had forgotten one, the batch
// that it took from it says so (another sequence than the next, or an older epoch), and whoever
// folds that batch forgets what came before it too.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "common/base/error_code.h"
#include "common/base/ids.h"
#include "common/base/time.h"
#include "common/records/batch.h"

namespace weir::log {

class Producers {
 public:
  // A producer has at most this many batches under way (max.in.flight.requests.per.connection).
  static constexpr size_t kBatchesMax = 5;
  // Beyond it, the producer that wrote longest ago is forgotten: whoever is not known may then
  // begin anywhere.
  static constexpr size_t kProducersMax = 10'000;

  struct Batch {
    int32_t first_sequence = 0;
    int32_t last_sequence = 0;
    Offset first;
    Offset last;
    // The largest of its records.
    WallTime timestamp{-1};
    bool operator==(const Batch&) const = default;
  };
  struct Producer {
    ProducerEpoch epoch;
    // Of its last batch, or the last marker for it.
    Offset last;
    WallTime timestamp{-1};
    // Invariant: at most kBatchesMax, oldest first, sequences without a gap.
    std::vector<Batch> batches;
    bool operator==(const Producer&) const = default;
  };

  // Whether `header` may come next: the batch that it repeats, nothing if it is new, or
  // INVALID_PRODUCER_EPOCH, OUT_OF_ORDER_SEQUENCE_NUMBER, UNKNOWN_PRODUCER_ID.
  Answer<std::optional<Batch>> Judge(const records::BatchHeader& header) const;

  // The batch was written, with its offsets.
  void Apply(const records::BatchHeader& header);

  // It is `now`: forgets whoever wrote nothing since a call that is `after` ago, or longer. What
  // counts is when a batch was seen here, not its timestamps: old records that are copied into a
  // log have old ones, and their producers are none the less at work. To be told now and then; a
  // fold that was never told forgets nobody by time.
  void Forget(WallTime now, Duration after);

  // One past the last batch that changed this fold: what is cut at or above it leaves it as it is.
  Offset changed_end() const { return changed_end_; }
  size_t size() const { return by_id_.size(); }
  const std::map<ProducerId, Producer>& by_id() const { return by_id_; }

  // The fold that these are of; nothing where they are of none.
  static std::optional<Producers> Restored(std::map<ProducerId, Producer> by_id,
                                           Offset changed_end);

  // Of the folds alone.
  friend bool operator==(const Producers& a, const Producers& b) {
    return a.by_id_ == b.by_id_ && a.changed_end_ == b.changed_end_;
  }

 private:
  // All below `end` had been written when it was `at`.
  struct Sight {
    WallTime at;
    Offset end;
  };

  Answer<std::optional<Batch>> JudgeUnknown(const records::BatchHeader& header) const;
  void Touch(ProducerId id, Producer& producer, Offset last);
  void ForgetOldest();

  std::map<ProducerId, Producer> by_id_;
  // Invariant: one for each of by_id_, under its `last`.
  std::map<Offset, ProducerId> by_last_;
  Offset changed_end_;
  // Invariant: oldest first, and a bounded number; no end is beyond changed_end_.
  std::vector<Sight> sights_;
};

}  // namespace weir::log
