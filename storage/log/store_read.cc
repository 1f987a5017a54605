// SPDX-License-Identifier: Apache-2.0
#include <glog/logging.h>

#include <algorithm>
#include <utility>

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
};

Answer<Found> FindBatches(std::string_view bytes, Offset from, Offset limit, size_t max_bytes) {
  Found found;
  while (found.skip + records::kHeaderBytes <= bytes.size()) {
    auto header = records::ParseHeader(bytes.substr(found.skip));
    if (!header) return std::unexpected(header.error());
    if (header->end_offset() > from) {
      found.need = header->size();
      break;
    }
    found.skip += header->size();
  }
  size_t at = found.skip;
  while (at + std::max(found.need, records::kHeaderBytes) <= bytes.size()) {
    auto header = records::ParseHeader(bytes.substr(at));
    if (!header) return std::unexpected(header.error());
    size_t taken = found.take + header->size();
    if (header->base_offset >= limit || at + header->size() > bytes.size()) break;
    if (found.take > 0 && taken > max_bytes) break;
    found.take = taken;
    at += header->size();
    found.need = records::kHeaderBytes;
  }
  return found;
}

}  // namespace

void Store::Read(Offset from, Offset limit, size_t max_bytes, Callback<void(Result<Bytes>)> done) {
  host::Spawn(ReadRun(shared_from_this(), from, limit, max_bytes), std::move(done));
}

size_t Store::SegmentOf(Offset offset) const {
  auto after = std::ranges::upper_bound(segments_, offset, {}, &Segment::base);
  CHECK(after != segments_.begin());
  return static_cast<size_t>(after - segments_.begin()) - 1;
}

host::Task<Result<FilePointer>> Store::Reader(size_t segment) {
  if (segment + 1 == segments_.size() && active_) co_return active_;
  Offset base = segments_[segment].base;
  if (reader_ && reader_base_ == base) co_return reader_;
  uint64_t generation = generation_;
  auto opened = co_await OpenFile(host_.disk, RecordsPath(base), host::OpenMode::kRead);
  if (opened && generation == generation_ && !closed_) {
    reader_ = *opened;
    reader_base_ = base;
  }
  co_return opened;
}

host::Task<Result<Bytes>> Store::ReadRun(std::shared_ptr<Store> self, Offset from, Offset limit,
                                         size_t max_bytes) {
  uint64_t generation = self->generation_;
  co_await Turn(self->host_.strand);
  if (self->closed_ || self->changes_ > 0 || self->generation_ != generation) {
    co_return weir::Fail(Error::Kind::kUnavailable,
                         "the log in " + self->folder_ + " is being cut or closed");
  }
  limit = std::min(limit, self->written_);
  if (from < self->start_ || from > limit) {
    co_return weir::Fail(Error::Kind::kInvalid,
                         "offset " + std::to_string(from.value()) + " is not in the log, which " +
                             "can be read from " + std::to_string(self->start_.value()) + " to " +
                             std::to_string(limit.value()));
  }
  if (from == limit) co_return Bytes();
  size_t index = self->SegmentOf(from);
  // What is read may meanwhile be rolled: nothing is kept that points into the segments.
  const Offset base = self->segments_[index].base;
  const uint64_t end = self->segments_[index].bytes;
  uint64_t position = self->segments_[index].index.Floor(from);
  auto file = co_await self->Reader(index);
  if (!file) co_return std::unexpected(file.error());
  // The index leads to some bytes before the batch.
  size_t want = static_cast<size_t>(std::min<uint64_t>(max_bytes, end)) +
                2 * static_cast<size_t>(OffsetIndex::kIntervalBytes);
  std::string damage = "no batch holds offset " + std::to_string(from.value());
  while (position < end) {
    want = static_cast<size_t>(std::min<uint64_t>(want, end - position));
    auto bytes = co_await ReadFile(*file, position, want);
    if (self->generation_ != generation) {
      co_return weir::Fail(Error::Kind::kUnavailable,
                           "the log in " + self->folder_ + " was cut while it was read");
    }
    if (!bytes)
      co_return std::unexpected(bytes.error().While("reading " + self->RecordsPath(base)));
    auto found = FindBatches(bytes->view(), from, limit, max_bytes);
    if (!found) {
      damage = found.error().message;
      break;
    }
    if (found->take > 0) co_return bytes->Slice(found->skip, found->take);
    if (found->skip == 0 && found->need <= bytes->size()) break;
    position += found->skip;
    if (position + found->need > end) break;
    want = std::max(want, found->need);
  }
  co_return weir::Fail(Error::Kind::kCorrupt, self->RecordsPath(base) +
                                                  " is damaged near position " +
                                                  std::to_string(position) + ": " + damage);
}

}  // namespace weir::log
