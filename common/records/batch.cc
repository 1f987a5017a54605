// SPDX-License-Identifier: Apache-2.0
#include "common/records/batch.h"

#include <glog/logging.h>

#include <limits>
#include <string>
#include <utility>

#include "common/codec/big_endian.h"
#include "common/codec/crc32c.h"
#include "common/codec/reader.h"
#include "common/records/record_reader.h"

namespace weir::records {
namespace {

constexpr int16_t kKnownAttributes = 0x7f;

std::unexpected<Refusal> Corrupt(std::string message) {
  return Refuse(ErrorCode::kCorruptMessage, std::move(message));
}

BatchHeader ReadFields(std::string_view bytes) {
  codec::Reader in(bytes);
  BatchHeader header;
  header.base_offset = Offset(in.Fixed<int64_t>());
  header.length = in.Fixed<int32_t>();
  header.leader_epoch = LeaderEpoch(in.Fixed<int32_t>());
  header.magic = in.Fixed<int8_t>();
  header.checksum = in.Fixed<uint32_t>();
  header.attributes = in.Fixed<int16_t>();
  header.last_offset_delta = in.Fixed<int32_t>();
  header.base_timestamp = {in.Fixed<int64_t>()};
  header.max_timestamp = {in.Fixed<int64_t>()};
  header.producer_id = ProducerId(in.Fixed<int64_t>());
  header.producer_epoch = ProducerEpoch(in.Fixed<int16_t>());
  header.base_sequence = in.Fixed<int32_t>();
  header.count = in.Fixed<int32_t>();
  CHECK(!in.failed());
  return header;
}

Answer<void> JudgeCounts(const BatchHeader& header) {
  if (header.base_offset < Offset(0)) {
    return Corrupt("the batch has base offset " + std::to_string(header.base_offset.value()) +
                   "; offsets begin at 0");
  }
  if (header.last_offset_delta < 0 ||
      header.base_offset.value() >
          std::numeric_limits<int64_t>::max() - 1 - int64_t{header.last_offset_delta}) {
    return Corrupt("the batch has last offset delta " + std::to_string(header.last_offset_delta) +
                   "; it must be 0 or more, and its offsets must fit 63 bits");
  }
  // Fewer records than offsets is lawful: compaction leaves gaps.
  if (header.count < 0 || int64_t{header.count} > int64_t{header.last_offset_delta} + 1) {
    return Refuse(ErrorCode::kInvalidRecord,
                  "the batch says it has " + std::to_string(header.count) + " records for " +
                      std::to_string(int64_t{header.last_offset_delta} + 1) + " offsets");
  }
  return {};
}

Answer<void> JudgeAttributes(const BatchHeader& header) {
  if ((header.attributes & ~kKnownAttributes) != 0) {
    return Refuse(ErrorCode::kInvalidRecord, "the batch has attributes " +
                                                 std::to_string(header.attributes) +
                                                 "; only bits 0 to 6 have a meaning");
  }
  if (header.compression() > Compression::kZstd) {
    return Refuse(ErrorCode::kUnsupportedCompressionType,
                  "the batch has compression " +
                      std::to_string(static_cast<int>(header.compression())) +
                      "; known are 0 (none), 1 (gzip), 2 (snappy), 3 (lz4) and 4 (zstd)");
  }
  return {};
}

}  // namespace

int32_t SequenceAfter(int32_t sequence, int32_t n) {
  constexpr int64_t kSequences = int64_t{1} << 31;
  return static_cast<int32_t>((int64_t{sequence} + n) % kSequences);
}

int32_t BatchHeader::last_sequence() const {
  if (base_sequence < 0) return kNoSequence;
  return SequenceAfter(base_sequence, last_offset_delta);
}

std::ostream& operator<<(std::ostream& out, const BatchHeader& header) {
  out << "batch " << header.base_offset << ".." << header.last_offset() << " epoch "
      << header.leader_epoch << " records " << header.count << " bytes " << header.size();
  if (header.is_idempotent()) {
    out << " producer " << header.producer_id << '/' << header.producer_epoch << " sequence "
        << header.base_sequence;
  }
  return out;
}

Answer<BatchHeader> ParseHeader(std::string_view bytes) {
  // The magic comes first: where it is another, the other fields mean something else.
  constexpr size_t kMagicAt = 16;
  if (bytes.size() > kMagicAt && bytes[kMagicAt] != kMagic) {
    return Refuse(ErrorCode::kUnsupportedForMessageFormat,
                  "the batch has magic " + std::to_string(int{bytes[kMagicAt]}) +
                      "; only version 2 is taken, which clients write since Kafka 0.11");
  }
  if (bytes.size() < kHeaderBytes) {
    return Corrupt("the batch is cut short: " + std::to_string(bytes.size()) +
                   " bytes are there, and its header alone has " + std::to_string(kHeaderBytes));
  }
  BatchHeader header = ReadFields(bytes);
  constexpr auto kLengthMin = static_cast<int32_t>(kHeaderBytes - kLengthCountsFrom);
  constexpr int32_t kLengthMax = std::numeric_limits<int32_t>::max() - kLengthCountsFrom;
  if (header.length < kLengthMin || header.length > kLengthMax) {
    return Corrupt("the batch says its length is " + std::to_string(header.length) +
                   "; it must be " + std::to_string(kLengthMin) + " or more");
  }
  if (auto judged = JudgeCounts(header); !judged) return std::unexpected(judged.error());
  if (auto judged = JudgeAttributes(header); !judged) return std::unexpected(judged.error());
  return header;
}

Answer<BatchHeader> ParseBatch(std::string_view bytes) {
  auto header = ParseHeader(bytes);
  if (!header) return header;
  if (bytes.size() < header->size()) {
    return Corrupt("the batch is cut short: it says it has " + std::to_string(header->size()) +
                   " bytes, and " + std::to_string(bytes.size()) + " are there");
  }
  std::string_view covered =
      bytes.substr(kChecksumCoversFrom, header->size() - kChecksumCoversFrom);
  if (codec::Crc32c(covered) != header->checksum) {
    return Corrupt("the batch's CRC-32C is not that of its bytes; it was damaged on its way");
  }
  return header;
}

Answer<void> CheckCounts(const BatchHeader& header) {
  if (header.count == 0) {
    return Refuse(ErrorCode::kInvalidRecord, "the batch has no records; it must have one or more");
  }
  if (int64_t{header.count} != int64_t{header.last_offset_delta} + 1) {
    return Refuse(ErrorCode::kInvalidRecord,
                  "the batch has " + std::to_string(header.count) +
                      " records and last offset delta " + std::to_string(header.last_offset_delta) +
                      "; the delta must be " + std::to_string(header.count - 1));
  }
  return {};
}

Answer<void> CheckRecords(const BatchHeader& header, std::string_view batch) {
  CHECK_EQ(batch.size(), header.size());
  if (auto judged = CheckCounts(header); !judged) return judged;
  if (header.compression() != Compression::kNone) return {};
  RecordReader reader(header, batch, RecordReader::Offsets::kAll);
  while (true) {
    auto record = reader.Next();
    if (!record) return std::unexpected(record.error());
    if (!*record) return {};
  }
}

void Stamp(char* batch, Offset base_offset, LeaderEpoch leader_epoch) {
  codec::StoreBigEndian<int64_t>(base_offset.value(), batch);
  codec::StoreBigEndian<int32_t>(leader_epoch.value(), batch + kLengthCountsFrom);
}

Bytes StampedFront(std::string_view batch, Offset base_offset, LeaderEpoch leader_epoch) {
  CHECK_GE(batch.size(), kHeaderBytes);
  std::string front(batch.substr(0, kStampedBytes));
  Stamp(front.data(), base_offset, leader_epoch);
  return Bytes::FromString(std::move(front));
}

Bytes RestampedFront(std::string_view batch, int16_t attributes, WallTime max_timestamp) {
  constexpr size_t kMaxTimestampAt = 35;
  CHECK_GE(batch.size(), kHeaderBytes);
  std::string front(batch.substr(0, kHeaderBytes));
  codec::StoreBigEndian<int16_t>(attributes, front.data() + kChecksumCoversFrom);
  codec::StoreBigEndian<int64_t>(max_timestamp.ms, front.data() + kMaxTimestampAt);
  uint32_t checksum =
      codec::Crc32c(batch.substr(kHeaderBytes),
                    codec::Crc32c(std::string_view(front).substr(kChecksumCoversFrom)));
  codec::StoreBigEndian<uint32_t>(checksum, front.data() + kChecksumAt);
  return Bytes::FromString(std::move(front));
}

Answer<std::optional<BatchRun::Batch>> BatchRun::Next() {
  if (rest_.empty()) return std::nullopt;
  Bytes bytes = std::exchange(rest_, {});
  auto header = check_ == Check::kChecksums ? ParseBatch(bytes.view()) : ParseHeader(bytes.view());
  if (!header) return std::unexpected(header.error());
  if (bytes.size() < header->size()) {
    return Corrupt("the last of the batches is cut short: it says it has " +
                   std::to_string(header->size()) + " bytes, and " + std::to_string(bytes.size()) +
                   " are there");
  }
  rest_ = bytes.Slice(header->size());
  return Batch{*header, bytes.Slice(0, header->size())};
}

}  // namespace weir::records
