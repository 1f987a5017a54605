// SPDX-License-Identifier: Apache-2.0
// Opens the journal's file: finds the frames that are needed, and folds their records. A write that
// a crash tore is passed over; what was on stable storage and is not there is kCorrupt.
#pragma once

#include <string>

#include "common/host/host.h"
#include "common/host/task.h"
#include "storage/journal/writer.h"

namespace weir::journal {

host::Task<Result<Opened>> OpenFrames(host::Host host, std::string path, JournalOptions options);

}  // namespace weir::journal
