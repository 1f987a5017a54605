// SPDX-License-Identifier: Apache-2.0
// Which offset belongs to a timestamp. Timestamps need not rise: the first record in the order of
// offsets is asked for, so all is looked at that the time index cannot exclude.
#include <glog/logging.h>

#include <algorithm>
#include <utility>

#include "common/records/record_reader.h"
#include "storage/log/scan.h"
#include "storage/log/store.h"

namespace weir::log {
namespace {

using records::BatchHeader;
using records::BatchRun;

// The first record of the batch from `from` on that is of `at` or later; nothing if there is none.
Answer<std::optional<TimedOffset>> FindInBatch(const BatchHeader& header, std::string_view batch,
                                               WallTime at, Offset from) {
  if (header.compression() != records::Compression::kNone) {
    return TimedOffset{std::max(header.base_offset, from), header.max_timestamp,
                       header.leader_epoch};
  }
  records::RecordReader reader(header, batch);
  while (true) {
    auto record = reader.Next();
    if (!record) return std::unexpected(record.error());
    if (!*record) return std::nullopt;
    const WallTime time = header.has_append_time() ? header.max_timestamp : (*record)->timestamp;
    if (time < at || (*record)->offset < from) continue;
    return TimedOffset{(*record)->offset, time, header.leader_epoch};
  }
}

}  // namespace

void Store::OffsetForTime(WallTime at, Offset limit,
                          Callback<void(Result<std::optional<TimedOffset>>)> done) {
  host::Spawn(RunOffsetForTime(shared_from_this(), at, limit), std::move(done));
}

host::Task<Result<std::optional<TimedOffset>>> Store::RunOffsetForTime(std::shared_ptr<Store> self,
                                                                       WallTime at, Offset limit) {
  co_await Turn(self->host_.strand);
  const uint64_t generation = self->generation_;
  std::optional<TimedOffset> found;
  // Segments come and go meanwhile: what is left behind is passed over.
  Offset done(-1);
  while (!found) {
    if (self->closed_ || self->changes_ > 0 || self->generation_ != generation) {
      co_return weir::Fail(Error::Kind::kUnavailable,
                           "the log in " + self->folder_ + " is being cut or closed");
    }
    SegmentPointer segment = self->SegmentAfter(done);
    if (!segment || segment->base() >= limit) break;
    const uint64_t layout = self->layout_;
    if (segment->file.fold.largest >= at && segment->end() > self->start_) {
      auto in_segment = co_await self->FindTime(segment, at);
      if (self->layout_ != layout || self->generation_ != generation) continue;
      if (!in_segment) co_return std::unexpected(in_segment.error());
      found = *in_segment;
    }
    done = segment->base();
  }
  if (found && found->offset >= limit) found.reset();
  co_return std::move(found);
}

host::Task<Result<std::optional<TimedOffset>>> Store::FindTime(SegmentPointer segment,
                                                               WallTime at) {
  if (auto loaded = co_await Load(segment); !loaded) co_return std::unexpected(loaded.error());
  const Offset from = start_;
  Offset least = std::max(from, segment->base());
  if (auto before = segment->indexes->times.LastBefore(at)) least = std::max(least, *before);
  uint64_t position = segment->indexes->offsets.Floor(least);
  const uint64_t end = segment->bytes();
  auto file = co_await Reader(segment);
  if (!file) co_return std::unexpected(file.error());
  std::string path = RecordsPath(segment->base());
  std::optional<TimedOffset> found;
  while (position < end) {
    std::optional<BatchHeader> candidate;
    auto scanned = co_await Scan(*file, path, position, end, BatchRun::Check::kHeaders,
                                 [&](const BatchHeader& header, uint64_t) -> std::string {
                                   if (header.max_timestamp < at || header.end_offset() <= from) {
                                     return "";
                                   }
                                   candidate = header;
                                   return "a candidate";
                                 });
    if (!scanned) co_return std::unexpected(scanned.error());
    if (!candidate && scanned->fault.empty()) break;
    if (!candidate) {
      co_return weir::Fail(Error::Kind::kCorrupt, path + " is damaged at position " +
                                                      std::to_string(scanned->position) + ": " +
                                                      scanned->fault);
    }
    auto bytes = co_await ReadFile(*file, scanned->position, candidate->size());
    if (!bytes) co_return std::unexpected(bytes.error().While("reading " + path));
    auto batch = records::ParseBatch(bytes->view());
    auto record = batch ? FindInBatch(*batch, bytes->view(), at, from)
                        : Answer<std::optional<TimedOffset>>(std::unexpected(batch.error()));
    if (!record) {
      co_return weir::Fail(Error::Kind::kCorrupt, path + " is damaged at position " +
                                                      std::to_string(scanned->position) + ": " +
                                                      record.error().message);
    }
    if (*record) {
      found = **record;
      break;
    }
    position = scanned->position + candidate->size();
  }
  co_return std::move(found);
}

}  // namespace weir::log
