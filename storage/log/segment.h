// SPDX-License-Identifier: Apache-2.0
// One segment as a log holds it: what is known of it, and its indexes while they are in memory.
#pragma once

#include <memory>
#include <string>

#include "common/host/disk.h"
#include "common/host/task.h"
#include "storage/log/checkpoint.h"
#include "storage/log/log.h"

namespace weir::log {

struct Segment {
  explicit Segment(Offset base) : indexes(std::make_shared<Indexes>(base)) {
    file.fold = SegmentFold(base);
  }
  // Its indexes are in their files.
  explicit Segment(const Checkpoint::File& listed) : file(listed) {}

  Offset base() const { return file.fold.base; }
  Offset end() const { return file.fold.end; }
  uint64_t bytes() const { return file.fold.bytes; }

  Checkpoint::File file;
  // Of all its batches; without them, their files hold what `file.fold` says.
  std::shared_ptr<Indexes> indexes;
  // When its first batch was written, as far as is known.
  WallTime created;
};

using SegmentPointer = std::shared_ptr<Segment>;

// Writes the first entries of the indexes, as many as `file.fold` says, and puts their checksums
// into `file`. Unsynced: the checkpoint tells whether they came through.
host::Task<Result<void>> SaveIndexes(host::Disk& disk, std::string folder,
                                     std::shared_ptr<Indexes> indexes, Checkpoint::File* file);

// Puts the checksums of the first entries, as many as `file->fold` says, into `file`.
void SetChecksums(const Indexes& indexes, Checkpoint::File* file);

// What was wrong with the records where their indexes were made anew; nothing where nothing was.
using FoundDamage = std::optional<Damage>;

// Brings the indexes into memory: from their files, or else, batch by batch, from the records.
host::Task<Result<FoundDamage>> LoadIndexes(host::Disk& disk, std::string folder,
                                            SegmentPointer segment, uint64_t interval);

// Where `position` of a file is damaged, and which records are lost by it.
Damage DamageAt(std::string path, uint64_t position, Offset from, Offset to, std::string what);

}  // namespace weir::log
