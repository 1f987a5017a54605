// SPDX-License-Identifier: Apache-2.0
#include "storage/log/producers.h"

#include <glog/logging.h>

#include <string>

namespace weir::log {
namespace {

std::string Number(int64_t value) { return std::to_string(value); }

std::unexpected<Refusal> OutOfOrder(const records::BatchHeader& header, int32_t expected) {
  return Refuse(ErrorCode::kOutOfOrderSequenceNumber,
                "producer " + Number(header.producer_id.value()) + " (epoch " +
                    Number(header.producer_epoch.value()) + ") sent sequence " +
                    Number(header.base_sequence) + "; the next must be " + Number(expected));
}

}  // namespace

Answer<std::optional<Producers::Batch>> Producers::Judge(const records::BatchHeader& header) const {
  if (!header.is_idempotent()) return std::nullopt;
  auto found = by_id_.find(header.producer_id);
  if (found == by_id_.end()) return JudgeUnknown(header);
  const Producer& producer = found->second;
  if (header.producer_epoch < producer.epoch) {
    return Refuse(ErrorCode::kInvalidProducerEpoch,
                  "producer " + Number(header.producer_id.value()) + " sent epoch " +
                      Number(header.producer_epoch.value()) + "; it is at epoch " +
                      Number(producer.epoch.value()) + ", and an older one may write no more");
  }
  // A coordinator's marker has no sequence.
  if (header.base_sequence < 0) return std::nullopt;
  if (header.producer_epoch > producer.epoch || producer.batches.empty()) {
    if (header.base_sequence != 0) return OutOfOrder(header, 0);
    return std::nullopt;
  }
  for (const Batch& batch : producer.batches) {
    if (batch.first_sequence == header.base_sequence &&
        batch.last_sequence == header.last_sequence()) {
      return batch;
    }
  }
  int32_t expected = records::SequenceAfter(producer.batches.back().last_sequence, 1);
  if (header.base_sequence != expected) return OutOfOrder(header, expected);
  return std::nullopt;
}

// Whoever is new begins with sequence 0. Where a later batch comes first, the one before it was
// refused or lost on its way, and would be written after it. Kafka takes any sequence here, since it
// forgets producers; here that is so only once there were too many.
Answer<std::optional<Producers::Batch>> Producers::JudgeUnknown(
    const records::BatchHeader& header) const {
  if (header.base_sequence <= 0 || by_id_.size() >= kProducersMax) return std::nullopt;
  return Refuse(ErrorCode::kUnknownProducerId,
                "producer " + Number(header.producer_id.value()) + " is not known here and sent " +
                    "sequence " + Number(header.base_sequence) + "; a new one begins with 0");
}

void Producers::Apply(const records::BatchHeader& header) {
  if (!header.is_idempotent()) return;
  changed_end_ = header.end_offset();
  auto [found, is_new] = by_id_.try_emplace(header.producer_id);
  Producer& producer = found->second;
  if (is_new) {
    producer.epoch = header.producer_epoch;
    producer.last = Offset(-1);
  }
  // A leader never writes an older epoch; a fold does not judge.
  if (header.producer_epoch < producer.epoch) return;
  if (header.producer_epoch > producer.epoch) {
    producer.epoch = header.producer_epoch;
    producer.batches.clear();
  }
  Touch(header.producer_id, producer, header.last_offset());
  if (header.base_sequence < 0) return;
  if (producer.batches.size() == kBatchesMax) producer.batches.erase(producer.batches.begin());
  producer.batches.push_back(
      {header.base_sequence, header.last_sequence(), header.base_offset, header.last_offset()});
}

void Producers::Touch(ProducerId id, Producer& producer, Offset last) {
  by_last_.erase(producer.last);
  producer.last = last;
  by_last_[last] = id;
  if (by_id_.size() <= kProducersMax) return;
  auto oldest = by_last_.begin();
  CHECK(oldest->second != id);
  by_id_.erase(oldest->second);
  by_last_.erase(oldest);
}

void Producers::Encode(codec::Writer& out) const {
  out.Fixed(changed_end_.value());
  out.Fixed(static_cast<uint32_t>(by_id_.size()));
  for (const auto& [id, producer] : by_id_) {
    out.Fixed(id.value());
    out.Fixed(producer.epoch.value());
    out.Fixed(producer.last.value());
    out.Fixed(static_cast<uint8_t>(producer.batches.size()));
    for (const Batch& batch : producer.batches) {
      out.Fixed(batch.first_sequence);
      out.Fixed(batch.last_sequence);
      out.Fixed(batch.first.value());
      out.Fixed(batch.last.value());
    }
  }
}

std::optional<Producers> Producers::Decode(codec::Reader& in) {
  Producers producers;
  producers.changed_end_ = Offset(in.Fixed<int64_t>());
  auto count = in.Fixed<uint32_t>();
  for (uint32_t i = 0; i < count && !in.failed(); ++i) {
    ProducerId id(in.Fixed<int64_t>());
    Producer producer;
    producer.epoch = ProducerEpoch(in.Fixed<int16_t>());
    producer.last = Offset(in.Fixed<int64_t>());
    auto batches = in.Fixed<uint8_t>();
    if (batches > kBatchesMax) return std::nullopt;
    for (uint8_t b = 0; b < batches; ++b) {
      Batch batch;
      batch.first_sequence = in.Fixed<int32_t>();
      batch.last_sequence = in.Fixed<int32_t>();
      batch.first = Offset(in.Fixed<int64_t>());
      batch.last = Offset(in.Fixed<int64_t>());
      producer.batches.push_back(batch);
    }
    producers.by_last_[producer.last] = id;
    producers.by_id_[id] = std::move(producer);
  }
  if (in.failed() || producers.by_last_.size() != producers.by_id_.size()) return std::nullopt;
  return producers;
}

}  // namespace weir::log
