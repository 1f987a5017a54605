// SPDX-License-Identifier: Apache-2.0
#include "storage/log/folder.h"

#include <glog/logging.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "storage/log/files.h"
#include "storage/log/format/epoch_checkpoint.h"
#include "storage/log/format/partition_metadata.h"
#include "storage/log/scan.h"

namespace weir::log {
namespace {

class Tidying {
 public:
  Tidying(host::Disk& disk, std::string path) : disk_(disk) { found_.path = std::move(path); }

  host::Task<Result<Folder>> Run();

 private:
  std::string Path(const FileName& name) const { return found_.Path(name.ToString()); }
  void Sort(const std::vector<std::string>& names);
  host::Task<Result<void>> LoadCheckpoint();
  host::Task<Result<void>> FinishSwaps();
  host::Task<Result<void>> ForgetSwaps();
  host::Task<Result<void>> FinishSwap(Offset base, Offset end);
  host::Task<Result<Offset>> EndOf(const FileName& records);
  host::Task<Result<void>> DropDeleted();
  host::Task<Result<void>> DropLeftovers();
  bool IsReplaced(Offset base) const;

  host::Disk& disk_;
  Folder found_;
  std::vector<FileName> names_;
  std::set<Offset> swaps_;
};

host::Task<Result<Folder>> Tidying::Run() {
  auto names = co_await host::Await<Result<std::vector<std::string>>>(
      [&](auto done) { disk_.List(found_.path, std::move(done)); });
  if (!names && names.error().kind == Error::Kind::kNotFound) co_return std::move(found_);
  if (!names) co_return std::unexpected(names.error().While("listing " + found_.path));
  found_.exists = true;
  Sort(*names);
  auto done = co_await LoadCheckpoint();
  if (done) done = co_await FinishSwaps();
  if (done) done = co_await DropDeleted();
  if (done) done = co_await DropLeftovers();
  if (!done) co_return std::unexpected(done.error());
  co_return std::move(found_);
}

void Tidying::Sort(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    found_.has_checkpoint_file |= name == kCheckpointName;
    found_.has_epochs |= name == kEpochCheckpointName;
    found_.has_metadata |= name == kPartitionMetadataName;
    auto parsed = FileName::Parse(name);
    if (!parsed) continue;
    names_.push_back(*parsed);
    const bool is_plain = parsed->stage == FileStage::kPlain;
    const bool is_records = parsed->kind == FileKind::kRecords;
    if (is_plain && is_records) found_.bases.insert(parsed->offset);
    if (is_plain && parsed->kind == FileKind::kProducers) found_.snapshots.insert(parsed->offset);
    if (is_records && parsed->stage == FileStage::kSwap) swaps_.insert(parsed->offset);
  }
}

host::Task<Result<void>> Tidying::LoadCheckpoint() {
  if (!found_.has_checkpoint_file) co_return Result<void>();
  auto bytes = co_await ReadWholeFile(disk_, found_.Path(kCheckpointName));
  if (!bytes) co_return std::unexpected(bytes.error());
  found_.checkpoint = Checkpoint::Decode(bytes->view());
  if (!found_.checkpoint) {
    LOG(WARNING) << found_.Path(kCheckpointName) << " is damaged; scanning the whole log";
  }
  co_return Result<void>();
}

// Where the checkpoint names it, a swap has happened. A folder without one is as Kafka left it:
// there, the file itself says so.
host::Task<Result<void>> Tidying::FinishSwaps() {
  Result<void> done;
  if (found_.checkpoint) {
    for (const Checkpoint::File& file : found_.checkpoint->files) {
      if (!file.is_swap || !swaps_.contains(file.fold.base)) continue;
      done = co_await FinishSwap(file.fold.base, file.fold.end);
      if (!done) co_return done;
    }
    co_return co_await ForgetSwaps();
  }
  for (Offset base : std::set<Offset>(swaps_)) {
    auto end = co_await EndOf(FileName{base, FileKind::kRecords, FileStage::kSwap});
    if (!end) co_return std::unexpected(end.error());
    done = co_await FinishSwap(base, *end);
    if (!done) co_return done;
  }
  co_return done;
}

// Lest another one of the same segment be taken for it.
host::Task<Result<void>> Tidying::ForgetSwaps() {
  bool has_swap = false;
  for (Checkpoint::File& file : found_.checkpoint->files) {
    has_swap = has_swap || std::exchange(file.is_swap, false);
  }
  if (!has_swap) co_return Result<void>();
  std::string path = found_.Path(kCheckpointName);
  auto wrote = co_await WriteWholeFile(disk_, path + ".new", found_.checkpoint->Encode(),
                                       Durability::kSynced);
  if (wrote) wrote = co_await RenamePath(disk_, path + ".new", path);
  if (wrote) wrote = co_await SyncFolderNames(disk_, found_.path);
  co_return wrote;
}

host::Task<Result<void>> Tidying::FinishSwap(Offset base, Offset end) {
  for (Offset old : std::set<Offset>(found_.bases)) {
    if (old <= base || old >= end) continue;
    if (auto removed = co_await RemovePath(disk_, Path(FileName{old})); !removed) {
      co_return removed;
    }
    found_.bases.erase(old);
  }
  auto done = co_await RenamePath(disk_, Path(FileName{base, FileKind::kRecords, FileStage::kSwap}),
                                  Path(FileName{base}));
  if (done) done = co_await SyncFolderNames(disk_, found_.path);
  found_.bases.insert(base);
  swaps_.erase(base);
  std::erase(names_, FileName{base, FileKind::kRecords, FileStage::kSwap});
  co_return done;
}

host::Task<Result<Offset>> Tidying::EndOf(const FileName& records) {
  std::string path = Path(records);
  Offset end = records.offset + 1;
  auto file = co_await OpenFile(disk_, path, host::OpenMode::kRead);
  if (!file) co_return std::unexpected(file.error());
  auto size = co_await SizeOfFile(*file);
  if (!size) co_return std::unexpected(size.error().While("reading " + path));
  auto scanned = co_await Scan(*file, path, 0, *size, records::BatchRun::Check::kHeaders,
                               [&](const records::BatchHeader& header, uint64_t) -> std::string {
                                 end = std::max(end, header.end_offset());
                                 return "";
                               });
  if (!scanned) co_return std::unexpected(scanned.error());
  co_return end;
}

// A file covers what it replaced, up to its end.
bool Tidying::IsReplaced(Offset base) const {
  return std::ranges::any_of(found_.checkpoint->files, [&](const Checkpoint::File& file) {
    return file.fold.base < base && base < file.fold.end;
  });
}

// Files whose end had begun, and whose names came back with a crash.
host::Task<Result<void>> Tidying::DropDeleted() {
  if (!found_.checkpoint) co_return Result<void>();
  const Checkpoint& checkpoint = *found_.checkpoint;
  for (Offset base : std::set<Offset>(found_.bases)) {
    if (found_.Listed(base)) continue;
    auto next = found_.bases.upper_bound(base);
    // What is unlisted below the start goes, unless it is the one that holds it.
    const bool is_passed = base < checkpoint.start && base < checkpoint.end;
    const bool ends_below = next != found_.bases.end() && *next <= checkpoint.start;
    if (!is_passed && !ends_below && !IsReplaced(base)) continue;
    auto removed = co_await RemovePath(disk_, Path(FileName{base}));
    if (!removed) co_return removed;
    found_.bases.erase(base);
  }
  co_return Result<void>();
}

host::Task<Result<void>> Tidying::DropLeftovers() {
  for (const FileName& name : names_) {
    const bool is_index = name.kind == FileKind::kOffsetIndex || name.kind == FileKind::kTimeIndex;
    const bool is_orphan = is_index && !found_.bases.contains(name.offset);
    if (name.stage == FileStage::kPlain && !is_orphan) continue;
    if (auto removed = co_await RemovePath(disk_, Path(name)); !removed) co_return removed;
  }
  co_return Result<void>();
}

}  // namespace

const Checkpoint::File* Folder::Listed(Offset base) const {
  if (!checkpoint) return nullptr;
  auto at = std::ranges::lower_bound(checkpoint->files, base, {},
                                     [](const Checkpoint::File& file) { return file.fold.base; });
  return at != checkpoint->files.end() && at->fold.base == base ? &*at : nullptr;
}

host::Task<Result<Folder>> TidyFolder(host::Disk& disk, std::string path) {
  Tidying tidying(disk, std::move(path));
  co_return co_await tidying.Run();
}

}  // namespace weir::log
