// SPDX-License-Identifier: Apache-2.0
#include "storage/log/producers.h"

#include <glog/logging.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "common/base/planted_bug.h"

namespace weir::log {
namespace {

std::string Number(int64_t value) { return std::to_string(value); }

std::unexpected<Refusal> OutOfOrder(const records::BatchHeader& header, int32_t expected) {
  return Refuse(ErrorCode::kOutOfOrderSequenceNumber,
                "producer " + Number(header.producer_id.value()) + " (epoch " +
                    Number(header.producer_epoch.value()) + ") sent sequence " +
                    Number(header.base_sequence) + "; the next must be " + Number(expected));
}

// The sequence of the batch after these; -1 where none is known.
int32_t NextSequence(const std::vector<Producers::Batch>& batches) {
  if (batches.empty()) return -1;
  if (PLANTED_BUG("log: sequences do not wrap")) {
    return static_cast<int32_t>(int64_t{batches.back().last_sequence} + 1);
  }
  return records::SequenceAfter(batches.back().last_sequence, 1);
}

// Whether the leader that wrote `header` may have known the producer so. A marker has no sequence.
bool Follows(const Producers::Producer& producer, const records::BatchHeader& header) {
  if (header.producer_epoch != producer.epoch) return false;
  return header.base_sequence < 0 || producer.batches.empty() ||
         header.base_sequence == NextSequence(producer.batches);
}

}  // namespace

Answer<std::optional<Producers::Batch>> Producers::Judge(const records::BatchHeader& header) const {
  if (!header.is_idempotent()) return std::nullopt;
  auto found = by_id_.find(header.producer_id);
  if (found == by_id_.end()) return JudgeUnknown(header);
  const Producer& producer = found->second;
  bool is_over = header.producer_epoch < producer.epoch;
  if (is_over && !PLANTED_BUG("log: a producer's old epoch may write")) {
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
  int32_t expected = NextSequence(producer.batches);
  if (header.base_sequence != expected) return OutOfOrder(header, expected);
  return std::nullopt;
}

// Whoever is new begins with sequence 0. Where a later batch comes first, the one before it was
// refused or lost on its way, and would be written after it. Kafka takes any sequence, since it
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
  if (is_new) producer.last = Offset(-1);
  if (is_new || !Follows(producer, header)) {
    producer.epoch = header.producer_epoch;
    producer.batches.clear();
  }
  producer.timestamp = header.max_timestamp;
  Touch(header.producer_id, producer, header.last_offset());
  if (header.base_sequence < 0) return;
  size_t batches_max = PLANTED_BUG("log: one batch is remembered") ? 1 : kBatchesMax;
  if (producer.batches.size() == batches_max) producer.batches.erase(producer.batches.begin());
  producer.batches.push_back({header.base_sequence, header.last_sequence(), header.base_offset,
                              header.last_offset(), header.max_timestamp});
}

void Producers::Touch(ProducerId id, Producer& producer, Offset last) {
  by_last_.erase(producer.last);
  producer.last = last;
  by_last_[last] = id;
  if (by_id_.size() <= kProducersMax) return;
  CHECK(by_last_.begin()->second != id);
  ForgetOldest();
}

void Producers::ForgetOldest() {
  by_id_.erase(by_last_.begin()->second);
  by_last_.erase(by_last_.begin());
}

void Producers::Forget(WallTime now, Duration after) {
  const int64_t after_ms = std::chrono::duration_cast<std::chrono::milliseconds>(after).count();
  // A clock that went back: what had been written then had been written before `now` as well.
  while (!sights_.empty() && sights_.back().at > now) sights_.pop_back();
  auto is_old = [&](const Sight& sight) { return now.ms - sight.at.ms >= after_ms; };
  auto young = std::ranges::find_if_not(sights_, is_old);
  if (young != sights_.begin()) {
    Offset end = std::prev(young)->end;
    while (!by_last_.empty() && by_last_.begin()->first < end) ForgetOldest();
    sights_.erase(sights_.begin(), young);
  }
  // So many are kept at most.
  constexpr int64_t kSights = 64;
  if (sights_.empty() ||
      now.ms - sights_.back().at.ms >= std::max<int64_t>(1, after_ms / kSights)) {
    sights_.push_back({now, changed_end_});
  }
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
