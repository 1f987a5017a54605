// SPDX-License-Identifier: Apache-2.0
#include "storage/log/recovery.h"

#include <glog/logging.h>

#include <algorithm>
#include <utility>

#include "common/base/planted_bug.h"
#include "storage/log/files.h"
#include "storage/log/folder.h"
#include "storage/log/format/partition_metadata.h"
#include "storage/log/producer_snapshot.h"
#include "storage/log/rot.h"
#include "storage/log/scan.h"

namespace weir::log {
namespace {

using records::BatchHeader;
using records::BatchRun;

std::string Number(int64_t value) { return std::to_string(value); }

std::unexpected<Error> Corrupt(std::string message) {
  return Fail(Error::Kind::kCorrupt, std::move(message));
}

// Where a sync has failed, the page cache still shows what it did not store, and the kernel does
// not try again: a later sync stores only what is written anew.
host::Task<Result<void>> WriteAgain(FilePointer file, uint64_t from, uint64_t to) {
  constexpr uint64_t kPieceBytes = 1 << 20;
  while (from < to) {
    auto piece = co_await ReadFile(file, from, std::min(kPieceBytes, to - from));
    if (!piece) co_return std::unexpected(piece.error());
    if (piece->empty()) co_return Fail(Error::Kind::kIo, "the file has become shorter");
    const uint64_t size = piece->size();
    auto wrote = co_await WriteFile(file, from, Pieces(1, std::move(*piece)));
    if (!wrote) co_return wrote;
    from += size;
  }
  co_return Result<void>();
}

// One folder's recovery; lives in the frame of Recover.
class Recovery {
 public:
  Recovery(host::Disk& disk, LogOptions options, std::optional<Offset> put_back_from)
      : disk_(disk), options_(options), put_back_from_(put_back_from) {}

  host::Task<Result<Recovered>> Run(std::string path);

 private:
  std::string RecordsPath(Offset base) const { return folder_.Path(RecordsName(base)); }
  host::Task<Result<void>> CheckTopic();
  host::Task<Result<void>> LoadEpochs();
  host::Task<Result<void>> LoadProducers();
  host::Task<Result<void>> TakeSegments();
  host::Task<Result<void>> TakeClean(Checkpoint::File file);
  host::Task<Result<void>> TakeGrown(Offset base, Offset next);
  // Brings folds that are not known up to the recovery point.
  host::Task<Result<void>> Refold(SegmentPointer segment);
  void AddDamage(Damage damage);
  host::Task<Result<void>> TakeMissing(Checkpoint::File file);
  Result<void> TakeGap(Offset base);
  host::Task<Result<ScanEnd>> ScanGrown(FilePointer records, uint64_t size, SegmentPointer segment);
  // Passes over what is damaged, for as long as whole batches follow upon it.
  host::Task<Result<ScanEnd>> PassRot(FilePointer records, uint64_t size, SegmentPointer segment,
                                      ScanEnd end, bool is_last);
  std::string Take(const BatchHeader& header, Segment& segment);
  host::Task<Result<void>> CutTail(SegmentPointer segment, uint64_t clean_bytes);
  host::Task<Result<void>> DropAll();
  host::Task<Result<void>> DropSnapshotsAbove(Offset end);
  Offset recovery_point() const {
    return folder_.checkpoint ? folder_.checkpoint->end : found_.start;
  }

  host::Disk& disk_;
  const LogOptions options_;
  const std::optional<Offset> put_back_from_;
  Folder folder_;
  Recovered found_;
  // What is to be folded again from the records below the recovery point: epochs all, producers
  // from their snapshot on.
  bool refolds_epochs_ = false;
  Offset producers_from_;
};

host::Task<Result<Recovered>> Recovery::Run(std::string path) {
  auto folder = co_await TidyFolder(disk_, std::move(path));
  if (!folder) co_return std::unexpected(folder.error());
  folder_ = std::move(*folder);
  if (!folder_.exists) co_return std::move(found_);
  found_.has_folder = folder_.has_metadata || !options_.topic;
  const auto& checkpoint = folder_.checkpoint;
  if (checkpoint) {
    found_.start = checkpoint->start;
    for (const Damage& damage : checkpoint->damages) AddDamage(damage);
  } else if (!folder_.bases.empty()) {
    found_.start = *folder_.bases.begin();
  } else if (folder_.has_checkpoint_file) {
    // Where an empty log begins is known from nothing else.
    co_return Corrupt(folder_.Path(kCheckpointName) + " is damaged");
  }
  auto done = co_await CheckTopic();
  if (done) done = co_await LoadEpochs();
  if (done) done = co_await LoadProducers();
  if (done) done = co_await TakeSegments();
  // Offsets may be given that no record has: where a log was cut within a gap.
  if (checkpoint) found_.end = std::max(found_.end, checkpoint->end);
  // What is cut off at the end, or never was below the recovery point, must not be found again.
  if (done) done = co_await DropSnapshotsAbove(recovery_point());
  if (done && found_.end < found_.start) done = co_await DropAll();
  if (!done) co_return std::unexpected(done.error());
  found_.epochs.DropBefore(found_.start);
  found_.checkpoint = folder_.checkpoint;
  found_.snapshots = folder_.snapshots;
  co_return std::move(found_);
}

host::Task<Result<void>> Recovery::CheckTopic() {
  if (!folder_.has_metadata || !options_.topic) co_return Result<void>();
  auto bytes = co_await ReadWholeFile(disk_, folder_.Path(kPartitionMetadataName));
  if (!bytes) co_return std::unexpected(bytes.error());
  auto topic = DecodePartitionMetadata(bytes->view());
  // Its first writing may have been cut short by a crash; then it is written again.
  if (!topic) found_.has_folder = false;
  if (!topic || *topic == *options_.topic) co_return Result<void>();
  co_return Corrupt(folder_.path + " holds records of topic " + topic->ToString() + ", not of " +
                    options_.topic->ToString());
}

host::Task<Result<void>> Recovery::LoadEpochs() {
  refolds_epochs_ = true;
  // Without a recovery point all is scanned anyway.
  if (!folder_.checkpoint) co_return Result<void>();
  std::optional<LeaderEpochs> saved;
  if (folder_.has_epochs) {
    auto bytes = co_await ReadWholeFile(disk_, folder_.Path(kEpochCheckpointName));
    if (!bytes) co_return std::unexpected(bytes.error());
    saved = DecodeEpochCheckpoint(bytes->view());
  }
  if (!saved && !folder_.checkpoint->files.empty()) {
    LOG(WARNING) << folder_.Path(kEpochCheckpointName)
                 << " is missing or damaged; making it from the records";
    co_return Result<void>();
  }
  refolds_epochs_ = false;
  if (!saved) co_return Result<void>();
  found_.saved_epochs = *saved;
  found_.epochs = std::move(*saved);
  // What it says of later offsets may have been cut.
  found_.epochs.TruncateTo(recovery_point() + 1);
  co_return Result<void>();
}

// From the last snapshot that tells of no more than is below the recovery point.
host::Task<Result<void>> Recovery::LoadProducers() {
  Offset most = recovery_point();
  for (auto at = folder_.snapshots.upper_bound(most); at != folder_.snapshots.begin();) {
    const Offset end = *--at;
    auto bytes = co_await ReadWholeFile(disk_, folder_.Path(SnapshotName(end)));
    if (!bytes) co_return std::unexpected(bytes.error());
    auto producers = DecodeProducerSnapshot(bytes->view(), end);
    if (!producers) {
      LOG(WARNING) << folder_.Path(SnapshotName(end)) << " is damaged; taking an older one";
      continue;
    }
    found_.producers = std::move(*producers);
    producers_from_ = end;
    co_return Result<void>();
  }
  co_return Result<void>();
}

host::Task<Result<void>> Recovery::TakeSegments() {
  std::vector<Checkpoint::File> listed;
  if (folder_.checkpoint) listed = folder_.checkpoint->files;
  for (const Checkpoint::File& file : listed) {
    if (!folder_.bases.contains(file.fold.base)) {
      if (auto made = co_await TakeMissing(file); !made) co_return made;
    }
    if (auto taken = co_await TakeClean(file); !taken) co_return taken;
  }
  if (!listed.empty()) found_.end = std::max(found_.end, recovery_point());
  // The last of the clean files may have grown, and others may have come.
  const Offset last = listed.empty() ? Offset(-1) : listed.back().fold.base;
  for (Offset base : std::set<Offset>(folder_.bases)) {
    if (base < last) {
      if (folder_.Listed(base)) continue;
      co_return Corrupt(RecordsPath(base) + " is no part of the log, which has other files up to " +
                        "offset " + Number(recovery_point().value()));
    }
    auto after = folder_.bases.upper_bound(base);
    Offset next = after == folder_.bases.end() ? Offset::Max() : *after;
    if (auto taken = co_await TakeGrown(base, next); !taken) co_return taken;
  }
  co_return Result<void>();
}

void Recovery::AddDamage(Damage damage) {
  damage.from = std::max(damage.from, found_.start);
  if (damage.from >= damage.to) return;
  for (const Damage& known : found_.damages) {
    if (known.from <= damage.from && damage.to <= known.to) return;
  }
  LOG(ERROR) << damage.file << " is damaged at position " << damage.position << ", offsets "
             << damage.from << " to " << damage.to << ": " << damage.what;
  found_.damages.push_back(std::move(damage));
}

// It is made again, empty: what it held has its place, for whoever has it elsewhere.
host::Task<Result<void>> Recovery::TakeMissing(Checkpoint::File file) {
  const SegmentFold fold = file.fold;
  std::string path = RecordsPath(fold.base);
  AddDamage(DamageAt(
      path, 0, fold.base, fold.end,
      "it is missing; it had " + std::to_string(fold.bytes) + " bytes when it was synced"));
  auto made = co_await OpenFile(disk_, std::move(path), host::OpenMode::kCreate);
  if (!made) co_return std::unexpected(made.error());
  folder_.bases.insert(fold.base);
  co_return co_await SyncFolderNames(disk_, folder_.path);
}

host::Task<Result<void>> Recovery::TakeClean(Checkpoint::File file) {
  auto segment = std::make_shared<Segment>(file);
  segment->created = file.written_at;
  if (auto refolded = co_await Refold(segment); !refolded) co_return refolded;
  found_.end = std::max(found_.end, file.fold.end);
  found_.segments.push_back(std::move(segment));
  co_return Result<void>();
}

host::Task<Result<void>> Recovery::Refold(SegmentPointer segment) {
  const SegmentFold fold = segment->file.fold;
  if (fold.bytes == 0 || (!refolds_epochs_ && fold.end <= producers_from_)) {
    co_return Result<void>();
  }
  std::string path = RecordsPath(fold.base);
  auto records = co_await OpenFile(disk_, path, host::OpenMode::kRead);
  if (!records) co_return std::unexpected(records.error());
  Offset next = fold.base;
  auto end = co_await Scan(*records, path, 0, fold.bytes, BatchRun::Check::kHeaders,
                           [&](const BatchHeader& header, uint64_t) -> std::string {
                             std::string fault = OutOfPlace(header, fold.base, next);
                             if (!fault.empty()) return fault;
                             if (header.end_offset() > fold.end)
                               return "it belongs to another file";
                             const auto latest = found_.epochs.latest();
                             if (refolds_epochs_ && latest && header.leader_epoch < *latest) {
                               return "its leader epoch is below that of the batch before it";
                             }
                             if (refolds_epochs_ && header.leader_epoch >= LeaderEpoch(0)) {
                               found_.epochs.Assign(header.leader_epoch, header.base_offset);
                             }
                             if (header.base_offset >= producers_from_) {
                               found_.producers.Apply(header);
                             }
                             next = header.end_offset();
                             return "";
                           });
  if (!end) co_return std::unexpected(end.error());
  if (!end->fault.empty()) {
    AddDamage(DamageAt(path, end->position, next, fold.end, end->fault));
  }
  co_return Result<void>();
}

// What lies between may be compacted away, or lost.
Result<void> Recovery::TakeGap(Offset base) {
  if (found_.segments.empty() && found_.end <= found_.start) {
    found_.end = base;
    return {};
  }
  if (base < found_.end) {
    return Corrupt(RecordsPath(base) + " begins at offset " + Number(base.value()) +
                   ", and the file before it ends at " + Number(found_.end.value()));
  }
  if (base > found_.end && folder_.checkpoint && !options_.compacted) {
    AddDamage(
        DamageAt(RecordsPath(base), 0, found_.end, base, "the records before it are missing"));
  }
  found_.end = base;
  return {};
}

// What lies above the recovery point.
host::Task<Result<void>> Recovery::TakeGrown(Offset base, Offset next) {
  const bool is_last = next == Offset::Max();
  SegmentPointer segment;
  if (folder_.Listed(base)) {
    segment = found_.segments.back();
    CHECK_EQ(segment->base(), base);
  } else {
    if (auto gap = TakeGap(base); !gap) co_return gap;
    segment = std::make_shared<Segment>(base);
  }
  std::string path = RecordsPath(base);
  auto records = co_await OpenFile(disk_, path, host::OpenMode::kRead);
  if (!records) co_return std::unexpected(records.error());
  auto size = co_await SizeOfFile(*records);
  if (!size) co_return std::unexpected(size.error().While("reading " + path));
  const uint64_t clean_bytes = segment->bytes();
  if (*size < clean_bytes) {
    found_.last_is_closed = is_last;
    AddDamage(DamageAt(path, *size, segment->base(), segment->end(),
                       "the file ends there; it had " + std::to_string(clean_bytes) +
                           " bytes when it was synced"));
    co_return Result<void>();
  }
  // A clean stop leaves nothing to scan.
  if (*size == clean_bytes && clean_bytes > 0) co_return Result<void>();
  const size_t known_damages = found_.damages.size();
  auto end = co_await ScanGrown(*records, *size, segment);
  if (end) end = co_await PassRot(*records, *size, segment, std::move(*end), is_last);
  if (!end) co_return std::unexpected(end.error());
  found_.scanned_bytes += *size - clean_bytes;
  const bool is_new = !folder_.Listed(base);
  if (!is_last) {
    // A file is synced before its successor is made: this is no torn tail.
    if (!end->fault.empty()) {
      AddDamage(DamageAt(path, end->position, found_.end, next, end->fault));
      segment->file.fold.bytes = *size;
      segment->file.fold.end = found_.end = std::max(found_.end, next);
    }
    segment->file.fold.Finish(*segment->indexes);
    auto saved = co_await SaveIndexes(disk_, folder_.path, segment->indexes, &segment->file);
    if (!saved) co_return saved;
  } else if (*size > clean_bytes || segment->bytes() == 0) {
    if (!end->fault.empty()) {
      LOG(WARNING) << path << " is cut at position " << segment->bytes() << " of " << *size << ": "
                   << end->fault;
    }
    if (auto cut = co_await CutTail(segment, clean_bytes); !cut) co_return cut;
    if (segment->bytes() == 0) {
      if (!is_new) found_.segments.pop_back();
      co_return Result<void>();
    }
    if (found_.damages.size() > known_damages) {
      // Nothing is written behind it. Its indexes cannot be made anew from what is damaged.
      segment->file.fold.Finish(*segment->indexes);
      auto saved = co_await SaveIndexes(disk_, folder_.path, segment->indexes, &segment->file);
      if (!saved) co_return saved;
    }
  }
  if (is_new) found_.segments.push_back(std::move(segment));
  co_return Result<void>();
}

host::Task<Result<ScanEnd>> Recovery::ScanGrown(FilePointer records, uint64_t size,
                                                SegmentPointer segment) {
  auto loaded = co_await LoadIndexes(disk_, folder_.path, segment, options_.index_interval_bytes);
  if (!loaded) co_return std::unexpected(loaded.error());
  if (*loaded) AddDamage(std::move(**loaded));
  co_return co_await Scan(
      records, RecordsPath(segment->base()), segment->bytes(), size, BatchRun::Check::kChecksums,
      [&](const BatchHeader& header, uint64_t) { return Take(header, *segment); });
}

host::Task<Result<ScanEnd>> Recovery::PassRot(FilePointer records, uint64_t size,
                                              SegmentPointer segment, ScanEnd end, bool is_last) {
  const std::string path = RecordsPath(segment->base());
  SegmentFold& fold = segment->file.fold;
  while (!end.fault.empty()) {
    if (is_last && put_back_from_ && *put_back_from_ <= found_.end) break;
    auto behind = co_await BehindRot(records, path, end.position, size, found_.end);
    if (!behind) co_return std::unexpected(behind.error());
    if (!*behind) break;
    Damage damage = DamageAt(path, end.position, found_.end, (*behind)->offset, end.fault);
    damage.bytes = (*behind)->position - end.position;
    const SegmentFold fold_before = fold;
    const Offset end_before = found_.end;
    fold.bytes = (*behind)->position;
    fold.end = found_.end = (*behind)->offset;
    auto scanned =
        co_await Scan(records, path, fold.bytes, size, BatchRun::Check::kChecksums,
                      [&](const BatchHeader& header, uint64_t) { return Take(header, *segment); });
    if (!scanned) co_return scanned;
    if (scanned->position == (*behind)->position) {
      // It is whole, and no batch of this log.
      fold = fold_before;
      found_.end = end_before;
      break;
    }
    AddDamage(std::move(damage));
    end = std::move(*scanned);
  }
  co_return end;
}

std::string Recovery::Take(const BatchHeader& header, Segment& segment) {
  const bool may_have_gap = options_.compacted || !folder_.checkpoint;
  if (header.base_offset < found_.end || (header.base_offset > found_.end && !may_have_gap)) {
    return "a batch begins at offset " + Number(header.base_offset.value()) + ", and the next is " +
           Number(found_.end.value());
  }
  if (std::string fault = OutOfPlace(header, segment.base(), segment.end()); !fault.empty()) {
    return fault;
  }
  if (segment.bytes() + header.size() > INT32_MAX) return "the file is larger than any may be";
  // An epoch that begins here was of a log that is empty, or that was cut.
  found_.epochs.TruncateTo(header.base_offset);
  if (header.leader_epoch < found_.epochs.latest().value_or(LeaderEpoch(0))) {
    return "a batch has leader epoch " + Number(header.leader_epoch.value()) +
           ", which is below that of the batch before it";
  }
  segment.file.fold.Add(header, options_.index_interval_bytes, segment.indexes.get());
  found_.epochs.Assign(header.leader_epoch, header.base_offset);
  if (!PLANTED_BUG("log: recovery forgets producers")) found_.producers.Apply(header);
  found_.end = header.end_offset();
  return "";
}

// What was found may be in the page cache alone, and what is cut must not come back.
host::Task<Result<void>> Recovery::CutTail(SegmentPointer segment, uint64_t clean_bytes) {
  const Offset base = segment->base();
  std::string path = RecordsPath(base);
  if (segment->bytes() == 0) {
    auto removed = co_await RemovePath(disk_, path);
    if (removed) removed = co_await RemovePath(disk_, folder_.Path(IndexName(base)));
    if (removed) removed = co_await RemovePath(disk_, folder_.Path(TimeIndexName(base)));
    if (removed) removed = co_await SyncFolderNames(disk_, folder_.path);
    co_return removed;
  }
  auto file = co_await OpenFile(disk_, path, host::OpenMode::kWrite);
  if (!file) co_return std::unexpected(file.error());
  auto cut = co_await TruncateFile(*file, segment->bytes());
  if (cut && PLANTED_BUG("log: what is found counts as synced")) co_return cut;
  if (cut) cut = co_await WriteAgain(*file, clean_bytes, segment->bytes());
  if (cut) cut = co_await SyncFile(*file);
  if (!cut) co_return std::unexpected(cut.error().While("cutting the torn tail of " + path));
  co_return Result<void>();
}

host::Task<Result<void>> Recovery::DropSnapshotsAbove(Offset end) {
  while (!folder_.snapshots.empty() && *folder_.snapshots.rbegin() > end) {
    auto at = std::prev(folder_.snapshots.end());
    auto removed = co_await RemovePath(disk_, folder_.Path(SnapshotName(*at)));
    if (!removed) co_return removed;
    folder_.snapshots.erase(at);
  }
  co_return Result<void>();
}

// The log was deleted up to an offset that a crash has left unwritten: it begins there, empty.
host::Task<Result<void>> Recovery::DropAll() {
  while (!found_.segments.empty()) {
    auto empty = std::make_shared<Segment>(found_.segments.back()->base());
    if (auto removed = co_await CutTail(empty, 0); !removed) co_return removed;
    found_.segments.pop_back();
  }
  found_.damages.clear();
  found_.epochs.TruncateTo(found_.start);
  found_.end = found_.start;
  co_return Result<void>();
}

}  // namespace

host::Task<Result<Recovered>> Recover(host::Disk& disk, std::string folder, LogOptions options,
                                      std::optional<Offset> put_back_from) {
  Recovery recovery(disk, options, put_back_from);
  auto recovered = co_await recovery.Run(folder);
  if (!recovered) co_return std::unexpected(recovered.error());
  co_return std::move(recovered);
}

}  // namespace weir::log
