// SPDX-License-Identifier: Apache-2.0
#include "storage/log/producer_snapshot.h"

#include <algorithm>
#include <utility>

#include "common/codec/crc32c.h"
#include "common/codec/reader.h"
#include "common/codec/writer.h"

namespace weir::log {
namespace {

constexpr int16_t kVersion = 1;
// What begins behind Kafka's entries.
constexpr std::string_view kMark = "weirprod";

int32_t SequenceBefore(int32_t sequence, int32_t n) {
  constexpr int64_t kSequences = int64_t{1} << 31;
  return static_cast<int32_t>((int64_t{sequence} + kSequences - n) % kSequences);
}

// Kafka's entry: id, epoch, last sequence, last offset, offset delta, timestamp, coordinator's
// epoch, first offset of its transaction.
void WriteEntry(codec::Writer& out, ProducerId id, const Producers::Producer& producer) {
  Producers::Batch last{-1, -1, Offset(-1), Offset(-1), {}};
  if (!producer.batches.empty()) last = producer.batches.back();
  out.Fixed(id.value());
  out.Fixed(producer.epoch.value());
  out.Fixed(last.last_sequence);
  out.Fixed(last.last.value());
  out.Fixed(static_cast<int32_t>(last.last - last.first));
  out.Fixed(producer.timestamp.ms);
  out.Fixed(int32_t{-1});
  out.Fixed(int64_t{-1});
}

std::pair<ProducerId, Producers::Producer> ReadEntry(codec::Reader& in) {
  ProducerId id(in.Fixed<int64_t>());
  Producers::Producer producer;
  producer.epoch = ProducerEpoch(in.Fixed<int16_t>());
  auto last_sequence = in.Fixed<int32_t>();
  Offset last(in.Fixed<int64_t>());
  auto delta = in.Fixed<int32_t>();
  producer.timestamp = {in.Fixed<int64_t>()};
  in.Run(4 + 8);
  producer.last = last;
  if (last_sequence >= 0 && delta >= 0 && last >= Offset(delta)) {
    producer.batches.push_back({SequenceBefore(last_sequence, delta), last_sequence,
                                last - int64_t{delta}, last, producer.timestamp});
  }
  return {id, std::move(producer)};
}

void WriteOlder(codec::Writer& out, const Producers::Producer& producer) {
  out.Fixed(producer.last.value());
  out.Fixed(static_cast<uint8_t>(producer.batches.size()));
  for (size_t i = 0; i + 1 < producer.batches.size(); ++i) {
    const Producers::Batch& batch = producer.batches[i];
    out.Fixed(batch.first_sequence);
    out.Fixed(batch.last_sequence);
    out.Fixed(batch.first.value());
    out.Fixed(batch.last.value());
    out.Fixed(batch.timestamp.ms);
  }
  // A marker may have come after the last batch: the entry has its time.
  if (!producer.batches.empty()) out.Fixed(producer.batches.back().timestamp.ms);
}

bool ReadOlder(codec::Reader& in, Producers::Producer& producer) {
  producer.last = Offset(in.Fixed<int64_t>());
  auto count = in.Fixed<uint8_t>();
  if (count > Producers::kBatchesMax || (count > 0) != !producer.batches.empty()) return false;
  std::vector<Producers::Batch> batches;
  for (uint8_t i = 0; i + 1 < count; ++i) {
    Producers::Batch batch;
    batch.first_sequence = in.Fixed<int32_t>();
    batch.last_sequence = in.Fixed<int32_t>();
    batch.first = Offset(in.Fixed<int64_t>());
    batch.last = Offset(in.Fixed<int64_t>());
    batch.timestamp = {in.Fixed<int64_t>()};
    batches.push_back(batch);
  }
  if (count > 0) producer.batches.back().timestamp = {in.Fixed<int64_t>()};
  producer.batches.insert(producer.batches.begin(), batches.begin(), batches.end());
  return !in.failed();
}

}  // namespace

std::string EncodeProducerSnapshot(const Producers& producers) {
  std::string body;
  codec::Writer out(&body);
  out.Fixed(static_cast<int32_t>(producers.by_id().size()));
  for (const auto& [id, producer] : producers.by_id()) WriteEntry(out, id, producer);
  out.Run(kMark);
  out.Fixed(producers.changed_end().value());
  for (const auto& [id, producer] : producers.by_id()) WriteOlder(out, producer);
  std::string bytes;
  codec::Writer front(&bytes);
  front.Fixed(kVersion);
  front.Fixed(codec::Crc32c(body));
  return bytes + body;
}

std::optional<Producers> DecodeProducerSnapshot(std::string_view bytes, Offset end) {
  codec::Reader in(bytes);
  auto version = in.Fixed<int16_t>();
  auto checksum = in.Fixed<uint32_t>();
  if (in.failed() || version != kVersion || codec::Crc32c(in.rest()) != checksum) {
    return std::nullopt;
  }
  auto count = in.Fixed<int32_t>();
  std::map<ProducerId, Producers::Producer> by_id;
  for (int32_t i = 0; i < count && !in.failed(); ++i) {
    if (!by_id.insert(ReadEntry(in)).second) return std::nullopt;
  }
  if (in.failed() || count < 0) return std::nullopt;
  Offset changed_end = end;
  if (in.rest().starts_with(kMark)) {
    in.Run(kMark.size());
    changed_end = Offset(in.Fixed<int64_t>());
    for (auto& [id, producer] : by_id) {
      if (!ReadOlder(in, producer)) return std::nullopt;
    }
    if (in.failed() || !in.rest().empty()) return std::nullopt;
  } else {
    // Kafka knows of no offset where it wrote a marker alone.
    std::erase_if(by_id, [](const auto& entry) { return entry.second.last < Offset(0); });
  }
  const bool is_below =
      std::ranges::all_of(by_id, [&](const auto& entry) { return entry.second.last < end; });
  if (!is_below || changed_end > end) return std::nullopt;
  return Producers::Restored(std::move(by_id), changed_end);
}

}  // namespace weir::log
