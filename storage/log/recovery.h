// SPDX-License-Identifier: Apache-2.0
// Finds out what a log's folder holds: from its checkpoint, and by scanning what lies above it.
// A torn tail is cut; damage below it is kCorrupt, with the file and the position.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/host/disk.h"
#include "common/host/task.h"
#include "storage/log/checkpoint.h"
#include "storage/log/log.h"
#include "storage/log/producers.h"
#include "storage/log/segment.h"

namespace weir::log {

// Everything in it is synced.
struct Recovered {
  Offset start;
  Offset end;
  std::vector<Segment> segments;
  LeaderEpochs epochs;
  Producers producers;
  // Of the checkpoint in the folder, if there is one.
  std::optional<Offset> checkpoint_end;
  bool has_folder = false;
};

host::Task<Result<Recovered>> Recover(host::Disk& disk, std::string folder);

// Writes the segment's index, unsynced: the checkpoint tells whether it came through.
host::Task<Result<void>> WriteIndex(host::Disk& disk, std::string folder, Segment& segment);

}  // namespace weir::log
