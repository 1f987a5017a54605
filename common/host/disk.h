// SPDX-License-Identifier: Apache-2.0
// Files, without blocking: each operation completes by a callback posted to the Disk's strand,
// never within the call. All calls come from that strand.
//
// The crash rule: what was synced survives a crash of the machine. What was not may survive whole,
// in part, or not at all, operation by operation. A created, renamed or removed name survives for
// certain only once its folder was synced (SyncFolder). A crash of the process alone loses nothing
// that a completed operation did.
//
// Dropping a Disk or File with operations under way is allowed only at the end of the process.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/callback.h"
#include "common/base/error.h"

namespace weir::host {

// One open file; closed when the last reference and the last operation are gone.
// Operations that do not overlap may complete in any order; a caller who needs an order waits.
class File {
 public:
  virtual ~File() = default;

  // Up to `length` bytes; fewer only at the end of the file.
  virtual void Read(uint64_t offset, size_t length, Callback<void(Result<Bytes>)> done) = 0;
  // All of `data`, or an error after which any part of it may be in the file.
  virtual void Write(uint64_t offset, Pieces data, Callback<void(Result<void>)> done) = 0;
  // Write; when it completes, these bytes are on stable storage. One operation, which waits for no
  // other that is under way. An error is that of a failed sync; says nothing of other writes.
  virtual void WriteSynced(uint64_t offset, Pieces data, Callback<void(Result<void>)> done) = 0;
  // Completes when all that was written, before the call, is on stable storage.
  // After a failed sync nothing is known of those writes: do not try again and call it success. So
  // it is never kFull, which others take for a reason to wait: a device without room says so too
  // late here.
  virtual void Sync(Callback<void(Result<void>)> done) = 0;
  virtual void Truncate(uint64_t size, Callback<void(Result<void>)> done) = 0;
  virtual void Size(Callback<void(Result<uint64_t>)> done) = 0;
};

enum class OpenMode {
  kRead,    // Must exist; only Read and Size are allowed.
  kWrite,   // Read and write; must exist.
  kCreate,  // Read and write; made where it does not exist.
};

// Of the file system that a Disk lies on, in bytes.
struct Space {
  uint64_t total = 0;
  // What this process may still fill.
  uint64_t free = 0;
};

// Paths are relative to the Disk's root folder, with '/' between names; "" is the root.
class Disk {
 public:
  virtual ~Disk() = default;

  virtual void Open(std::string path, OpenMode mode,
                    Callback<void(Result<std::shared_ptr<File>>)> done) = 0;
  // Makes a folder, and those above it; one that exists is no error.
  virtual void MakeFolder(std::string path, Callback<void(Result<void>)> done) = 0;
  // Names in a folder, sorted, files and folders alike.
  virtual void List(std::string path, Callback<void(Result<std::vector<std::string>>)> done) = 0;
  // Replaces what has the new name; atomic.
  virtual void Rename(std::string from, std::string to, Callback<void(Result<void>)> done) = 0;
  // A file, or a folder with all that is in it. What does not exist is no error.
  virtual void Remove(std::string path, Callback<void(Result<void>)> done) = 0;
  // As File::Sync, never kFull.
  virtual void SyncFolder(std::string path, Callback<void(Result<void>)> done) = 0;
  // How much room there is; old news as soon as it is told.
  virtual void Measure(Callback<void(Result<Space>)> done) = 0;
};

}  // namespace weir::host
