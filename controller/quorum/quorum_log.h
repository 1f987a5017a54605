// SPDX-License-Identifier: Apache-2.0
// Where a voter keeps its log, its promises and its snapshot: a seam, with RocksDB behind it in
// production and memory in the simulation. Both pass quorum_log_contract.h.
//
// Calls come from one strand; each completes by a callback posted to it, never within the call.
// Operations take effect in the order of the calls. After kFull of Save or SaveSnapshot the same
// call is made again, from time to time, until it is done; meanwhile every other write is refused
// as kFull, too, and reads go on. After any other error of theirs nothing is known of what is on
// disk: the process stops.
#pragma once

#include <optional>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/callback.h"
#include "common/base/error.h"
#include "controller/raft/messages.h"

namespace weir::quorum {

struct LogEntry {
  LogIndex index;
  Term term;
  Bytes payload;
  bool operator==(const LogEntry&) const = default;
};

// The state as of `last`, whole.
struct StoredSnapshot {
  raft::LogPosition last;
  Bytes state;
  bool operator==(const StoredSnapshot&) const = default;
};

// What a voter remembers, by position.
struct Remembered {
  raft::HardState hard_state;
  // Where the snapshot ends; index 0: there is none, and so no cluster yet.
  raft::LogPosition snapshot;
  // What the first entry follows upon: the snapshot's end, or before it.
  raft::LogPosition begin;
  // The terms of `begin` and of all entries that follow it.
  raft::TermHistory terms;
  // The last entry; the snapshot's if none follows it.
  LogIndex last;
  // The entries that bring voters (voters_entry.h).
  std::vector<LogEntry> voters;
};

// One synced write, in this order: the promise, the cut, the snapshot, the new entries.
struct LogWrite {
  std::optional<raft::HardState> hard_state;
  // All entries from here on go.
  std::optional<LogIndex> truncate_from;
  // A snapshot that came from elsewhere: it replaces the snapshot and all entries.
  std::optional<StoredSnapshot> install;
  // Contiguous, beginning after the last one that stays.
  std::vector<LogEntry> append;

  bool empty() const { return !hard_state && !truncate_from && !install && append.empty(); }
};

class QuorumLog {
 public:
  virtual ~QuorumLog() = default;

  // The first call, and once. kInUse if another process holds the folder; kCorrupt if what is there
  // is not what was written.
  virtual void Load(Callback<void(Result<Remembered>)> done) = 0;

  // Completes when all of `write` is on stable storage. It is there whole or not at all.
  virtual void Save(LogWrite write, Callback<void(Result<void>)> done) = 0;

  // Entries [from, to], as many as `max_bytes` of payload hold, but at least one; saved ones only.
  virtual void ReadEntries(LogIndex from, LogIndex to, size_t max_bytes,
                           Callback<void(Result<std::vector<LogEntry>>)> done) = 0;

  // Replaces the snapshot by one of what this log holds, and drops the entries up to `begin`, which
  // the snapshot covers. Completes when that is on stable storage. Nothing happens, and that is
  // success, if the log has a newer snapshot, or has not got the entry where this one ends.
  virtual void SaveSnapshot(StoredSnapshot snapshot, LogIndex begin,
                            Callback<void(Result<void>)> done) = 0;
  virtual void ReadSnapshot(Callback<void(Result<std::optional<StoredSnapshot>>)> done) = 0;
};

}  // namespace weir::quorum
