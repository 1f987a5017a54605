// SPDX-License-Identifier: Apache-2.0
// A QuorumLog in a RocksDB of its own: every write is synced, and whatever was acknowledged is
// there, or Load says kCorrupt and what to do (docs/QUORUM_DISK.md). Beside the folder lies a file
// "<folder>.mark".
//
// After kFull the same write is to be tried again, from time to time, and is done when there is
// room. Until then every other is refused as kFull, too, and reads go on; they, and a process that
// starts meanwhile, may find the whole of the refused write, or nothing of it. After any other
// error of a write nothing more is written.
//
// One thread of its own does the work; completions are posted to the strand. After the destructor
// none is posted any more, and the folder is free.
#pragma once

#include <memory>
#include <string>

#include "common/host/strand.h"
#include "controller/quorum/quorum_log.h"

// <rocksdb/env.h> is for those who make one.
namespace rocksdb {
class Env;
}

namespace weir::quorum {

class RocksdbQuorumLog final : public QuorumLog {
 public:
  struct Options {
    // Null: the real files. It outlives this.
    rocksdb::Env* env = nullptr;
    // What is held in memory before it is written out in order.
    size_t write_buffer_bytes = size_t{4} << 20;
  };

  // `folder` is made if it does not exist, and opened by Load. The strand outlives this.
  RocksdbQuorumLog(std::string folder, host::Strand& strand);
  RocksdbQuorumLog(std::string folder, host::Strand& strand, Options options);
  ~RocksdbQuorumLog() override;

  void Load(Callback<void(Result<Remembered>)> done) override;
  void Save(LogWrite write, Callback<void(Result<void>)> done) override;
  void ReadEntries(LogIndex from, LogIndex to, size_t max_bytes,
                   Callback<void(Result<std::vector<LogEntry>>)> done) override;
  void SaveSnapshot(StoredSnapshot snapshot, LogIndex begin,
                    Callback<void(Result<void>)> done) override;
  void ReadSnapshot(Callback<void(Result<std::optional<StoredSnapshot>>)> done) override;

 private:
  class Worker;
  std::unique_ptr<Worker> worker_;
};

}  // namespace weir::quorum
