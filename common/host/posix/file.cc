// SPDX-License-Identifier: Apache-2.0
#include "common/host/posix/file.h"

#include <fcntl.h>
#include <glog/logging.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "common/host/posix/system_error.h"

namespace weir::host {

namespace {

// A read longer than this looks at the file's size first, and takes no more memory than that.
constexpr size_t kReadWithoutLooking = 1 << 20;
constexpr size_t kPiecesPerCall = 256;

int FlagsOf(OpenMode mode) {
  switch (mode) {
    case OpenMode::kRead:
      return O_RDONLY;
    case OpenMode::kWrite:
      return O_RDWR;
    case OpenMode::kCreate:
      return O_RDWR | O_CREAT;
  }
  return O_RDONLY;
}

}  // namespace

Result<std::shared_ptr<OpenedFile>> OpenedFile::Open(const std::string& path, OpenMode mode) {
  int fd = -1;
  do {
    fd = open(path.c_str(), FlagsOf(mode) | O_CLOEXEC, 0640);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) return SystemFailure(errno, "open " + path);
  std::shared_ptr<OpenedFile> file(new OpenedFile(fd, path, mode));
  struct stat status{};
  if (fstat(fd, &status) != 0) return SystemFailure(errno, "open " + path);
  if (S_ISDIR(status.st_mode)) return SystemFailure(EISDIR, "open " + path);
  return file;
}

OpenedFile::~OpenedFile() { close(fd_); }

Result<Bytes> OpenedFile::Read(uint64_t offset, size_t length) const {
  if (length > kReadWithoutLooking) {
    Result<uint64_t> size = Size();
    if (!size) return std::unexpected(size.error());
    length = *size > offset ? static_cast<size_t>(std::min<uint64_t>(length, *size - offset)) : 0;
  }
  if (length == 0) return Bytes();
  auto buffer = std::make_shared_for_overwrite<char[]>(length);
  size_t filled = 0;
  while (filled < length) {
    ssize_t size =
        pread(fd_, buffer.get() + filled, length - filled, static_cast<off_t>(offset + filled));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return SystemFailure(errno, "read " + path_);
    if (size == 0) break;
    filled += static_cast<size_t>(size);
  }
  std::string_view view(buffer.get(), filled);
  return Bytes(std::move(buffer), view);
}

Result<void> OpenedFile::Write(uint64_t offset, const Pieces& data) {
  return WriteWith(offset, data, 0);
}

Result<void> OpenedFile::WriteSynced(uint64_t offset, const Pieces& data) {
  if (sync_failed_) return Fail(Error::Kind::kIo, "write " + path_ + ": an earlier sync failed");
  // Each call would wait for the disk.
  if (data.size() > kPiecesPerCall) {
    Result<void> wrote = WriteWith(offset, data, 0);
    return wrote ? Sync() : wrote;
  }
  Result<void> wrote = WriteWith(offset, data, RWF_DSYNC);
  if (wrote) return wrote;
  sync_failed_ = true;
  // Whatever the number: what was to be synced may be gone.
  return Fail(Error::Kind::kIo, wrote.error().message);
}

Result<void> OpenedFile::WriteWith(uint64_t offset, const Pieces& data, int flags) {
  if (mode_ == OpenMode::kRead) return SystemFailure(EBADF, "write " + path_ + " (read only)");
  size_t piece = 0;
  size_t written = 0;  // Of that piece.
  while (true) {
    while (piece < data.size() && written == data[piece].size()) {
      ++piece;
      written = 0;
    }
    if (piece == data.size()) return {};
    std::array<iovec, kPiecesPerCall> parts;
    size_t count = std::min(kPiecesPerCall, data.size() - piece);
    for (size_t i = 0; i < count; ++i) {
      const Bytes& bytes = data[piece + i];
      size_t skip = i == 0 ? written : 0;
      parts[i] = {const_cast<char*>(bytes.data()) + skip, bytes.size() - skip};
    }
    ssize_t size =
        pwritev2(fd_, parts.data(), static_cast<int>(count), static_cast<off_t>(offset), flags);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return SystemFailure(errno, "write " + path_);
    offset += static_cast<uint64_t>(size);
    for (auto left = static_cast<size_t>(size); left > 0;) {
      size_t step = std::min(left, data[piece].size() - written);
      left -= step;
      written += step;
      if (left == 0) break;
      ++piece;
      written = 0;
    }
  }
}

Result<void> OpenedFile::Sync() {
  if (sync_failed_) return Fail(Error::Kind::kIo, "sync " + path_ + ": an earlier sync failed");
  int result = 0;
  do {
    result = fdatasync(fd_);
  } while (result != 0 && errno == EINTR);
  if (result == 0) return {};
  sync_failed_ = true;
  return SyncFailure(errno, "sync " + path_);
}

Result<void> OpenedFile::Truncate(uint64_t size) {
  if (mode_ == OpenMode::kRead) return SystemFailure(EBADF, "truncate " + path_ + " (read only)");
  int result = 0;
  do {
    result = ftruncate(fd_, static_cast<off_t>(size));
  } while (result != 0 && errno == EINTR);
  if (result != 0) return SystemFailure(errno, "truncate " + path_);
  return {};
}

Result<uint64_t> OpenedFile::Size() const {
  struct stat status{};
  if (fstat(fd_, &status) != 0) return SystemFailure(errno, "size of " + path_);
  return static_cast<uint64_t>(status.st_size);
}

PosixFile::~PosixFile() {
  // Closing the last name of a large file frees its blocks: that waits for the disk too.
  threads_->Enqueue([file = std::move(file_)]() mutable { file.reset(); });
}

void PosixFile::Read(uint64_t offset, size_t length, Callback<void(Result<Bytes>)> done) {
  threads_->Submit([file = file_, offset, length] { return file->Read(offset, length); },
                   std::move(done));
}

void PosixFile::Write(uint64_t offset, Pieces data, Callback<void(Result<void>)> done) {
  threads_->Submit(
      [file = file_, offset, data = std::move(data)] { return file->Write(offset, data); },
      std::move(done));
}

void PosixFile::WriteSynced(uint64_t offset, Pieces data, Callback<void(Result<void>)> done) {
  synced_->Submit(
      [file = file_, offset, data = std::move(data)] { return file->WriteSynced(offset, data); },
      std::move(done));
}

void PosixFile::Sync(Callback<void(Result<void>)> done) {
  threads_->Submit([file = file_] { return file->Sync(); }, std::move(done));
}

void PosixFile::Truncate(uint64_t size, Callback<void(Result<void>)> done) {
  threads_->Submit([file = file_, size] { return file->Truncate(size); }, std::move(done));
}

void PosixFile::Size(Callback<void(Result<uint64_t>)> done) {
  threads_->Submit([file = file_] { return file->Size(); }, std::move(done));
}

}  // namespace weir::host
