// SPDX-License-Identifier: Apache-2.0
// The number of the last write that was synced to the quorum's log, kept apart from it: a log that
// knows of fewer has lost some, however right it looks. RocksDB takes a last record that is spoiled
// for one that a crash tore, and a folder without its CURRENT for a new one.
//
// Raised after each write, in the page cache, and synced where there is time for it: a crash of the
// process loses nothing of it, a loss of power the last moments. Used by one thread.
#pragma once

#include <rocksdb/file_system.h>

#include <cstdint>
#include <memory>
#include <string>

#include "common/base/error.h"

namespace weir::quorum {

class WriteMark {
 public:
  // `path` is made where it does not exist.
  WriteMark(std::shared_ptr<rocksdb::FileSystem> files, std::string path)
      : files_(std::move(files)), path_(std::move(path)) {}

  // 0 for a new file, and for one that holds no mark that can be read.
  Result<uint64_t> Open();
  Result<void> Raise(uint64_t write);
  Result<void> Sync();

  // Open found no mark that it could read.
  bool was_lost() const { return was_lost_; }
  // What was raised and not synced since.
  uint64_t unsynced() const { return unsynced_; }

 private:
  Result<void> Make();

  const std::shared_ptr<rocksdb::FileSystem> files_;
  const std::string path_;
  std::unique_ptr<rocksdb::FSRandomRWFile> file_;
  bool was_lost_ = false;
  uint64_t unsynced_ = 0;
};

}  // namespace weir::quorum
