// SPDX-License-Identifier: Apache-2.0
// RocksDB's files, but for its journals (*.log), which are written into zeros that lie there
// already: of a file that does not grow a sync writes the bytes alone, and not its new length, too.
//
// What a crash leaves of the write that was under way is then no longer a shorter file, but pages
// of it in zeros; RocksDB would take that for damage. A journal is therefore read up to its last
// whole record where what follows is zeros, or pieces of one record: what one write can have left.
// Where a record begins behind what cannot be read, all is given to RocksDB, which refuses it.
#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <cstdint>
#include <memory>
#include <string>

namespace weir::quorum {

class JournalFiles final : public rocksdb::FileSystemWrapper {
 public:
  // Zeros are written so many bytes at a time.
  JournalFiles(const std::shared_ptr<rocksdb::FileSystem>& files, uint64_t ahead)
      : FileSystemWrapper(files), ahead_(ahead) {}

  const char* Name() const override { return "JournalFiles"; }
  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewSequentialFile(const std::string& path, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSSequentialFile>* file,
                                      rocksdb::IODebugContext* debug) override;

 private:
  const uint64_t ahead_;
};

// An environment as `env`, with such files.
class JournalEnv final : public rocksdb::EnvWrapper {
 public:
  JournalEnv(rocksdb::Env* env, uint64_t ahead) : EnvWrapper(env) {
    file_system_ = std::make_shared<JournalFiles>(env->GetFileSystem(), ahead);
    system_clock_ = env->GetSystemClock();
  }
  const char* Name() const override { return "JournalEnv"; }
};

}  // namespace weir::quorum
