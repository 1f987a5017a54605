// SPDX-License-Identifier: Apache-2.0
// Damage: looked for in what is closed, looked at closely, and mended with what another replica
// has. Replicas have the same bytes, so what is mended is written over what is damaged, in its
// place: the log neither ends nor begins elsewhere meanwhile, and a crash leaves it damaged as it
// was, or less.
#include <glog/logging.h>

#include <algorithm>
#include <utility>

#include "common/base/planted_bug.h"
#include "storage/log/batch_order.h"
#include "storage/log/scan.h"
#include "storage/log/store.h"

namespace weir::log {

using records::BatchHeader;
using records::BatchRun;

namespace {

// Judges the batches of a file one late, for only the next one tells whether an offset is right.
class OrderedScan {
 public:
  OrderedScan(BatchOrder order, uint64_t position) : order_(order), position_(position) {}

  std::string Take(const BatchHeader& header, uint64_t position) {
    std::string fault = last_ ? order_.Judge(*last_, &header) : "";
    if (!fault.empty()) return fault;
    if (last_) order_.Take(*last_);
    last_ = header;
    position_ = position;
    return "";
  }
  // Nothing comes behind the last one, or what does is no batch.
  std::string TakeLast(uint64_t end) {
    std::string fault = last_ ? order_.Judge(*last_, nullptr) : "";
    if (!fault.empty()) return fault;
    if (last_) order_.Take(*last_);
    last_.reset();
    position_ = end;
    return "";
  }

  // All before this is in order: where it ends, and the least offset that may follow.
  uint64_t position() const { return position_; }
  Offset least() const { return order_.least(); }

 private:
  BatchOrder order_;
  uint64_t position_;
  std::optional<BatchHeader> last_;
};

}  // namespace

host::Task<Result<Store::OrderedEnd>> Store::ScanOrdered(SegmentPointer segment, FilePointer file,
                                                         BatchOrder order, Span span, Offset beyond,
                                                         size_t max_bytes) {
  const uint64_t begin = span.from;
  OrderedScan ordered(order, begin);
  bool is_enough = false;
  bool is_judged = false;
  auto scanned =
      co_await Scan(file, RecordsPath(segment->base()), begin, span.to, BatchRun::Check::kChecksums,
                    [&](const BatchHeader& header, uint64_t at) -> std::string {
                      std::string fault = ordered.Take(header, at);
                      is_judged = !fault.empty();
                      is_enough = !is_judged && ordered.least() > beyond && at - begin >= max_bytes;
                      return is_enough ? "enough" : fault;
                    });
  if (!scanned) co_return std::unexpected(scanned.error());
  std::string fault = is_enough ? "" : scanned->fault;
  // What stands before a fault may be at fault itself.
  if (!is_enough && !is_judged) {
    std::string last = ordered.TakeLast(scanned->position);
    if (!last.empty()) fault = std::move(last);
  }
  co_return OrderedEnd{ordered.position(), ordered.least(), is_enough, std::move(fault)};
}

void Store::Scrub(Offset from, size_t max_bytes, Callback<void(Result<Scrubbed>)> done) {
  host::Spawn(RunScrub(shared_from_this(), from, max_bytes), std::move(done));
}

host::Task<Result<Scrubbed>> Store::RunScrub(std::shared_ptr<Store> self, Offset from,
                                             size_t max_bytes) {
  co_await Turn(self->host_.strand);
  while (true) {
    if (self->closed_ || self->abandoned_ || self->changes_ > 0) co_return self->Closed();
    const uint64_t layout = self->layout_;
    const uint64_t generation = self->generation_;
    auto scrubbed = co_await ScrubOnce(self, std::max(from, self->start_), max_bytes);
    // What was cut, replaced or mended meanwhile is looked at again.
    if (self->layout_ == layout && self->generation_ == generation) co_return scrubbed;
  }
}

host::Task<Result<Scrubbed>> Store::ScrubOnce(std::shared_ptr<Store> self, Offset from,
                                              size_t max_bytes) {
  const uint64_t layout = self->layout_;
  const uint64_t generation = self->generation_;
  if (self->segments_.empty()) co_return Scrubbed{self->end_, std::nullopt};
  SegmentPointer segment = self->segments_[self->SegmentOf(from)];
  if (segment->end() <= from) {
    SegmentPointer next = self->SegmentAfter(segment->base());
    if (!next) co_return Scrubbed{from, std::nullopt};
    segment = std::move(next);
  }
  // Of what is still written, what is below the recovery point.
  SegmentFold sealed = segment->file.fold;
  if (self->is_active(segment)) {
    sealed = SegmentFold(segment->base());
    const bool is_listed = self->checkpoint_ && !self->checkpoint_->files.empty() &&
                           self->checkpoint_->files.back().fold.base == segment->base();
    if (is_listed) sealed = self->checkpoint_->files.back().fold;
  }
  if (sealed.end <= from) co_return Scrubbed{from, std::nullopt};
  if (auto loaded = co_await self->Load(segment); !loaded) {
    co_return std::unexpected(loaded.error());
  }
  auto [position, order] = self->PlaceOf(segment, from);
  auto file = co_await self->Reader(segment);
  if (!file) co_return std::unexpected(file.error());
  const Span span{position, std::max(position, sealed.bytes)};
  auto scanned = co_await self->ScanOrdered(segment, *file, order, span, from, max_bytes);
  // Not to be judged.
  if (self->layout_ != layout || self->generation_ != generation) {
    co_return Scrubbed{from, std::nullopt};
  }
  if (!scanned) co_return std::unexpected(scanned.error());
  const uint64_t bytes = scanned->position - position;
  if (scanned->is_enough) co_return Scrubbed{scanned->least, std::nullopt, bytes};
  if (scanned->fault.empty()) co_return Scrubbed{sealed.end, std::nullopt, bytes};
  for (const Damage& known : self->damages_) {
    const bool is_it = known.bytes > 0 && known.position == scanned->position;
    if (is_it && known.from == scanned->least) co_return Scrubbed{known.to, std::nullopt, bytes};
  }
  Damage damage = DamageAt(self->RecordsPath(segment->base()), scanned->position, scanned->least,
                           sealed.end, scanned->fault);
  self->ReportDamage(damage);
  co_return Scrubbed{sealed.end, damage, bytes};
}

void Store::Diagnose(Callback<void(Result<std::optional<Damage>>)> done) {
  host::Spawn(RunDiagnose(shared_from_this()), std::move(done));
}

host::Task<Result<std::optional<Damage>>> Store::RunDiagnose(std::shared_ptr<Store> self) {
  co_await Turn(self->host_.strand);
  while (true) {
    if (self->closed_ || self->abandoned_ || self->changes_ > 0) co_return self->Closed();
    if (self->damages_.empty()) co_return std::optional<Damage>();
    const Damage damage = self->damages_.front();
    if (damage.bytes > 0 || self->segments_.empty()) co_return damage;
    SegmentPointer segment = self->segments_[self->SegmentOf(damage.from)];
    if (damage.from < segment->base() || damage.from >= segment->end()) co_return damage;
    const uint64_t layout = self->layout_;
    const uint64_t generation = self->generation_;
    auto found = co_await self->FindDamage(segment, damage.from);
    if (self->layout_ != layout || self->generation_ != generation) continue;
    if (!found) co_return std::unexpected(found.error());
    const Offset from = found->empty() ? damage.from : std::min(damage.from, found->front().from);
    std::erase_if(self->damages_, [&](const Damage& known) {
      return known.to > from && known.from < segment->end();
    });
    self->damages_.insert(self->damages_.begin(), found->begin(), found->end());
  }
}

host::Task<Result<std::vector<Damage>>> Store::FindDamage(SegmentPointer segment, Offset from) {
  if (auto loaded = co_await Load(segment); !loaded) co_return std::unexpected(loaded.error());
  auto [position, order] = PlaceOf(segment, from);
  // The segment may lose its indexes while it is read, and grow.
  const Looked looked{segment, segment->indexes, {segment->bytes(), segment->end()}};
  auto file = co_await Reader(segment);
  if (!file) co_return std::unexpected(file.error());
  std::vector<Damage> found;
  std::string path = RecordsPath(segment->base());
  while (true) {
    const Span span{position, looked.end.position};
    auto scanned =
        co_await ScanOrdered(segment, *file, order, span, Offset::Max(), looked.end.position);
    if (!scanned) co_return std::unexpected(scanned.error());
    if (scanned->fault.empty()) co_return std::move(found);
    if (found.empty() && scanned->position == position && from > segment->base()) {
      // What comes before it tells which offsets are lost.
      co_return co_await FindDamage(segment, segment->base());
    }
    auto next = co_await NextWhole(looked, *file, scanned->position, scanned->least);
    if (!next) co_return std::unexpected(next.error());
    found.push_back({.file = path,
                     .position = scanned->position,
                     .bytes = next->position - scanned->position,
                     .from = scanned->least,
                     .to = next->offset,
                     .what = scanned->fault});
    if (found.back().to <= start_) found.pop_back();
    if (next->position == looked.end.position) co_return std::move(found);
    position = next->position;
    order = BatchOrder(*segment, *looked.indexes, position, next->offset, epochs_);
  }
}

host::Task<Result<Store::BatchPlace>> Store::NextWhole(Looked looked, FilePointer file,
                                                       uint64_t position, Offset least) {
  // Where only what a checksum covers is damaged, the length is still right.
  auto front = co_await ReadFile(file, position, records::kHeaderBytes);
  if (!front) co_return std::unexpected(front.error());
  if (auto header = records::ParseHeader(front->view())) {
    const uint64_t behind = position + header->size();
    auto whole = co_await IsWholeAt(looked, file, behind, least);
    if (!whole) co_return std::unexpected(whole.error());
    if (*whole) co_return BatchPlace{behind, **whole};
  }
  auto next = looked.indexes->offsets.PositionAfter(position);
  while (next) {
    auto whole = co_await IsWholeAt(looked, file, *next, least);
    if (!whole) co_return std::unexpected(whole.error());
    if (*whole) co_return BatchPlace{*next, **whole};
    next = looked.indexes->offsets.PositionAfter(*next);
  }
  co_return looked.end;
}

// The offset of the batch at `position`, if it is one, and may stand there above `least`.
host::Task<Result<std::optional<Offset>>> Store::IsWholeAt(Looked looked, FilePointer file,
                                                           uint64_t position, Offset least) {
  std::optional<Offset> nothing;
  const uint64_t end = looked.end.position;
  auto bytes = co_await ReadFile(file, position, records::kHeaderBytes);
  if (!bytes) co_return std::unexpected(bytes.error());
  auto header = records::ParseHeader(bytes->view());
  if (!header || header->base_offset <= least || position + header->size() > end) co_return nothing;
  bytes = co_await ReadFile(file, position, header->size());
  if (!bytes) co_return std::unexpected(bytes.error());
  const BatchOrder order(*looked.segment, *looked.indexes, position, least, epochs_);
  if (!records::ParseBatch(bytes->view())) co_return nothing;
  if (!order.Judge(*header, nullptr).empty()) co_return nothing;
  co_return header->base_offset;
}

void Store::Mend(Bytes batches, Callback<void(Result<void>)> done) {
  host::Spawn(RunMend(shared_from_this(), std::move(batches)), std::move(done));
}

host::Task<Result<void>> Store::RunMend(std::shared_ptr<Store> self, Bytes batches) {
  co_await Turn(self->host_.strand);
  while (self->checkpointing_ || self->changing_) co_await self->Settled();
  if (self->failed_ || self->closed_ || self->abandoned_) co_return self->Closed();
  auto fits = self->Fits(batches);
  if (!fits) co_return std::unexpected(fits.error());
  Busy busy(self, &self->checkpointing_);
  auto mended = co_await self->WriteMended(std::move(batches), *fits);
  if (!mended) self->Fail(mended.error());
  busy.End();
  self->StartAdvancing();
  co_return mended;
}

Result<Offset> Store::Fits(const Bytes& batches) const {
  auto wrong = [](std::string why) {
    return weir::Fail(Error::Kind::kInvalid, "not what was damaged: " + std::move(why));
  };
  if (damages_.empty() || damages_.front().bytes == 0) return wrong("nothing is known to be");
  const Damage& damage = damages_.front();
  Offset next = damage.from;
  // Where an epoch began with a batch that was lost, the history may say that it began later.
  LeaderEpoch least = epochs_.EpochAt(damage.from).value_or(LeaderEpoch(-1));
  const LeaderEpoch most = epochs_.EpochAt(damage.to).value_or(LeaderEpoch::Max());
  BatchRun run(batches);
  while (true) {
    auto batch = run.Next();
    if (!batch) return wrong(batch.error().message);
    if (!*batch) break;
    const BatchHeader& header = (*batch)->header;
    const bool is_gap = header.base_offset > next && !options_.compacted;
    if (is_gap || header.base_offset < next || header.end_offset() > damage.to) {
      return wrong("a batch begins at offset " + std::to_string(header.base_offset.value()) +
                   ", where " + std::to_string(next.value()) + " is the next");
    }
    least = std::max(least, epochs_.EpochAt(header.base_offset).value_or(least));
    if (header.leader_epoch < least || header.leader_epoch > most) {
      return wrong("leader epoch " + std::to_string(header.leader_epoch.value()) +
                   " is not of that place");
    }
    least = header.leader_epoch;
    next = header.end_offset();
  }
  const bool is_all = batches.size() == damage.bytes;
  if (next == damage.from || batches.size() > damage.bytes || is_all != (next == damage.to)) {
    return wrong(std::to_string(batches.size()) + " bytes up to offset " +
                 std::to_string(next.value()) + " do not fit into " + std::to_string(damage.bytes) +
                 " up to " + std::to_string(damage.to.value()));
  }
  return next;
}

// The history, in which some of these batches may not be: it was made while they could not be read.
LeaderEpochs Store::WithEpochsOf(const Bytes& batches) const {
  std::vector<LeaderEpochs::Run> runs;
  BatchRun run(batches, BatchRun::Check::kHeaders);
  while (auto batch = *run.Next()) {
    runs.push_back({batch->header.leader_epoch, std::max(batch->header.base_offset, start_)});
  }
  for (const LeaderEpochs::Run& known : epochs_.runs()) runs.push_back(known);
  std::ranges::sort(runs, {}, [](const auto& r) { return std::pair(r.start, r.epoch); });
  LeaderEpochs all;
  for (const LeaderEpochs::Run& each : runs) {
    const bool is_known = all.latest() && *all.latest() >= each.epoch;
    if (!is_known && each.epoch >= LeaderEpoch(0)) all.Assign(each.epoch, each.start);
  }
  return all;
}

// As much of the first damage as the batches make up for, which end at `end`. Synced before it is
// forgotten that there was any.
host::Task<Result<void>> Store::WriteMended(Bytes batches, Offset end) {
  const Damage damage = damages_.front();
  const auto is_it = [&](const Damage& known) {
    return known.position == damage.position && known.file == damage.file;
  };
  auto file = co_await OpenFile(host_.disk, damage.file, host::OpenMode::kCreate);
  if (!file) co_return std::unexpected(file.error());
  const size_t size = batches.size();
  Pieces pieces = {batches};
  Result<void> wrote;
  if (!PLANTED_BUG("log: damage is forgotten, not mended")) {
    wrote = co_await WriteFile(*file, damage.position, std::move(pieces));
  }
  if (wrote) wrote = co_await SyncFile(*file);
  if (wrote && damage.position == 0) wrote = co_await SyncFolderNames(host_.disk, folder_);
  if (!wrote) co_return std::unexpected(wrote.error().While("mending " + damage.file));
  // What was read meanwhile is read again.
  ++layout_;
  auto left = std::ranges::find_if(damages_, is_it);
  if (left != damages_.end() && end == damage.to) {
    damages_.erase(left);
  } else if (left != damages_.end()) {
    left->position += size;
    left->bytes -= std::min<uint64_t>(left->bytes, size);
    left->from = end;
  }
  if (LeaderEpochs epochs = WithEpochsOf(batches); epochs != epochs_) {
    epochs_ = std::move(epochs);
    if (auto kept = co_await WriteEpochs(epochs_); !kept) co_return kept;
  }
  if (!checkpoint_) co_return Result<void>();
  co_return co_await WriteCheckpoint(*checkpoint_, Names::kLater);
}

}  // namespace weir::log
