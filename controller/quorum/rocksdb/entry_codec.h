// SPDX-License-Identifier: Apache-2.0
// How the quorum's log lies in RocksDB. Keys: 'e' + index (8 bytes, big endian) for an entry, 'h'
// for the account of the whole, 's' for the snapshot. Each value begins with a CRC-32C of key and
// rest. An entry holds the term of the one before it, so that one that was replaced, and comes
// back since what replaced it is lost, does not fit those after it.
#pragma once

#include <string>
#include <string_view>

#include "common/base/error.h"
#include "controller/quorum/quorum_log.h"

namespace weir::quorum {

inline constexpr char kAccountKey[] = "h";
inline constexpr char kSnapshotKey[] = "s";

// What there must be, written anew by each write: whatever of the rest is lost is missed.
struct Account {
  // How many writes there were, with this one.
  uint64_t writes = 0;
  raft::HardState hard_state;
  // What the first entry follows upon: the snapshot's end, or before it.
  raft::LogPosition begin;
  raft::LogPosition last;
  raft::LogPosition snapshot;
  bool operator==(const Account&) const = default;
};

struct StoredEntry {
  LogEntry entry;
  // Of the entry, or the snapshot's end, before it.
  Term previous;
  bool operator==(const StoredEntry&) const = default;
};

std::string EntryKey(LogIndex index);
// One past the key of every entry.
std::string EntryKeysEnd();

std::string EntryValue(const LogEntry& entry, Term previous);
Result<StoredEntry> ReadEntry(std::string_view key, std::string_view value);

std::string AccountValue(const Account& account);
Result<Account> ReadAccount(std::string_view value);

std::string SnapshotValue(const StoredSnapshot& snapshot);
Result<StoredSnapshot> ReadSnapshotValue(std::string_view value);

}  // namespace weir::quorum
