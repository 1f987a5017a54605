// SPDX-License-Identifier: Apache-2.0
// One run over one log: reads what is dirty into a map of its keys, then writes anew, a group of
// segments after the other, what is to stay of all that lies below. One strand; each piece of it is
// small, and what comes between pieces goes on.
//
// A run that is broken off, by a crash as well, leaves a log that is right: some of its groups are
// clean, and a later run does them all again.
#pragma once

#include <cstdint>
#include <memory>

#include "common/host/host.h"
#include "common/host/task.h"
#include "storage/compaction/core/plan.h"
#include "storage/compaction/core/throttle.h"
#include "storage/compaction/driver/cleanable_log.h"
#include "storage/compaction/driver/run_stop.h"

namespace weir::compaction {

struct RunOptions {
  // What the map of keys may take. Where it is too small for all that is dirty, the run cleans up
  // to where it was full.
  size_t map_bytes = size_t{32} << 20;
  // What is read or written at once.
  size_t piece_bytes = size_t{256} << 10;
};

struct RunReport {
  // The log is clean up to here.
  Offset clean_end;
  // Of the segments that were judged.
  uint64_t bytes_before = 0;
  uint64_t bytes_after = 0;
  int64_t records_before = 0;
  int64_t records_after = 0;
  // Batches that stay as they are, for nobody can read their records.
  int64_t unreadable = 0;
  // Of what was dirty.
  int64_t records_mapped = 0;
  size_t keys = 0;
  size_t map_bytes = 0;
};

// `log` lives until the run ends, or `stop` asks it to. kUnavailable: it was stopped, or the log
// changed; kCorrupt: what the log holds is damaged.
host::Task<Result<RunReport>> CleanLog(host::Host host, CleanableLog* log, Cleanable cleanable,
                                       CompactionConfig config, RunOptions options,
                                       std::shared_ptr<Throttle> throttle,
                                       std::shared_ptr<RunStop> stop);

}  // namespace weir::compaction
