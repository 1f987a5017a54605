// SPDX-License-Identifier: Apache-2.0
// The quorum's log in a RocksDB, call by call: whatever it says is done is on stable storage. One
// thread; every call blocks it. What each call promises is said in quorum_log.h.
//
// How it knows that nothing is missing: an account (entry_codec.h) says in each write what there
// must be, each entry knows the term of the one before it, and a mark beside the folder says how
// many writes there were. docs/QUORUM_DISK.md tells what follows from that, and what does not.
#pragma once

#include <rocksdb/db.h>

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "controller/quorum/quorum_log.h"
#include "controller/quorum/rocksdb/complaints.h"
#include "controller/quorum/rocksdb/entry_codec.h"
#include "controller/quorum/rocksdb/journal_files.h"
#include "controller/quorum/rocksdb/rocksdb_quorum_log.h"
#include "controller/quorum/rocksdb/write_mark.h"

namespace weir::quorum {

class Store {
 public:
  Store(std::string folder, RocksdbQuorumLog::Options options);
  ~Store();

  Result<Remembered> Load();
  Result<void> Save(const LogWrite& write);
  Result<std::vector<LogEntry>> ReadEntries(LogIndex from, LogIndex to, size_t max_bytes);
  Result<void> SaveSnapshot(StoredSnapshot snapshot, LogIndex begin);
  Result<std::optional<StoredSnapshot>> ReadSnapshot();

  // There is work that can wait until nothing else is to be done: how many writes it has waited.
  uint64_t rest_waits() const { return mark_.unsynced(); }
  void Rest();

 private:
  // A snapshot of what is here, and up to where entries go.
  struct Shortening {
    StoredSnapshot snapshot;
    LogIndex begin;
  };
  // What a write makes of the log.
  struct Outcome {
    Account account;
    // Of what the first entry follows upon, and all entries.
    raft::TermHistory terms;
  };

  Result<void> Open();
  Result<void> OpenDatabase(uint64_t mark);
  Result<std::optional<Account>> ReadAccount();
  Result<void> Check(const std::optional<Account>& account, uint64_t mark);
  Result<Remembered> ReadAll();
  Result<std::optional<StoredSnapshot>> FindSnapshot();
  // Nothing where there is nothing to do.
  std::optional<Outcome> Plan(const LogWrite& write, rocksdb::WriteBatch& batch) const;
  std::optional<Outcome> Plan(const Shortening& shortening, rocksdb::WriteBatch& batch) const;
  static bool IsSame(const LogWrite& a, const LogWrite& b);
  static bool IsSame(const Shortening& a, const Shortening& b);
  template <class Deed>
  Result<void> Do(const Deed& deed);
  Result<void> Write(rocksdb::WriteBatch& batch);
  Result<bool> ReopenAfter(const Account& refused);
  void Close();
  Result<std::optional<std::string>> Get(const char* key);
  Error Explained(Error error) const;

  const std::string folder_;
  JournalEnv env_;
  // With that environment.
  const RocksdbQuorumLog::Options options_;
  const std::shared_ptr<Complaints> complaints_;
  WriteMark mark_;
  std::unique_ptr<rocksdb::DB> db_;
  Outcome now_;
  // Found no room, and comes again before any other.
  std::variant<std::monostate, LogWrite, Shortening> refused_;
  // A write failed for another reason: what is on disk is not known any more.
  std::optional<Error> failure_;
};

}  // namespace weir::quorum
