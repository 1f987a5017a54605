// SPDX-License-Identifier: Apache-2.0
// Walks the batches of one file, in their order.
#pragma once

#include <functional>
#include <string>

#include "common/records/batch.h"
#include "storage/log/files.h"

namespace weir::log {

struct ScanEnd {
  // Where it stopped: at the end, at what is not a whole batch, or at what `each` would not have.
  uint64_t position = 0;
  // What is wrong with what lies there; empty where nothing is.
  std::string fault;
};

// Why a batch cannot come next in a file that begins at offset `base`, where the batch before it
// ended at `next`; empty where it can. Offsets may be missing.
std::string OutOfPlace(const records::BatchHeader& header, Offset base, Offset next);

// Says why the batch at `position` cannot be there; empty where it can.
using EachBatch = std::function<std::string(const records::BatchHeader&, uint64_t position)>;

// The batches in [from, end) of `file`, `path` for errors. Only a disk that fails is an error.
host::Task<Result<ScanEnd>> Scan(FilePointer file, std::string path, uint64_t from, uint64_t end,
                                 records::BatchRun::Check check, EachBatch each);

}  // namespace weir::log
