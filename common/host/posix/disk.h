// SPDX-License-Identifier: Apache-2.0
// Files of one folder of the machine. Every call runs on one of a few I/O threads; its callback
// comes on the strand that the disk was made for.
#pragma once

#include "common/host/disk.h"
#include "common/host/posix/io_threads.h"

namespace weir::host {

class PosixDisk : public Disk {
 public:
  static constexpr size_t kThreadsMax = 4;
  static constexpr size_t kSyncedThreadsMax = 2;

  // The root need not exist yet: MakeFolder("") makes it.
  PosixDisk(Strand& strand, std::string root, size_t threads_max = kThreadsMax);
  ~PosixDisk() override;
  PosixDisk(const PosixDisk&) = delete;
  PosixDisk& operator=(const PosixDisk&) = delete;

  void Open(std::string path, OpenMode mode,
            Callback<void(Result<std::shared_ptr<File>>)> done) override;
  void MakeFolder(std::string path, Callback<void(Result<void>)> done) override;
  void List(std::string path, Callback<void(Result<std::vector<std::string>>)> done) override;
  void Rename(std::string from, std::string to, Callback<void(Result<void>)> done) override;
  void Remove(std::string path, Callback<void(Result<void>)> done) override;
  void SyncFolder(std::string path, Callback<void(Result<void>)> done) override;
  void Measure(Callback<void(Result<Space>)> done) override;

 private:
  // The path in the file system. A path that leaves the root is a bug of ours.
  std::string Whole(const std::string& path) const;

  const std::string root_;
  // Shared with the open files, the last of which may outlive the disk.
  std::shared_ptr<IoThreads> threads_;
  // For synced writes alone. They start with the first of them.
  std::shared_ptr<IoThreads> synced_;
};

}  // namespace weir::host
