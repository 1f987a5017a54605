// SPDX-License-Identifier: Apache-2.0
// One open file of the machine, and the blocking calls behind it.
#pragma once

#include <atomic>

#include "common/host/disk.h"
#include "common/host/posix/io_threads.h"

namespace weir::host {

// What the I/O threads work on: these block. Safe from several threads at once.
class OpenedFile {
 public:
  static Result<std::shared_ptr<OpenedFile>> Open(const std::string& path, OpenMode mode);
  ~OpenedFile();
  OpenedFile(const OpenedFile&) = delete;
  OpenedFile& operator=(const OpenedFile&) = delete;

  Result<Bytes> Read(uint64_t offset, size_t length) const;
  Result<void> Write(uint64_t offset, const Pieces& data);
  Result<void> WriteSynced(uint64_t offset, const Pieces& data);
  Result<void> Sync();
  Result<void> Truncate(uint64_t size);
  Result<uint64_t> Size() const;

 private:
  OpenedFile(int fd, std::string path, OpenMode mode)
      : fd_(fd), path_(std::move(path)), mode_(mode) {}

  // `flags` are those of pwritev2.
  Result<void> WriteWith(uint64_t offset, const Pieces& data, int flags);

  const int fd_;
  const std::string path_;
  const OpenMode mode_;
  // The kernel forgets a failed sync once it has told of it; we do not.
  std::atomic<bool> sync_failed_ = false;
};

class PosixFile : public File {
 public:
  // Synced writes go by threads of their own: whoever asks for one waits for nothing else.
  PosixFile(std::shared_ptr<IoThreads> threads, std::shared_ptr<IoThreads> synced,
            std::shared_ptr<OpenedFile> file)
      : threads_(std::move(threads)), synced_(std::move(synced)), file_(std::move(file)) {}
  ~PosixFile() override;

  void Read(uint64_t offset, size_t length, Callback<void(Result<Bytes>)> done) override;
  void Write(uint64_t offset, Pieces data, Callback<void(Result<void>)> done) override;
  void WriteSynced(uint64_t offset, Pieces data, Callback<void(Result<void>)> done) override;
  void Sync(Callback<void(Result<void>)> done) override;
  void Truncate(uint64_t size, Callback<void(Result<void>)> done) override;
  void Size(Callback<void(Result<uint64_t>)> done) override;

 private:
  std::shared_ptr<IoThreads> threads_;
  std::shared_ptr<IoThreads> synced_;
  std::shared_ptr<OpenedFile> file_;
};

}  // namespace weir::host
