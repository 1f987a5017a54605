// SPDX-License-Identifier: Apache-2.0
#include "common/host/posix/disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <glog/logging.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "common/host/posix/file.h"
#include "common/host/posix/system_error.h"

namespace weir::host {

namespace {

bool StaysBelow(const std::string& path) {
  if (path.starts_with('/')) return false;
  for (const auto& name : std::filesystem::path(path)) {
    if (name == "..") return false;
  }
  return true;
}

Result<void> MakeFolders(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return SystemFailure(error.value(), "make folder " + path);
  return {};
}

Result<std::vector<std::string>> NamesIn(const std::string& path) {
  DIR* folder = opendir(path.c_str());
  if (folder == nullptr) return SystemFailure(errno, "list " + path);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = readdir(folder)) {
    std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(std::move(name));
    errno = 0;
  }
  int failure = errno;
  closedir(folder);
  if (failure != 0) return SystemFailure(failure, "list " + path);
  std::sort(names.begin(), names.end());
  return names;
}

Result<void> RenamePath(const std::string& from, const std::string& to) {
  if (rename(from.c_str(), to.c_str()) == 0) return {};
  return SystemFailure(errno, "rename " + from + " to " + to);
}

Result<void> RemovePath(const std::string& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (error && error.value() != ENOENT) return SystemFailure(error.value(), "remove " + path);
  return {};
}

Result<void> SyncNames(const std::string& path) {
  int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return SystemFailure(errno, "sync folder " + path);
  int failure = fsync(fd) == 0 ? 0 : errno;
  close(fd);
  if (failure != 0) return SyncFailure(failure, "sync folder " + path);
  return {};
}

Result<Space> SpaceAt(const std::string& path) {
  struct statvfs status{};
  if (statvfs(path.c_str(), &status) != 0) return SystemFailure(errno, "measure " + path);
  // Not what is kept for root alone.
  return Space{status.f_blocks * status.f_frsize, status.f_bavail * status.f_frsize};
}

}  // namespace

PosixDisk::PosixDisk(Strand& strand, std::string root, size_t threads_max)
    : root_(std::move(root)),
      threads_(std::make_shared<IoThreads>(strand, threads_max)),
      synced_(std::make_shared<IoThreads>(strand, kSyncedThreadsMax)) {
  CHECK(!root_.empty());
}

PosixDisk::~PosixDisk() {
  synced_->End();
  threads_->End();
}

std::string PosixDisk::Whole(const std::string& path) const {
  CHECK(StaysBelow(path)) << "outside the disk's root: " << path;
  return path.empty() ? root_ : root_ + "/" + path;
}

void PosixDisk::Open(std::string path, OpenMode mode,
                     Callback<void(Result<std::shared_ptr<File>>)> done) {
  threads_->Submit(
      [path = Whole(path), mode] { return OpenedFile::Open(path, mode); },
      [this, done = std::move(done)](Result<std::shared_ptr<OpenedFile>> opened) mutable {
        if (!opened) return done(std::unexpected(std::move(opened.error())));
        done(std::make_shared<PosixFile>(threads_, synced_, std::move(*opened)));
      });
}

void PosixDisk::MakeFolder(std::string path, Callback<void(Result<void>)> done) {
  threads_->Submit([path = Whole(path)] { return MakeFolders(path); }, std::move(done));
}

void PosixDisk::List(std::string path, Callback<void(Result<std::vector<std::string>>)> done) {
  threads_->Submit([path = Whole(path)] { return NamesIn(path); }, std::move(done));
}

void PosixDisk::Rename(std::string from, std::string to, Callback<void(Result<void>)> done) {
  threads_->Submit([from = Whole(from), to = Whole(to)] { return RenamePath(from, to); },
                   std::move(done));
}

void PosixDisk::Remove(std::string path, Callback<void(Result<void>)> done) {
  CHECK(!path.empty()) << "the disk's root stays";
  threads_->Submit([path = Whole(path)] { return RemovePath(path); }, std::move(done));
}

void PosixDisk::SyncFolder(std::string path, Callback<void(Result<void>)> done) {
  threads_->Submit([path = Whole(path)] { return SyncNames(path); }, std::move(done));
}

void PosixDisk::Measure(Callback<void(Result<Space>)> done) {
  threads_->Submit([path = root_] { return SpaceAt(path); }, std::move(done));
}

}  // namespace weir::host
