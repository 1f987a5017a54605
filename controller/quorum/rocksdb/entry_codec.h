// SPDX-License-Identifier: Apache-2.0
// How the quorum's log lies in RocksDB. Keys: 'e' + index (8 bytes, big endian) for an entry, 'h'
// for the hard state, 's' for the snapshot, 'b' for what the first entry follows upon. Each value
// begins with a CRC-32C of key and rest.
#pragma once

#include <string>
#include <string_view>

#include "common/base/error.h"
#include "controller/quorum/quorum_log.h"

namespace weir::quorum {

inline constexpr char kHardStateKey[] = "h";
inline constexpr char kSnapshotKey[] = "s";
inline constexpr char kBeginKey[] = "b";

std::string EntryKey(LogIndex index);
// One past the key of every entry.
std::string EntryKeysEnd();

std::string EntryValue(const LogEntry& entry);
Result<LogEntry> ReadEntry(std::string_view key, std::string_view value);

std::string HardStateValue(const raft::HardState& state);
Result<raft::HardState> ReadHardState(std::string_view value);

std::string BeginValue(const raft::LogPosition& begin);
Result<raft::LogPosition> ReadBegin(std::string_view value);

std::string SnapshotValue(const StoredSnapshot& snapshot);
Result<StoredSnapshot> ReadSnapshotValue(std::string_view value);

}  // namespace weir::quorum
