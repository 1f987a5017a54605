// SPDX-License-Identifier: Apache-2.0
// Tells what rotted from what a crash has torn, where nothing says how far a file was synced: a
// batch that is not whole, and whole ones behind it, was written and has changed since, unless
// there are zeros in it: those are blocks that never reached the disk, while later ones did.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/base/ids.h"
#include "storage/log/files.h"

namespace weir::log {

struct WholeBatch {
  uint64_t position = 0;
  Offset offset;
};

// The next whole batch behind what is no batch at `position` of a file of `size` bytes, if that is
// rot. Batches there begin at `least` or above.
host::Task<Result<std::optional<WholeBatch>>> BehindRot(FilePointer file, std::string path,
                                                        uint64_t position, uint64_t size,
                                                        Offset least);

}  // namespace weir::log
