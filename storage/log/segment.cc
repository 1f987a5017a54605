// SPDX-License-Identifier: Apache-2.0
#include "storage/log/segment.h"

#include <glog/logging.h>

#include <algorithm>
#include <utility>

#include "common/codec/crc32c.h"
#include "storage/log/files.h"
#include "storage/log/format/names.h"
#include "storage/log/scan.h"

namespace weir::log {
namespace {

using records::BatchHeader;
using records::BatchRun;

// What is there is a shorter or an older version of it: nothing is lost in between.
host::Task<Result<void>> Overwrite(host::Disk& disk, std::string path, std::string bytes) {
  auto file = co_await OpenFile(disk, path, host::OpenMode::kCreate);
  if (!file) co_return std::unexpected(file.error());
  const uint64_t size = bytes.size();
  Result<void> wrote;
  Pieces pieces = {Bytes::FromString(std::move(bytes))};
  if (size > 0) wrote = co_await WriteFile(*file, 0, std::move(pieces));
  if (wrote) wrote = co_await TruncateFile(*file, size);
  if (!wrote) co_return std::unexpected(wrote.error().While("writing " + path));
  co_return Result<void>();
}

// The first `bytes` of a file; nothing where there are fewer, or no file.
host::Task<Result<std::optional<Bytes>>> ReadFront(host::Disk& disk, std::string path,
                                                   size_t bytes) {
  std::optional<Bytes> front;
  if (bytes == 0) {
    front.emplace();
    co_return std::move(front);
  }
  auto file = co_await OpenFile(disk, path, host::OpenMode::kRead);
  if (!file && file.error().kind == Error::Kind::kNotFound) co_return std::move(front);
  if (!file) co_return std::unexpected(file.error());
  auto read = co_await ReadFile(*file, 0, bytes);
  if (!read) co_return std::unexpected(read.error().While("reading " + path));
  if (read->size() == bytes) front = std::move(*read);
  co_return std::move(front);
}

host::Task<Result<bool>> ReadIndexes(host::Disk& disk, std::string folder, SegmentPointer segment) {
  const Checkpoint::File file = segment->file;
  const SegmentFold& fold = file.fold;
  auto offsets = co_await ReadFront(disk, folder + "/" + IndexName(fold.base),
                                    fold.offset_entries * OffsetIndex::kEntryBytes);
  if (!offsets) co_return std::unexpected(offsets.error());
  auto times = co_await ReadFront(disk, folder + "/" + TimeIndexName(fold.base),
                                  fold.time_entries * TimeIndex::kEntryBytes);
  if (!times) co_return std::unexpected(times.error());
  if (!*offsets || codec::Crc32c((*offsets)->view()) != file.offsets_checksum) co_return false;
  if (!*times || codec::Crc32c((*times)->view()) != file.times_checksum) co_return false;
  auto by_offset = OffsetIndex::Decode(fold.base, (*offsets)->view(), fold.bytes);
  auto by_time = TimeIndex::Decode(fold.base, (*times)->view(), fold.end);
  if (!by_offset || !by_time) co_return false;
  // The checkpoint's word on how they go on must fit them.
  const bool fits_offsets = by_offset->size() == 0 || by_offset->last_offset() < fold.end;
  const bool fits_times = by_time->largest() == fold.last_time_entry &&
                          fold.largest >= fold.last_time_entry &&
                          (fold.largest == fold.last_time_entry || by_time->size() == 0 ||
                           fold.largest_at > by_time->largest_at());
  if (!fits_offsets || !fits_times) co_return false;
  auto indexes = std::make_shared<Indexes>(fold.base);
  indexes->offsets = std::move(*by_offset);
  indexes->times = std::move(*by_time);
  // Somebody else may have been faster, and gone on with it.
  if (!segment->indexes) segment->indexes = std::move(indexes);
  co_return true;
}

}  // namespace

Damage DamageAt(std::string path, uint64_t position, Offset from, Offset to, std::string what) {
  return Damage{.file = std::move(path),
                .position = position,
                .bytes = 0,
                .from = from,
                .to = to,
                .what = std::move(what)};
}

void SetChecksums(const Indexes& indexes, Checkpoint::File* file) {
  file->offsets_checksum = codec::Crc32c(indexes.offsets.Encode(file->fold.offset_entries));
  file->times_checksum = codec::Crc32c(indexes.times.Encode(file->fold.time_entries));
}

host::Task<Result<void>> SaveIndexes(host::Disk& disk, std::string folder,
                                     std::shared_ptr<Indexes> indexes, Checkpoint::File* file) {
  const Offset base = file->fold.base;
  std::string offsets = indexes->offsets.Encode(file->fold.offset_entries);
  std::string times = indexes->times.Encode(file->fold.time_entries);
  file->offsets_checksum = codec::Crc32c(offsets);
  file->times_checksum = codec::Crc32c(times);
  auto wrote = co_await Overwrite(disk, folder + "/" + IndexName(base), std::move(offsets));
  if (wrote) {
    wrote = co_await Overwrite(disk, folder + "/" + TimeIndexName(base), std::move(times));
  }
  co_return wrote;
}

host::Task<Result<FoundDamage>> LoadIndexes(host::Disk& disk, std::string folder,
                                            SegmentPointer segment, uint64_t interval) {
  if (segment->indexes) co_return FoundDamage();
  auto read = co_await ReadIndexes(disk, folder, segment);
  if (!read) co_return std::unexpected(read.error());
  if (*read) co_return FoundDamage();
  const Checkpoint::File file = segment->file;
  const Offset base = file.fold.base;
  std::string path = folder + "/" + RecordsName(base);
  LOG(WARNING) << "making the indexes of " << path << " anew";
  auto records = co_await OpenFile(disk, path, host::OpenMode::kRead);
  if (!records) co_return std::unexpected(records.error());
  SegmentFold fold(base);
  auto indexes = std::make_shared<Indexes>(base);
  auto end = co_await Scan(*records, path, 0, file.fold.bytes, BatchRun::Check::kHeaders,
                           [&](const BatchHeader& header, uint64_t) -> std::string {
                             std::string fault = OutOfPlace(header, base, fold.end);
                             if (fault.empty() && header.end_offset() > file.fold.end) {
                               fault = "it belongs to another file";
                             }
                             if (fault.empty()) fold.Add(header, interval, indexes.get());
                             return fault;
                           });
  if (!end) co_return std::unexpected(end.error());
  FoundDamage damage;
  if (!end->fault.empty()) {
    damage = DamageAt(path, end->position, fold.end, file.fold.end, end->fault);
  }
  if (segment->indexes) co_return std::move(damage);
  if (file.fold.last_time_entry == file.fold.largest) fold.Finish(*indexes);
  // What is damaged is still there: the file ends where it did.
  fold.end = std::max(fold.end, file.fold.end);
  fold.bytes = file.fold.bytes;
  segment->file.fold = fold;
  segment->indexes = indexes;
  auto saved = co_await SaveIndexes(disk, folder, indexes, &segment->file);
  if (!saved) co_return std::unexpected(saved.error());
  co_return std::move(damage);
}

}  // namespace weir::log
