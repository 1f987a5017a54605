// SPDX-License-Identifier: Apache-2.0
// One process per data folder: an exclusive lock on the file "lock" in it, which names its holder.
// The kernel lets go when the process ends, however it ends.
#pragma once

#include <string>
#include <utility>

#include "common/base/error.h"

namespace weir::host {

class FolderLock {
 public:
  FolderLock(FolderLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock();

 private:
  friend Result<FolderLock> LockFolder(const std::string& folder);
  explicit FolderLock(int fd) : fd_(fd) {}

  int fd_;
};

// Makes the folder where it does not exist. Blocks: called once, at the start of a process.
Result<FolderLock> LockFolder(const std::string& folder);

}  // namespace weir::host
