// SPDX-License-Identifier: Apache-2.0
// What the idempotent producers of a log have written last: a pure fold over batch headers, by
// which a retry is recognised. A value; leader and followers fold the same.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "common/base/error_code.h"
#include "common/base/ids.h"
#include "common/records/batch.h"

namespace weir::log {

class Producers {
 public:
  // A producer has at most this many batches under way (max.in.flight.requests.per.connection).
  static constexpr size_t kBatchesMax = 5;
  // Beyond it, the producer that wrote longest ago is forgotten: it may then begin anywhere.
  static constexpr size_t kProducersMax = 10'000;

  struct Batch {
    int32_t first_sequence = 0;
    int32_t last_sequence = 0;
    Offset first;
    Offset last;
    bool operator==(const Batch&) const = default;
  };
  struct Producer {
    ProducerEpoch epoch;
    // Of its last batch.
    Offset last;
    // Invariant: at most kBatchesMax, oldest first, sequences without a gap.
    std::vector<Batch> batches;
    bool operator==(const Producer&) const = default;
  };

  // Whether `header` may come next: the batch that it repeats, nothing if it is new, or
  // INVALID_PRODUCER_EPOCH, OUT_OF_ORDER_SEQUENCE_NUMBER.
  Answer<std::optional<Batch>> Judge(const records::BatchHeader& header) const;

  // The batch was written, with its offsets.
  void Apply(const records::BatchHeader& header);

  // One past the last batch that changed this fold: what is cut at or above it leaves it as it is.
  Offset changed_end() const { return changed_end_; }
  size_t size() const { return by_id_.size(); }

  const std::map<ProducerId, Producer>& by_id() const { return by_id_; }

  // The fold that these are of; nothing where they are of none.
  static std::optional<Producers> Restored(std::map<ProducerId, Producer> by_id,
                                           Offset changed_end);

  bool operator==(const Producers&) const = default;

 private:
  void Touch(ProducerId id, Producer& producer, Offset last);

  std::map<ProducerId, Producer> by_id_;
  // Invariant: one for each of by_id_, under its `last`.
  std::map<Offset, ProducerId> by_last_;
  Offset changed_end_;
};

}  // namespace weir::log
