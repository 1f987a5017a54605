// SPDX-License-Identifier: Apache-2.0
// Finds out what a log's folder holds: from its checkpoint, and by scanning what lies above it.
// A torn tail is cut; what is damaged below it is said. What was under way (a deletion, one segment
// in the place of others) is finished or dropped. It may itself be cut short anywhere.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/host/disk.h"
#include "common/host/task.h"
#include "storage/log/checkpoint.h"
#include "storage/log/log.h"
#include "storage/log/producers.h"
#include "storage/log/segment.h"

namespace weir::log {

// All records in it are synced.
struct Recovered {
  Offset start;
  Offset end;
  std::vector<SegmentPointer> segments;
  LeaderEpochs epochs;
  Producers producers;
  std::vector<Damage> damages;
  // As they are in the folder.
  std::optional<Checkpoint> checkpoint;
  LeaderEpochs saved_epochs;
  std::set<Offset> snapshots;
  bool has_folder = false;
  // The last segment's file is not what it should be: nothing may be written behind it.
  bool last_is_closed = false;
  // How much there was above the recovery point.
  uint64_t scanned_bytes = 0;
};

// From `put_back_from` on, the records are elsewhere as well, and will be put back behind the end:
// whatever a crash or rot did to them in the last file, that is cut at the first that is not whole.
host::Task<Result<Recovered>> Recover(host::Disk& disk, std::string folder, LogOptions options,
                                      std::optional<Offset> put_back_from = std::nullopt);

}  // namespace weir::log
