// SPDX-License-Identifier: Apache-2.0
// What lies in a quorum's log as lines: for a person, a record a line, as tests print them, or
// JSON, an object a line.
#pragma once

#include <ostream>
#include <string>

#include "controller/quorum/quorum_log.h"
#include "controller/quorum/rocksdb/entry_codec.h"

namespace weir::inspect {

enum class Format { kText, kJson };

void List(const quorum::Account& account, Format format, std::ostream& out);
void List(const quorum::LogEntry& entry, Format format, std::ostream& out);
// False if the state is no weir.metadata.v1.Snapshot; what is known of it is listed all the same.
bool List(const quorum::StoredSnapshot& snapshot, Format format, std::ostream& out);

}  // namespace weir::inspect
