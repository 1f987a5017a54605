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
  // Never seen, or forgotten: it may begin anywhere.
  if (found == by_id_.end()) return std::nullopt;
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

std::optional<Producers> Producers::Restored(std::map<ProducerId, Producer> by_id,
                                             Offset changed_end) {
  Producers producers;
  for (const auto& [id, producer] : by_id) {
    if (producer.batches.size() > kBatchesMax) return std::nullopt;
    if (!producers.by_last_.emplace(producer.last, id).second) return std::nullopt;
  }
  producers.by_id_ = std::move(by_id);
  producers.changed_end_ = changed_end;
  return producers;
}

}  // namespace weir::log
