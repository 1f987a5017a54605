// SPDX-License-Identifier: Apache-2.0
// RocksDB's statuses as errors of ours, and what of its file system needs a word more than it has.
#pragma once

#include <rocksdb/file_system.h>
#include <rocksdb/status.h>

#include <algorithm>
#include <memory>
#include <string>

#include "common/base/error.h"

namespace weir::quorum {

inline Error FromStatus(const rocksdb::Status& status, const std::string& doing) {
  Error::Kind kind = Error::Kind::kIo;
  std::string text = status.ToString();
  if (status.IsCorruption()) kind = Error::Kind::kCorrupt;
  if (status.IsNoSpace() || text.find("No space left") != std::string::npos) {
    kind = Error::Kind::kFull;
  }
  if (text.find("Read-only file system") != std::string::npos ||
      text.find("Permission denied") != std::string::npos) {
    kind = Error::Kind::kReadOnly;
  }
  return Error{kind, doing + ": " + text};
}

inline std::string FolderOf(const std::string& path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, std::max<size_t>(slash, 1));
}

// The names in it stay.
inline Result<void> SyncFolder(rocksdb::FileSystem& files, const std::string& path) {
  std::unique_ptr<rocksdb::FSDirectory> folder;
  auto done = files.NewDirectory(path, {}, &folder, nullptr);
  if (done.ok()) done = folder->Fsync({}, nullptr);
  if (!done.ok()) return std::unexpected(FromStatus(done, "syncing folder " + path));
  return {};
}

}  // namespace weir::quorum
