// SPDX-License-Identifier: Apache-2.0
// A QuorumLog in a RocksDB of its own: every write is synced, every entry has a checksum of ours,
// and a gap is corruption (RocksDB's default recovery would shorten the log without a word).
//
// One thread of its own does the work; completions are posted to the strand. After the destructor
// none is posted any more, and the folder is free.
#pragma once

#include <memory>
#include <string>

#include "common/host/strand.h"
#include "controller/quorum/quorum_log.h"

namespace weir::quorum {

class RocksdbQuorumLog final : public QuorumLog {
 public:
  // `folder` is made if it does not exist, and opened by Load. The strand outlives this.
  RocksdbQuorumLog(std::string folder, host::Strand& strand);
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
