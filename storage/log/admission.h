// SPDX-License-Identifier: Apache-2.0
// Whether a batch may enter a log, by its bytes alone: what a producer may write, and what a leader
// may send. Pure.
#pragma once

#include <vector>

#include "common/base/bytes.h"
#include "common/base/error_code.h"
#include "common/base/time.h"
#include "common/records/batch.h"
#include "storage/log/log.h"

namespace weir::log {

Answer<records::BatchHeader> AdmitFromProducer(const Bytes& batch, Origin origin,
                                               int32_t max_batch_bytes, WallTime now);

// Whether offsets may be missing between a leader's batches, as compaction leaves them.
enum class Gaps { kRefused, kAllowed };

// The batches that a leader sent, which must follow `end`, with epochs from `least` to `most` that
// never fall.
Answer<std::vector<records::BatchRun::Batch>> AdmitFromLeader(Bytes batches, Offset end,
                                                              LeaderEpoch least, LeaderEpoch most,
                                                              Gaps gaps);

}  // namespace weir::log
