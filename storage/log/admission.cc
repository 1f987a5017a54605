// SPDX-License-Identifier: Apache-2.0
#include "storage/log/admission.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "common/base/planted_bug.h"
#include "common/codec/big_endian.h"
#include "common/records/contents.h"
#include "common/records/record_reader.h"

namespace weir::log {
namespace {

using records::BatchHeader;

constexpr WallTime kNoTimestamp{-1};

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

Answer<void> JudgeClient(const BatchHeader& header) {
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
  return {};
}

int64_t Difference(int64_t a, int64_t b) {
  int64_t difference = 0;
  if (!__builtin_sub_overflow(a, b, &difference)) return difference;
  return a > b ? std::numeric_limits<int64_t>::max() : std::numeric_limits<int64_t>::min();
}

// What is judged: one record of the batch, or all of it.
constexpr int32_t kWholeBatch = -1;

std::string NameOf(int32_t index) {
  return index == kWholeBatch ? "the batch" : "record " + Number(index) + " of the batch";
}

std::unexpected<Refusal> BadTimestamp(int32_t index, WallTime timestamp, WallTime now,
                                      int64_t bound_ms, std::string_view side) {
  std::string at = side == "after" ? " ms after" : " ms before";
  return Refuse(ErrorCode::kInvalidTimestamp,
                NameOf(index) + " has timestamp " + Number(timestamp.ms) + "; it must be at most " +
                    Number(bound_ms) + at + " the node's clock, which says " + Number(now.ms) +
                    " (message.timestamp." + std::string(side) + ".max.ms)");
}

// A single timestamp far ahead would keep its segment from ever being old enough to go.
Answer<void> JudgeTimestamp(int32_t index, WallTime timestamp, const AdmissionRules& rules,
                            WallTime now) {
  if (rules.stamps_append_time || timestamp == kNoTimestamp) return {};
  if (Difference(timestamp.ms, now.ms) > rules.timestamp_after_max_ms) {
    return BadTimestamp(index, timestamp, now, rules.timestamp_after_max_ms, "after");
  }
  if (Difference(now.ms, timestamp.ms) > rules.timestamp_before_max_ms) {
    return BadTimestamp(index, timestamp, now, rules.timestamp_before_max_ms, "before");
  }
  return {};
}

Answer<void> JudgeRecord(int32_t index, const records::Record& record, const AdmissionRules& rules,
                         WallTime now) {
  if (rules.needs_keys && !record.key && !PLANTED_BUG("log: no key is needed")) {
    return Invalid(NameOf(index) + " has no key; the topic is compacted (cleanup.policy), and " +
                   "each of its records must have one");
  }
  return JudgeTimestamp(index, record.timestamp, rules, now);
}

// Whether every one of the records is to be known.
bool MustBeRead(const BatchHeader& header, const AdmissionRules& rules) {
  if (header.compression() == records::Compression::kNone || rules.needs_keys) return true;
  return !rules.stamps_append_time &&
         rules.timestamp_before_max_ms != std::numeric_limits<int64_t>::max();
}

// A coordinator's markers stay as they are.
bool MustBeRepacked(const BatchHeader& header, const AdmissionRules& rules) {
  return rules.compression && *rules.compression != header.compression() && !header.is_control();
}

// The largest timestamp of the records, each of which is right.
Answer<WallTime> JudgeRecords(records::RecordReader reader, bool is_control,
                              const AdmissionRules& rules, WallTime now) {
  WallTime largest = kNoTimestamp;
  for (int32_t index = 0;; ++index) {
    auto record = reader.Next();
    if (!record) return std::unexpected(record.error());
    if (!*record) return largest;
    largest = std::max(largest, (*record)->timestamp);
    if (is_control) continue;
    if (auto judged = JudgeRecord(index, **record, rules, now); !judged) {
      return std::unexpected(judged.error());
    }
  }
}

std::unexpected<Refusal> TooLarge(std::string_view when, size_t bytes, int32_t bytes_max) {
  return Refuse(ErrorCode::kMessageTooLarge, "the batch has " + std::to_string(bytes) + " bytes" +
                                                 std::string(when) + "; the topic takes at most " +
                                                 Number(bytes_max) + " (max.message.bytes)");
}

// The batch under `header`, which differs from that of `batch` in its attributes and its largest
// timestamp at most.
Admitted Restamped(const BatchHeader& header, const BatchHeader& before, const Bytes& batch) {
  Bytes rest = batch.Slice(records::kHeaderBytes);
  if (header == before) return {header, batch.Slice(0, records::kHeaderBytes), std::move(rest)};
  Bytes front = records::RestampedFront(batch.view(), header.attributes, header.max_timestamp);
  if (PLANTED_BUG("log: a stamped batch keeps its checksum")) {
    std::string spoiled = front.ToString();
    codec::StoreBigEndian<uint32_t>(before.checksum, spoiled.data() + records::kChecksumAt);
    front = Bytes::FromString(std::move(spoiled));
  }
  BatchHeader stamped = *records::ParseHeader(front.view());
  return {stamped, std::move(front), std::move(rest)};
}

}  // namespace

Pieces Admitted::Stamped(Offset base_offset, LeaderEpoch epoch) const {
  std::string stamped = front.ToString();
  records::Stamp(stamped.data(), base_offset, epoch);
  return {Bytes::FromString(std::move(stamped)), rest};
}

Answer<Admitted> AdmitFromProducer(Bytes batch, Origin origin, const AdmissionRules& rules,
                                   int32_t max_batch_bytes, WallTime now) {
  // Before the checksum: it is cheap, and the better answer.
  if (batch.size() > static_cast<size_t>(max_batch_bytes)) {
    return TooLarge("", batch.size(), max_batch_bytes);
  }
  auto before = records::ParseBatch(batch.view());
  if (!before) return std::unexpected(before.error());
  if (before->size() != batch.size()) {
    return Invalid("the batch has " + std::to_string(before->size()) + " bytes, and " +
                   std::to_string(batch.size() - before->size()) +
                   " more follow; send one batch at a time");
  }
  if (origin == Origin::kClient) {
    if (auto judged = JudgeClient(*before); !judged) return std::unexpected(judged.error());
  }
  if (auto judged = JudgeProducer(*before); !judged) return std::unexpected(judged.error());
  if (auto judged = records::CheckCounts(*before); !judged) return std::unexpected(judged.error());
  BatchHeader header = *before;
  bool is_repacked = MustBeRepacked(header, rules);
  std::optional<records::Contents> contents;
  if (is_repacked || MustBeRead(header, rules)) {
    auto read = records::Contents::Of(header, batch);
    if (!read) return std::unexpected(read.error());
    contents = std::move(*read);
    auto largest = JudgeRecords(contents->Records(records::RecordReader::Offsets::kAll),
                                header.is_control(), rules, now);
    if (!largest) return std::unexpected(largest.error());
    if (!PLANTED_BUG("log: a header's timestamp is believed")) header.max_timestamp = *largest;
  } else if (auto judged = JudgeTimestamp(kWholeBatch, header.max_timestamp, rules, now); !judged) {
    return std::unexpected(judged.error());
  }
  if (rules.stamps_append_time) {
    header.max_timestamp = now;
    header.attributes |= records::kAppendTimeBit;
  }
  if (!is_repacked) return Restamped(header, *before, batch);
  Bytes repacked = records::Repacked(header, contents->bytes().view(), *rules.compression,
                                     rules.compression_level);
  if (repacked.size() > static_cast<size_t>(max_batch_bytes)) {
    return TooLarge(" in the topic's compression", repacked.size(), max_batch_bytes);
  }
  header = *records::ParseHeader(repacked.view());
  return Admitted{header, repacked.Slice(0, records::kHeaderBytes),
                  repacked.Slice(records::kHeaderBytes)};
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
