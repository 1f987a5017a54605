// SPDX-License-Identifier: Apache-2.0
// One segment in the place of others, while appends and reads go on. Kafka's names tell how far it
// came: ".cleaned" is nothing yet, ".swap" with a checkpoint that names it has replaced the others.
#include <glog/logging.h>

#include <algorithm>
#include <utility>

#include "storage/log/scan.h"
#include "storage/log/store.h"

namespace weir::log {

using records::BatchHeader;
using records::BatchRun;

std::vector<ClosedSegment> Store::ClosedSegments() const {
  std::vector<ClosedSegment> closed;
  for (const SegmentPointer& segment : segments_) {
    if (is_active(segment)) break;
    const SegmentFold& fold = segment->file.fold;
    closed.push_back({fold.base, fold.end, fold.bytes, fold.first_timestamp, fold.largest});
  }
  return closed;
}

std::map<ProducerId, std::vector<Offset>> Store::ProducerBatches() const {
  std::map<ProducerId, std::vector<Offset>> batches;
  for (const auto& [id, producer] : producers_.by_id()) {
    for (const Producers::Batch& batch : producer.batches) batches[id].push_back(batch.last);
    // A producer of which only a marker is known.
    if (producer.batches.empty()) batches[id].push_back(producer.last);
  }
  return batches;
}

std::string Store::CleanedPath(Offset base) const { return Path(CleanedName(base)); }

void Store::Replace(std::vector<Offset> bases, Callback<void(Result<void>)> done) {
  CHECK(!bases.empty());
  host::Spawn(RunReplace(shared_from_this(), std::move(bases)), std::move(done));
}

host::Task<Result<void>> Store::RunReplace(std::shared_ptr<Store> self, std::vector<Offset> bases) {
  co_await Turn(self->host_.strand);
  while (self->checkpointing_ || self->changing_) co_await self->Settled();
  if (self->failed_ || self->closed_ || self->abandoned_) co_return self->Closed();
  Busy busy(self, &self->checkpointing_);
  std::string cleaned = self->CleanedPath(bases.front());
  auto swapped = co_await self->Swap(std::move(bases));
  // What is wrong with the file is no fault of the disk: the log stays as it was.
  const bool is_refused = !swapped && (swapped.error().kind == Error::Kind::kCorrupt ||
                                       swapped.error().kind == Error::Kind::kInvalid ||
                                       swapped.error().kind == Error::Kind::kUnavailable);
  if (is_refused) {
    auto removed = co_await RemovePath(self->host_.disk, std::move(cleaned));
    if (!removed) self->Fail(removed.error());
  } else if (!swapped) {
    self->Fail(swapped.error());
  }
  busy.End();
  self->StartAdvancing();
  co_return swapped;
}

std::optional<size_t> Store::FindRun(const std::vector<Offset>& bases) const {
  for (size_t i = 0; i + bases.size() <= segments_.size(); ++i) {
    if (segments_[i]->base() != bases.front()) continue;
    for (size_t k = 0; k < bases.size(); ++k) {
      if (segments_[i + k]->base() != bases[k] || is_active(segments_[i + k])) return std::nullopt;
    }
    return i;
  }
  return std::nullopt;
}

host::Task<Result<void>> Store::Swap(std::vector<Offset> bases) {
  auto found = FindRun(bases);
  if (!found) {
    co_return weir::Fail(Error::Kind::kInvalid,
                         "what is to be replaced from offset " +
                             std::to_string(bases.front().value()) +
                             " on are no closed segments of the log, or no longer");
  }
  const Offset base = bases.front();
  const Offset end = segments_[*found + bases.size() - 1]->end();
  if (!checkpoint_ || end > checkpoint_->end) {
    co_return weir::Fail(Error::Kind::kUnavailable, "the recovery point of " + folder_ +
                                                        " is not past offset " +
                                                        std::to_string(end.value()) + " yet");
  }
  auto read = co_await ReadCleaned(base, end);
  if (!read) co_return std::unexpected(read.error());
  SegmentPointer segment = std::move(*read);
  std::string swap = Path(FileName{base, FileKind::kRecords, FileStage::kSwap}.ToString());
  auto done = co_await RenamePath(host_.disk, CleanedPath(base), swap);
  if (done) done = co_await SyncFolderNames(host_.disk, folder_);
  if (!done) co_return done;
  SetChecksums(*segment->indexes, &segment->file);
  Checkpoint after = *checkpoint_;
  std::erase_if(after.files, [&](const Checkpoint::File& file) {
    return file.fold.base >= base && file.fold.base < end;
  });
  segment->file.is_swap = true;
  after.files.push_back(segment->file);
  std::ranges::sort(after.files, {}, [](const Checkpoint::File& file) { return file.fold.base; });
  done = co_await WriteCheckpoint(after, Names::kSynced);
  if (!done) co_return done;
  // From here on it is done, also after a crash.
  for (Offset old : bases) {
    if (old != base) done = co_await Retire(old);
    if (!done) co_return done;
  }
  done = co_await RenamePath(host_.disk, swap, RecordsPath(base));
  if (done) done = co_await SyncFolderNames(host_.disk, folder_);
  // Until then the checksums say that the indexes are those of the old file.
  if (done) done = co_await SaveIndexes(host_.disk, folder_, segment->indexes, &segment->file);
  if (!done) co_return done;
  std::erase_if(damages_,
                [&](const Damage& damage) { return damage.from >= base && damage.to <= end; });
  segment->file.is_swap = false;
  for (Checkpoint::File& file : after.files) file.is_swap = false;
  done = co_await WriteCheckpoint(std::move(after), Names::kSynced);
  if (!done) co_return done;
  const auto at = segments_.begin() + static_cast<ptrdiff_t>(*found);
  segments_.erase(at + 1, at + static_cast<ptrdiff_t>(bases.size()));
  segments_[*found] = segment;
  loaded_.clear();
  reader_ = nullptr;
  reader_of_ = nullptr;
  ++layout_;
  co_return Result<void>();
}

host::Task<Result<SegmentPointer>> Store::ReadCleaned(Offset base, Offset end) {
  std::string path = CleanedPath(base);
  auto file = co_await OpenFile(host_.disk, path, host::OpenMode::kRead);
  if (!file && file.error().kind == Error::Kind::kNotFound) {
    co_return weir::Fail(Error::Kind::kInvalid, path + " is not there");
  }
  if (!file) co_return std::unexpected(file.error());
  auto size = co_await SizeOfFile(*file);
  if (!size) co_return std::unexpected(size.error().While("reading " + path));
  auto segment = std::make_shared<Segment>(base);
  SegmentFold& fold = segment->file.fold;
  auto scanned =
      co_await Scan(*file, path, 0, *size, BatchRun::Check::kChecksums,
                    [&](const BatchHeader& header, uint64_t) -> std::string {
                      std::string fault = OutOfPlace(header, base, fold.end);
                      if (!fault.empty()) return fault;
                      if (header.end_offset() > end) return "it lies behind the run";
                      if (fold.bytes + header.size() > INT32_MAX) return "the file is too large";
                      fold.Add(header, options_.index_interval_bytes, segment->indexes.get());
                      return "";
                    });
  if (!scanned) co_return std::unexpected(scanned.error());
  if (!scanned->fault.empty()) {
    co_return weir::Fail(Error::Kind::kCorrupt, path + " is no segment: at position " +
                                                    std::to_string(scanned->position) + ": " +
                                                    scanned->fault);
  }
  fold.Finish(*segment->indexes);
  // It stands for all that it replaces.
  fold.end = end;
  segment->file.written_at = host_.clock.WallNow();
  co_return std::move(segment);
}

}  // namespace weir::log
