// SPDX-License-Identifier: Apache-2.0
#include <glog/logging.h>

#include <algorithm>
#include <utility>

#include "common/base/planted_bug.h"
#include "storage/log/batch_order.h"
#include "storage/log/store.h"

namespace weir::log {
namespace {

// Where in a run of bytes, which begins at a batch's front, the batches lie that were asked for.
struct Found {
  // Batches that end at or below what was asked; may reach beyond the bytes.
  size_t skip = 0;
  // Whole batches behind them; 0 if the first is not there whole.
  size_t take = 0;
  // What must be there behind `skip` to take one.
  size_t need = records::kHeaderBytes;
  // The first of them begins at or after the limit.
  bool is_beyond = false;
};

// The batch at the front of `bytes`, of which its header at least is there, in its place.
Answer<records::BatchHeader> InOrder(std::string_view bytes, const BatchOrder& order) {
  auto header = records::ParseHeader(bytes);
  if (!header) return header;
  std::optional<records::BatchHeader> next;
  // Only where offsets are missing does it matter what follows.
  const bool has_next = bytes.size() >= header->size() + records::kHeaderBytes;
  if (header->base_offset > order.least() && has_next) {
    auto after = records::ParseHeader(bytes.substr(header->size()));
    if (after) next = *after;
  }
  std::string fault = order.Judge(*header, next ? &*next : nullptr);
  if (!fault.empty()) return Refuse(ErrorCode::kCorruptMessage, std::move(fault));
  return header;
}

Answer<Found> FindBatches(std::string_view bytes, Offset from, Offset limit, size_t max_bytes,
                          BatchOrder& order) {
  Found found;
  while (found.skip + records::kHeaderBytes <= bytes.size()) {
    auto header = InOrder(bytes.substr(found.skip), order);
    if (!header) return std::unexpected(header.error());
    if (header->end_offset() > from) {
      found.need = header->size();
      break;
    }
    found.skip += header->size();
    order.Take(*header);
  }
  size_t at = found.skip;
  while (at + std::max(found.need, records::kHeaderBytes) <= bytes.size()) {
    auto header = InOrder(bytes.substr(at), order);
    if (!header && found.take > 0) break;
    if (!header) return std::unexpected(header.error());
    size_t taken = found.take + header->size();
    if (header->base_offset >= limit) found.is_beyond = found.take == 0;
    if (header->base_offset >= limit || at + header->size() > bytes.size()) break;
    if (found.take > 0 && taken > max_bytes) break;
    // What is damaged is not served, and what comes before it is.
    auto whole = records::ParseBatch(bytes.substr(at));
    if (!whole && !PLANTED_BUG("log: a damaged batch is served")) {
      if (found.take > 0) break;
      return std::unexpected(whole.error());
    }
    found.take = taken;
    at += header->size();
    found.need = records::kHeaderBytes;
    order.Take(*header);
  }
  return found;
}

Error ErrorOf(const Damage& damage) {
  return {Error::Kind::kCorrupt, damage.file + " is damaged at position " +
                                     std::to_string(damage.position) + ", offsets " +
                                     std::to_string(damage.from.value()) + " to " +
                                     std::to_string(damage.to.value()) + ": " + damage.what};
}

}  // namespace

void Store::Read(Offset from, Offset limit, size_t max_bytes, Callback<void(Result<Bytes>)> done) {
  host::Spawn(ReadRun(shared_from_this(), from, limit, max_bytes), std::move(done));
}

size_t Store::SegmentOf(Offset offset) const {
  CHECK(!segments_.empty());
  auto after = std::ranges::upper_bound(segments_, offset, {}, &Segment::base);
  return after == segments_.begin() ? 0 : static_cast<size_t>(after - segments_.begin()) - 1;
}

SegmentPointer Store::SegmentAfter(Offset base) const {
  auto after = std::ranges::upper_bound(segments_, base, {}, &Segment::base);
  return after == segments_.end() ? nullptr : *after;
}

host::Task<Result<void>> Store::Load(SegmentPointer segment) {
  // So many closed segments are read at a time in one log, or their indexes come and go.
  constexpr size_t kLoadedMax = 4;
  if (segment->indexes) co_return Result<void>();
  const uint64_t layout = layout_;
  const uint64_t generation = generation_;
  // What was made anew may be forgotten again while it is written.
  while (!segment->indexes) {
    auto loaded = co_await LoadIndexes(host_.disk, folder_, segment, options_.index_interval_bytes);
    if (!loaded) co_return std::unexpected(loaded.error());
    // Where the file was replaced or cut meanwhile, it says nothing of what is there now.
    const bool is_same = layout == layout_ && generation == generation_;
    if (*loaded && is_same) ReportDamage(std::move(**loaded));
  }
  if (is_active(segment)) co_return Result<void>();
  loaded_.push_back(segment);
  while (loaded_.size() > kLoadedMax) {
    if (loaded_.front() != segment) loaded_.front()->indexes = nullptr;
    loaded_.pop_front();
  }
  co_return Result<void>();
}

host::Task<Result<FilePointer>> Store::Reader(SegmentPointer segment) {
  if (is_active(segment) && active_) co_return active_;
  if (reader_ && reader_of_ == segment) co_return reader_;
  uint64_t generation = generation_;
  uint64_t layout = layout_;
  auto opened = co_await OpenFile(host_.disk, RecordsPath(segment->base()), host::OpenMode::kRead);
  if (opened && generation == generation_ && layout == layout_ && !closed_) {
    reader_ = *opened;
    reader_of_ = segment;
  }
  co_return opened;
}

Result<void> Store::MayRead(Offset from, Offset limit) const {
  if (from >= start_ && from <= limit) return {};
  return weir::Fail(Error::Kind::kInvalid, "offset " + std::to_string(from.value()) +
                                               " is not in the log, which " + "can be read from " +
                                               std::to_string(start_.value()) + " to " +
                                               std::to_string(limit.value()));
}

Result<void> Store::IsWhole(Offset from, Offset to) const {
  for (const Damage& damage : damages_) {
    if (damage.from < to && from < damage.to) return std::unexpected(ErrorOf(damage));
  }
  return {};
}

host::Task<Result<Bytes>> Store::ReadRun(std::shared_ptr<Store> self, Offset from, Offset limit,
                                         size_t max_bytes) {
  const uint64_t generation = self->generation_;
  co_await Turn(self->host_.strand);
  while (true) {
    if (self->closed_ || self->changes_ > 0 || self->generation_ != generation) {
      co_return weir::Fail(Error::Kind::kUnavailable,
                           "the log in " + self->folder_ + " is being cut or closed");
    }
    const uint64_t layout = self->layout_;
    auto read = co_await self->ReadOnce(from, limit, max_bytes);
    // Files came and went: what was read may lie elsewhere now, or be deleted.
    if (self->layout_ != layout && self->generation_ == generation) continue;
    if (self->generation_ != generation) {
      co_return weir::Fail(Error::Kind::kUnavailable,
                           "the log in " + self->folder_ + " was cut while it was read");
    }
    co_return read;
  }
}

host::Task<Result<Bytes>> Store::ReadOnce(Offset from, Offset limit, size_t max_bytes) {
  limit = std::min(limit, written_);
  if (auto may = MayRead(from, limit); !may) co_return std::unexpected(may.error());
  if (from == limit) co_return Bytes();
  const uint64_t layout = layout_;
  const uint64_t generation = generation_;
  if (segments_.empty()) {
    if (auto whole = IsWhole(from, limit); !whole) co_return std::unexpected(whole.error());
    co_return Bytes();
  }
  SegmentPointer segment = segments_[SegmentOf(from)];
  while (segment && segment->base() < limit) {
    // Where compaction left nothing of an offset, what comes next is read.
    auto whole = IsWhole(from, std::max(from, segment->base()));
    if (!whole) co_return std::unexpected(whole.error());
    if (segment->end() > from && segment->bytes() > 0) {
      auto read = co_await ReadSegment(segment, from, limit, max_bytes);
      if (!read || !read->empty() || layout != layout_ || generation != generation_) {
        co_return read;
      }
    }
    SegmentPointer next = SegmentAfter(segment->base());
    whole = IsWhole(std::max(from, segment->base()), next ? next->base() : limit);
    if (!whole) co_return std::unexpected(whole.error());
    segment = std::move(next);
  }
  co_return Bytes();
}

// Damage whose end is known keeps nobody from what lies behind it.
Store::Place Store::PlaceOf(const SegmentPointer& segment, Offset from) const {
  const uint64_t position = segment->indexes->offsets.Floor(from);
  Place place{position,
              BatchOrder(*segment, *segment->indexes, position, segment->base(), epochs_)};
  for (const Damage& damage : damages_) {
    const bool is_here = damage.from >= segment->base() && damage.to <= segment->end();
    const uint64_t end = damage.position + damage.bytes;
    if (!is_here || damage.bytes == 0 || damage.to > from || end <= place.position) continue;
    place = {end, BatchOrder(*segment, *segment->indexes, end, damage.to, epochs_)};
  }
  return place;
}

// Nothing where it has no batch from `from` on below the limit.
host::Task<Result<Bytes>> Store::ReadSegment(SegmentPointer segment, Offset from, Offset limit,
                                             size_t max_bytes) {
  const uint64_t layout = layout_;
  const uint64_t generation = generation_;
  if (auto loaded = co_await Load(segment); !loaded) co_return std::unexpected(loaded.error());
  // What is read may meanwhile grow.
  const uint64_t end = segment->bytes();
  for (const Damage& damage : damages_) {
    const bool holds = damage.from <= from && from < damage.to;
    if (holds && damage.bytes > 0) co_return std::unexpected(ErrorOf(damage));
  }
  auto [position, order] = PlaceOf(segment, from);
  auto file = co_await Reader(segment);
  if (!file) co_return std::unexpected(file.error());
  std::string path = RecordsPath(segment->base());
  // The index leads to some bytes before the batch.
  size_t want = static_cast<size_t>(std::min<uint64_t>(max_bytes, end)) +
                2 * static_cast<size_t>(options_.index_interval_bytes);
  std::string damage = "the file ends too early";
  while (position < end) {
    want = static_cast<size_t>(std::min<uint64_t>(want, end - position));
    auto bytes = co_await ReadFile(*file, position, want);
    if (!bytes) co_return std::unexpected(bytes.error().While("reading " + path));
    auto found = FindBatches(bytes->view(), from, limit, max_bytes, order);
    if (!found) {
      damage = found.error().message;
      break;
    }
    if (found->take > 0) co_return bytes->Slice(found->skip, found->take);
    position += found->skip;
    if (position == end) co_return Bytes();
    // The first batch begins at the limit or after it.
    if (found->is_beyond) co_return Bytes();
    if (found->skip == 0 && found->need <= bytes->size()) break;
    if (bytes->size() < want || position + found->need > end) break;
    want = std::max(want, found->need);
  }
  if (position == end) co_return Bytes();
  if (layout == layout_ && generation == generation_) {
    ReportDamage(DamageAt(path, position, std::max(from, segment->base()), segment->end(), damage));
  }
  co_return weir::Fail(Error::Kind::kCorrupt, path + " is damaged near position " +
                                                  std::to_string(position) + ": " + damage);
}

}  // namespace weir::log
