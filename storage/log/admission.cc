// SPDX-License-Identifier: Apache-2.0
#include "storage/log/admission.h"

#include <string>

namespace weir::log {
namespace {

using records::BatchHeader;

// A single timestamp far ahead would keep its segment from ever being old enough to go.
constexpr int64_t kTimestampAheadMaxMs = 60 * 60 * 1000;

std::string Number(int64_t value) { return std::to_string(value); }

std::unexpected<Refusal> Invalid(std::string message) {
  return Refuse(ErrorCode::kInvalidRecord, std::move(message));
}

Answer<void> JudgeProducer(const BatchHeader& header) {
  if (!header.is_idempotent()) {
    if (header.producer_epoch == ProducerEpoch(-1) && header.base_sequence == -1) return {};
    return Invalid("the batch has no producer id, but epoch " +
                   Number(header.producer_epoch.value()) + " and sequence " +
                   Number(header.base_sequence) + "; both must be -1 then");
  }
  if (header.producer_id < ProducerId(0) || header.producer_epoch < ProducerEpoch(0)) {
    return Invalid("the batch has producer id " + Number(header.producer_id.value()) +
                   " and epoch " + Number(header.producer_epoch.value()) +
                   "; both must be 0 or more, or -1 without idempotence");
  }
  if (header.base_sequence < 0 && !header.is_control()) {
    return Invalid("the batch has a producer id and base sequence " + Number(header.base_sequence) +
                   "; it must be 0 or more");
  }
  return {};
}

Answer<void> JudgeClient(const BatchHeader& header, WallTime now) {
  if (header.is_control()) {
    return Invalid("the batch is a control batch; only a transaction's coordinator writes those");
  }
  if (header.is_transactional()) {
    return Invalid("the batch is transactional, and transactions are not supported; send it " +
                   std::string("without a transactional id"));
  }
  if (header.base_offset != Offset(0)) {
    return Invalid("the batch has base offset " + Number(header.base_offset.value()) +
                   "; a producer's must be 0, for the leader gives the offsets");
  }
  if (header.has_delete_horizon()) {
    return Invalid("the batch has a delete horizon, which only compaction sets");
  }
  if (header.has_append_time()) {
    return Refuse(ErrorCode::kInvalidTimestamp,
                  "the batch says its timestamps are the log's append time; a producer's must be "
                  "create times");
  }
  // Never a sum with the batch's own number, which may be as large as it likes.
  if (header.max_timestamp.ms > now.ms + kTimestampAheadMaxMs) {
    return Refuse(ErrorCode::kInvalidTimestamp,
                  "the batch has timestamp " + Number(header.max_timestamp.ms) +
                      "; it must be at most an hour ahead of the node's clock, which says " +
                      Number(now.ms));
  }
  return {};
}

}  // namespace

Answer<BatchHeader> AdmitFromProducer(const Bytes& batch, Origin origin, int32_t max_batch_bytes,
                                      WallTime now) {
  // Before the checksum: it is cheap, and the better answer.
  if (batch.size() > static_cast<size_t>(max_batch_bytes)) {
    return Refuse(ErrorCode::kMessageTooLarge,
                  "the batch has " + std::to_string(batch.size()) + " bytes; the topic takes at " +
                      "most " + Number(max_batch_bytes) + " (max.message.bytes)");
  }
  auto header = records::ParseBatch(batch.view());
  if (!header) return header;
  if (header->size() != batch.size()) {
    return Invalid("the batch has " + std::to_string(header->size()) + " bytes, and " +
                   std::to_string(batch.size() - header->size()) +
                   " more follow; send one batch at a time");
  }
  if (origin == Origin::kClient) {
    if (auto judged = JudgeClient(*header, now); !judged) return std::unexpected(judged.error());
  }
  if (auto judged = JudgeProducer(*header); !judged) return std::unexpected(judged.error());
  if (auto judged = records::CheckRecords(*header, batch.view()); !judged) {
    return std::unexpected(judged.error());
  }
  return header;
}

Answer<std::vector<records::BatchRun::Batch>> AdmitFromLeader(Bytes batches, Offset end,
                                                              LeaderEpoch least, LeaderEpoch most,
                                                              Gaps gaps) {
  std::vector<records::BatchRun::Batch> admitted;
  records::BatchRun run(std::move(batches));
  while (true) {
    auto next = run.Next();
    if (!next) return std::unexpected(next.error());
    if (!*next) return admitted;
    const BatchHeader& header = (*next)->header;
    const bool is_gap = header.base_offset > end;
    if (header.base_offset < end || (is_gap && gaps == Gaps::kRefused)) {
      return Invalid("the leader's batch begins at offset " + Number(header.base_offset.value()) +
                     "; the next one here must begin at " + Number(end.value()));
    }
    if (header.leader_epoch > most || header.leader_epoch < least) {
      return Invalid("the leader's batch at offset " + Number(end.value()) + " has leader epoch " +
                     Number(header.leader_epoch.value()) + "; it must be from " +
                     Number(least.value()) + " to " + Number(most.value()));
    }
    end = header.end_offset();
    least = header.leader_epoch;
    admitted.push_back(std::move(**next));
  }
}

}  // namespace weir::log
