// SPDX-License-Identifier: Apache-2.0
// The disk's operations as this folder's coroutines await them; errors name the file.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/host/disk.h"
#include "common/host/strand.h"
#include "common/host/task.h"

namespace weir::log {

using FilePointer = std::shared_ptr<host::File>;

inline host::Task<Result<FilePointer>> OpenFile(host::Disk& disk, std::string path,
                                                host::OpenMode mode) {
  auto opened = co_await host::Await<Result<FilePointer>>(
      [&](auto done) { disk.Open(path, mode, std::move(done)); });
  if (!opened) co_return std::unexpected(opened.error().While("opening " + path));
  co_return std::move(*opened);
}

inline host::Task<Result<uint64_t>> SizeOfFile(FilePointer file) {
  co_return co_await host::Await<Result<uint64_t>>([&](auto done) { file->Size(std::move(done)); });
}

inline host::Task<Result<Bytes>> ReadFile(FilePointer file, uint64_t offset, size_t length) {
  co_return co_await host::Await<Result<Bytes>>(
      [&](auto done) { file->Read(offset, length, std::move(done)); });
}

inline host::Task<Result<void>> WriteFile(FilePointer file, uint64_t offset, Pieces pieces) {
  co_return co_await host::Await<Result<void>>(
      [&](auto done) { file->Write(offset, std::move(pieces), std::move(done)); });
}

inline host::Task<Result<void>> WriteFileSynced(FilePointer file, uint64_t offset, Pieces pieces) {
  co_return co_await host::Await<Result<void>>(
      [&](auto done) { file->WriteSynced(offset, std::move(pieces), std::move(done)); });
}

inline host::Task<Result<void>> SyncFile(FilePointer file) {
  co_return co_await host::Await<Result<void>>([&](auto done) { file->Sync(std::move(done)); });
}

inline host::Task<Result<void>> TruncateFile(FilePointer file, uint64_t size) {
  co_return co_await host::Await<Result<void>>(
      [&](auto done) { file->Truncate(size, std::move(done)); });
}

inline host::Task<Result<void>> RemovePath(host::Disk& disk, std::string path) {
  auto removed =
      co_await host::Await<Result<void>>([&](auto done) { disk.Remove(path, std::move(done)); });
  if (!removed) co_return std::unexpected(removed.error().While("removing " + path));
  co_return Result<void>();
}

inline host::Task<Result<void>> RenamePath(host::Disk& disk, std::string from, std::string to) {
  auto renamed = co_await host::Await<Result<void>>(
      [&](auto done) { disk.Rename(from, to, std::move(done)); });
  if (!renamed) co_return std::unexpected(renamed.error().While("renaming " + from));
  co_return Result<void>();
}

inline host::Task<Result<void>> SyncFolderNames(host::Disk& disk, std::string path) {
  auto synced = co_await host::Await<Result<void>>(
      [&](auto done) { disk.SyncFolder(path, std::move(done)); });
  if (!synced) co_return std::unexpected(synced.error().While("syncing folder " + path));
  co_return Result<void>();
}

// Makes the folder and those above it, and syncs their names.
inline host::Task<Result<void>> MakeFolderSynced(host::Disk& disk, std::string path) {
  auto made = co_await host::Await<Result<void>>(
      [&](auto done) { disk.MakeFolder(path, std::move(done)); });
  if (!made) co_return std::unexpected(made.error().While("making folder " + path));
  while (!path.empty()) {
    size_t slash = path.rfind('/');
    path = slash == std::string::npos ? "" : path.substr(0, slash);
    auto synced = co_await SyncFolderNames(disk, path);
    if (!synced) co_return synced;
  }
  co_return Result<void>();
}

inline host::Task<Result<Bytes>> ReadWholeFile(host::Disk& disk, std::string path) {
  // Most files that are read whole are small: their size need not be asked for.
  constexpr size_t kSmallBytes = 16 << 10;
  auto file = co_await OpenFile(disk, path, host::OpenMode::kRead);
  if (!file) co_return std::unexpected(file.error());
  auto bytes = co_await ReadFile(*file, 0, kSmallBytes);
  if (bytes && bytes->size() == kSmallBytes) {
    auto size = co_await SizeOfFile(*file);
    if (!size) co_return std::unexpected(size.error().While("reading " + path));
    bytes = co_await ReadFile(*file, 0, *size);
  }
  if (!bytes) co_return std::unexpected(bytes.error().While("reading " + path));
  co_return std::move(*bytes);
}

enum class Durability { kCached, kSynced };

// The file holds `text` and nothing else.
inline host::Task<Result<void>> WriteWholeFile(host::Disk& disk, std::string path, std::string text,
                                               Durability durability) {
  auto file = co_await OpenFile(disk, path, host::OpenMode::kCreate);
  if (!file) co_return std::unexpected(file.error());
  auto wrote = co_await TruncateFile(*file, 0);
  Pieces pieces = {Bytes::FromString(std::move(text))};
  if (wrote) wrote = co_await WriteFile(*file, 0, std::move(pieces));
  if (wrote && durability == Durability::kSynced) wrote = co_await SyncFile(*file);
  if (!wrote) co_return std::unexpected(wrote.error().While("writing " + path));
  co_return Result<void>();
}

// Lets everything run that was posted before.
inline host::Task<void> Turn(host::Strand& strand) {
  co_await host::AwaitDone([&](auto done) { strand.Post(std::move(done)); });
}

}  // namespace weir::log
