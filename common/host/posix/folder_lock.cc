// SPDX-License-Identifier: Apache-2.0
#include "common/host/posix/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>

#include "common/host/posix/system_error.h"

namespace weir::host {

namespace {

// The holder's process id, as it wrote it.
std::string HolderOf(int fd) {
  std::array<char, 24> text{};
  ssize_t size = pread(fd, text.data(), text.size(), 0);
  std::string_view holder(text.data(), size > 0 ? static_cast<size_t>(size) : 0);
  holder = holder.substr(0, holder.find('\n'));
  return holder.empty() ? "unknown" : std::string(holder);
}

}  // namespace

FolderLock::~FolderLock() {
  if (fd_ >= 0) close(fd_);
}

Result<FolderLock> LockFolder(const std::string& folder) {
  std::string doing = "lock data folder " + folder;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return SystemFailure(error.value(), doing);
  int fd = open((folder + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (fd < 0) return SystemFailure(errno, doing);
  FolderLock lock(fd);
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return SystemFailure(errno, doing);
    return Fail(Error::Kind::kInUse, "data folder " + folder + " is in use by process " +
                                         HolderOf(fd) + "; stop it, or choose another --data");
  }
  std::string holder = std::to_string(getpid()) + "\n";
  if (ftruncate(fd, 0) != 0 ||
      pwrite(fd, holder.data(), holder.size(), 0) != static_cast<ssize_t>(holder.size())) {
    return SystemFailure(errno, doing);
  }
  return lock;
}

}  // namespace weir::host
