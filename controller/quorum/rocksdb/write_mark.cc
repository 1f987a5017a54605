// SPDX-License-Identifier: Apache-2.0
#include "controller/quorum/rocksdb/write_mark.h"

#include <algorithm>
#include <optional>

#include "common/codec/crc32c.h"
#include "common/codec/reader.h"
#include "common/codec/writer.h"
#include "controller/quorum/rocksdb/status.h"

namespace weir::quorum {
namespace {

constexpr std::string_view kMagic = "weirmark";
constexpr size_t kSlotBytes = 20;
// Each write takes the other one of two, in blocks of their own: the one before it stays whole.
constexpr uint64_t kSlotApart = 4096;

std::string Slot(uint64_t write) {
  std::string slot(kMagic);
  codec::Writer out(&slot);
  out.Fixed(write);
  out.Fixed(codec::Crc32c(slot));
  return slot;
}

std::optional<uint64_t> WriteIn(std::string_view slot) {
  codec::Reader in(slot);
  if (in.Run(kMagic.size()) != kMagic) return std::nullopt;
  auto write = in.Fixed<uint64_t>();
  auto sum = in.Fixed<uint32_t>();
  if (in.failed() || sum != codec::Crc32c(slot.substr(0, kSlotBytes - 4))) return std::nullopt;
  return write;
}

}  // namespace

Result<uint64_t> WriteMark::Open() {
  const rocksdb::IOOptions options;
  was_lost_ = true;
  const bool is_new = !files_->FileExists(path_, options, nullptr).ok();
  if (is_new) {
    if (auto made = Make(); !made) return std::unexpected(made.error());
  }
  auto opened = files_->NewRandomRWFile(path_, {}, &file_, nullptr);
  if (!opened.ok()) return std::unexpected(FromStatus(opened, "opening " + path_));
  uint64_t highest = 0;
  for (uint64_t at : {uint64_t{0}, kSlotApart}) {
    char scratch[kSlotBytes] = {};
    rocksdb::Slice slot;
    auto read = file_->Read(at, kSlotBytes, options, &slot, scratch, nullptr);
    if (!read.ok()) return std::unexpected(FromStatus(read, "reading " + path_));
    auto write = WriteIn(slot.ToStringView());
    was_lost_ = was_lost_ && (is_new || !write);
    highest = std::max(highest, write.value_or(0));
  }
  return highest;
}

// Both slots, so that no later write makes the file longer, and its name, and so its folder's: what
// the log acknowledges lies in a folder beside it.
Result<void> WriteMark::Make() {
  const rocksdb::IOOptions options;
  std::unique_ptr<rocksdb::FSWritableFile> file;
  auto done = files_->NewWritableFile(path_, {}, &file, nullptr);
  std::string both = Slot(0);
  both.resize(kSlotApart);
  both += Slot(0);
  if (done.ok()) done = file->Append(both, options, nullptr);
  if (done.ok()) done = file->Fsync(options, nullptr);
  if (done.ok()) done = file->Close(options, nullptr);
  if (!done.ok()) return std::unexpected(FromStatus(done, "making " + path_));
  return SyncFolder(*files_, FolderOf(path_));
}

Result<void> WriteMark::Raise(uint64_t write) {
  auto wrote = file_->Write((write % 2) * kSlotApart, Slot(write), {}, nullptr);
  if (!wrote.ok()) return std::unexpected(FromStatus(wrote, "writing " + path_));
  ++unsynced_;
  return {};
}

Result<void> WriteMark::Sync() {
  if (unsynced_ == 0) return {};
  auto synced = file_->Sync({}, nullptr);
  if (!synced.ok()) return std::unexpected(FromStatus(synced, "syncing " + path_));
  unsynced_ = 0;
  return {};
}

}  // namespace weir::quorum
