// SPDX-License-Identifier: Apache-2.0
#include "storage/log/recovery.h"

#include <glog/logging.h>

#include <algorithm>
#include <set>

#include "common/base/planted_bug.h"
#include "common/codec/crc32c.h"
#include "storage/log/files.h"
#include "storage/log/scan.h"

namespace weir::log {
namespace {

using records::BatchHeader;
using records::BatchRun;

std::string Number(int64_t value) { return std::to_string(value); }

std::unexpected<Error> Corrupt(std::string message) {
  return Fail(Error::Kind::kCorrupt, std::move(message));
}

// One folder's recovery; lives in the frame of Recover.
class Recovery {
 public:
  Recovery(host::Disk& disk, std::string folder) : disk_(disk), folder_(std::move(folder)) {}

  host::Task<Result<Recovered>> Run();

 private:
  std::string Path(std::string_view name) const { return folder_ + "/" + std::string(name); }
  host::Task<Result<void>> LoadCheckpoint();
  host::Task<Result<void>> DropBelowStart();
  Result<void> CompareWithCheckpoint() const;
  host::Task<Result<void>> TakeSegment(Offset base, bool is_last);
  host::Task<Result<void>> LoadIndex(const Checkpoint::File& file, FilePointer records,
                                     Segment& segment);
  host::Task<Result<void>> RebuildIndex(FilePointer records, Segment& segment);
  // Scans what lies above the last clean point.
  host::Task<Result<ScanEnd>> Fold(FilePointer records, uint64_t file_bytes, Segment& segment);
  host::Task<Result<void>> CutTail(Segment& segment);
  std::string Take(const BatchHeader& header, uint64_t position, Segment& segment);

  host::Disk& disk_;
  const std::string folder_;
  std::set<Offset> bases_;
  bool has_checkpoint_file_ = false;
  std::optional<Checkpoint> checkpoint_;
  Recovered found_;
};

host::Task<Result<Recovered>> Recovery::Run() {
  auto names = co_await host::Await<Result<std::vector<std::string>>>(
      [&](auto done) { disk_.List(folder_, std::move(done)); });
  if (!names && names.error().kind == Error::Kind::kNotFound) co_return std::move(found_);
  if (!names) co_return std::unexpected(names.error().While("listing " + folder_));
  found_.has_folder = true;
  for (const std::string& name : *names) {
    if (auto base = ParseRecordsName(name)) bases_.insert(*base);
    if (name == kCheckpointName) has_checkpoint_file_ = true;
  }
  auto done = co_await LoadCheckpoint();
  if (done) done = co_await DropBelowStart();
  if (done) done = CompareWithCheckpoint();
  if (!done) co_return std::unexpected(done.error());
  for (Offset base : bases_) {
    done = co_await TakeSegment(base, base == *bases_.rbegin());
    if (!done) co_return std::unexpected(done.error());
  }
  co_return std::move(found_);
}

host::Task<Result<void>> Recovery::LoadCheckpoint() {
  if (!bases_.empty()) found_.start = found_.end = *bases_.begin();
  if (!has_checkpoint_file_) co_return Result<void>();
  auto bytes = co_await ReadWholeFile(disk_, Path(kCheckpointName));
  if (!bytes) co_return std::unexpected(bytes.error());
  checkpoint_ = Checkpoint::Decode(bytes->view());
  if (!checkpoint_) {
    // The records themselves hold all that it held, but for where an empty log begins.
    if (bases_.empty()) co_return Corrupt(Path(kCheckpointName) + " is damaged");
    LOG(WARNING) << Path(kCheckpointName) << " is damaged; scanning the whole log";
    co_return Result<void>();
  }
  found_.start = checkpoint_->start;
  found_.end = checkpoint_->end;
  found_.epochs = checkpoint_->epochs;
  found_.producers = checkpoint_->producers;
  found_.checkpoint_end = checkpoint_->end;
  co_return Result<void>();
}

host::Task<Result<void>> Recovery::DropBelowStart() {
  while (!bases_.empty() && *bases_.begin() < found_.start) {
    if (std::ranges::any_of(checkpoint_->files,
                            [&](const auto& file) { return file.base == *bases_.begin(); })) {
      break;  // It holds the start.
    }
    Offset base = *bases_.begin();
    auto removed = co_await RemovePath(disk_, Path(IndexName(base)));
    if (removed) removed = co_await RemovePath(disk_, Path(RecordsName(base)));
    if (!removed) co_return removed;
    bases_.erase(base);
  }
  co_return Result<void>();
}

Result<void> Recovery::CompareWithCheckpoint() const {
  if (!checkpoint_) return {};
  std::set<Offset> listed;
  for (const Checkpoint::File& file : checkpoint_->files) {
    listed.insert(file.base);
    if (!bases_.contains(file.base)) {
      return Corrupt(Path(RecordsName(file.base)) + " is missing; the checkpoint beside it says " +
                     "that it has " + std::to_string(file.bytes) + " bytes");
    }
  }
  for (Offset base : bases_) {
    if (base < checkpoint_->end && !listed.contains(base)) {
      return Corrupt(Path(RecordsName(base)) + " is no part of the log, which has other files " +
                     "up to offset " + Number(checkpoint_->end.value()));
    }
  }
  return {};
}

host::Task<Result<void>> Recovery::TakeSegment(Offset base, bool is_last) {
  std::string path = Path(RecordsName(base));
  auto records = co_await OpenFile(disk_, path, host::OpenMode::kRead);
  if (!records) co_return std::unexpected(records.error());
  auto size = co_await SizeOfFile(*records);
  if (!size) co_return std::unexpected(size.error().While("reading " + path));
  Segment segment(base);
  const Checkpoint::File* clean = nullptr;
  if (checkpoint_) {
    for (const auto& file : checkpoint_->files) clean = file.base == base ? &file : clean;
  }
  if (clean) {
    if (*size < clean->bytes) {
      co_return Corrupt(path + " ends at position " + std::to_string(*size) + "; it had " +
                        std::to_string(clean->bytes) + " bytes when it was synced");
    }
    auto loaded = co_await LoadIndex(*clean, *records, segment);
    if (!loaded) co_return loaded;
    // Only the last of the clean files may have grown since.
    if (clean != &checkpoint_->files.back()) {
      found_.segments.push_back(std::move(segment));
      co_return Result<void>();
    }
  } else if (base != found_.end) {
    co_return Corrupt(path + " begins at offset " + Number(base.value()) +
                      ", and the file before it ends at " + Number(found_.end.value()));
  }
  uint64_t clean_bytes = segment.bytes;
  auto end = co_await Fold(*records, *size, segment);
  if (!end) co_return std::unexpected(end.error());
  segment.bytes = end->position;
  if (!is_last) {
    // A file is synced before its successor is made: this is no torn tail.
    if (!end->fault.empty()) {
      co_return Corrupt(path + " is damaged at position " + std::to_string(end->position) + ": " +
                        end->fault);
    }
    auto wrote = co_await WriteIndex(disk_, folder_, segment);
    if (!wrote) co_return wrote;
  } else if (*size > clean_bytes || segment.bytes == 0) {
    auto cut = co_await CutTail(segment);
    if (!cut) co_return cut;
    if (segment.bytes == 0) co_return Result<void>();
  }
  found_.segments.push_back(std::move(segment));
  co_return Result<void>();
}

host::Task<Result<void>> Recovery::LoadIndex(const Checkpoint::File& file, FilePointer records,
                                             Segment& segment) {
  segment.bytes = file.bytes;
  auto bytes = co_await ReadWholeFile(disk_, Path(IndexName(file.base)));
  if (!bytes && bytes.error().kind != Error::Kind::kNotFound) {
    co_return std::unexpected(bytes.error());
  }
  if (bytes && codec::Crc32c(bytes->view()) == file.index_checksum) {
    if (auto index = OffsetIndex::Decode(file.base, bytes->view(), file.bytes)) {
      segment.index = std::move(*index);
      segment.index_checksum = file.index_checksum;
      co_return Result<void>();
    }
  }
  co_return co_await RebuildIndex(records, segment);
}

host::Task<Result<void>> Recovery::RebuildIndex(FilePointer records, Segment& segment) {
  std::string path = Path(RecordsName(segment.base));
  Offset next = segment.base;
  auto end = co_await Scan(records, path, 0, segment.bytes, BatchRun::Check::kHeaders,
                           [&](const BatchHeader& header, uint64_t position) -> std::string {
                             if (header.base_offset < next) return "its offset goes back";
                             next = header.end_offset();
                             segment.index.Told(header.last_offset(), position, header.size());
                             return "";
                           });
  if (!end) co_return std::unexpected(end.error());
  if (!end->fault.empty()) {
    co_return Corrupt(path + " is damaged at position " + std::to_string(end->position) + ": " +
                      end->fault);
  }
  co_return co_await WriteIndex(disk_, folder_, segment);
}

host::Task<Result<ScanEnd>> Recovery::Fold(FilePointer records, uint64_t file_bytes,
                                           Segment& segment) {
  co_return co_await Scan(records, Path(RecordsName(segment.base)), segment.bytes, file_bytes,
                          BatchRun::Check::kChecksums,
                          [&](const BatchHeader& header, uint64_t position) {
                            return Take(header, position, segment);
                          });
}

std::string Recovery::Take(const BatchHeader& header, uint64_t position, Segment& segment) {
  if (header.base_offset != found_.end) {
    return "a batch begins at offset " + Number(header.base_offset.value()) + ", and the next is " +
           Number(found_.end.value());
  }
  if (header.leader_epoch < found_.epochs.latest().value_or(LeaderEpoch(0))) {
    return "a batch has leader epoch " + Number(header.leader_epoch.value()) +
           ", which is below that of the batch before it";
  }
  segment.index.Told(header.last_offset(), position, header.size());
  found_.epochs.Assign(header.leader_epoch, header.base_offset);
  if (!PLANTED_BUG("log: recovery forgets producers")) found_.producers.Apply(header);
  found_.end = header.end_offset();
  return "";
}

// What was found may be in the page cache alone, and what is cut must not come back.
host::Task<Result<void>> Recovery::CutTail(Segment& segment) {
  std::string path = Path(RecordsName(segment.base));
  if (segment.bytes == 0) {
    auto removed = co_await RemovePath(disk_, path);
    if (removed) removed = co_await RemovePath(disk_, Path(IndexName(segment.base)));
    if (removed) removed = co_await SyncFolderNames(disk_, folder_);
    co_return removed;
  }
  auto file = co_await OpenFile(disk_, path, host::OpenMode::kWrite);
  if (!file) co_return std::unexpected(file.error());
  auto cut = co_await TruncateFile(*file, segment.bytes);
  if (cut && PLANTED_BUG("log: what is found counts as synced")) co_return cut;
  if (cut) cut = co_await SyncFile(*file);
  if (!cut) co_return std::unexpected(cut.error().While("cutting the torn tail of " + path));
  co_return Result<void>();
}

}  // namespace

host::Task<Result<Recovered>> Recover(host::Disk& disk, std::string folder) {
  Recovery recovery(disk, std::move(folder));
  co_return co_await recovery.Run();
}

host::Task<Result<void>> WriteIndex(host::Disk& disk, std::string folder, Segment& segment) {
  std::string bytes = segment.index.Encode();
  segment.index_checksum = codec::Crc32c(bytes);
  co_return co_await WriteWholeFile(disk, folder + "/" + IndexName(segment.base), std::move(bytes),
                                    Durability::kCached);
}

}  // namespace weir::log
