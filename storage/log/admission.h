// SPDX-License-Identifier: Apache-2.0
// Whether a batch may enter a log, and in which form: what a producer may write, and what a leader
// may send. Pure.
//
// Compressed records are taken unread wherever nothing has to be known of them: where the topic
// asks for no keys, no other compression and no oldest timestamp. Kafka reads them always, skipping
// keys and values, to count them and to find the largest timestamp. Here the producer's header is
// believed for both. Neither can harm the log: retention goes by the header alone, which is held to
// the bound, and a reader finds a wrong count by itself.
#pragma once

#include <vector>

#include "common/base/bytes.h"
#include "common/base/error_code.h"
#include "common/base/time.h"
#include "common/records/batch.h"
#include "storage/log/log.h"

namespace weir::log {

// A producer's batch, as it is to be written but for its offset and its leader epoch.
struct Admitted {
  records::BatchHeader header;
  // The header's bytes, and those of its records.
  Bytes front;
  Bytes rest;

  // With them.
  Pieces Stamped(Offset base_offset, LeaderEpoch epoch) const;
};

// `max_batch_bytes` holds for the batch as it comes, and for what becomes of it.
Answer<Admitted> AdmitFromProducer(Bytes batch, Origin origin, const AdmissionRules& rules,
                                   int32_t max_batch_bytes, WallTime now);

// Whether offsets may be missing between a leader's batches, as compaction leaves them.
enum class Gaps { kRefused, kAllowed };

// The batches that a leader sent, which must follow `end`, with epochs from `least` to `most` that
// never fall.
Answer<std::vector<records::BatchRun::Batch>> AdmitFromLeader(Bytes batches, Offset end,
                                                              LeaderEpoch least, LeaderEpoch most,
                                                              Gaps gaps);

}  // namespace weir::log
