// SPDX-License-Identifier: Apache-2.0
// Kafka's record batch, version 2: the unit that is written, replicated and fetched. Base offset
// and leader epoch lie outside its checksum, so that a leader stamps them without touching the
// rest. Pure functions over bytes; what is wrong with a batch is said as a refusal.
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/error_code.h"
#include "common/base/ids.h"
#include "common/base/time.h"
#include "common/codec/compression.h"

namespace weir::records {

// The first record begins after this many bytes.
inline constexpr size_t kHeaderBytes = 61;
// Base offset and length come before what the length counts.
inline constexpr size_t kLengthCountsFrom = 12;
// What a leader stamps (base offset, length, leader epoch) ends here.
inline constexpr size_t kStampedBytes = 16;
inline constexpr size_t kChecksumAt = 17;
// What the checksum covers begins here.
inline constexpr size_t kChecksumCoversFrom = 21;
inline constexpr int8_t kMagic = 2;
inline constexpr int32_t kNoSequence = -1;
// Of a batch's attributes.
inline constexpr int16_t kCompressionBits = 0x07;
inline constexpr int16_t kAppendTimeBit = 0x08;

using Compression = codec::Compression;

// The fields at the front of a batch, in their order.
struct BatchHeader {
  Offset base_offset;
  int32_t length = 0;
  LeaderEpoch leader_epoch;
  int8_t magic = kMagic;
  uint32_t checksum = 0;
  int16_t attributes = 0;
  int32_t last_offset_delta = 0;
  WallTime base_timestamp;
  WallTime max_timestamp;
  ProducerId producer_id = kNoProducer;
  ProducerEpoch producer_epoch{-1};
  int32_t base_sequence = kNoSequence;
  int32_t count = 0;

  // Of the whole batch, in bytes.
  size_t size() const { return kLengthCountsFrom + static_cast<size_t>(length); }
  Offset last_offset() const { return base_offset + last_offset_delta; }
  Offset end_offset() const { return last_offset() + 1; }
  // Sequences wrap from 2^31 - 1 to 0. kNoSequence where there is none.
  int32_t last_sequence() const;
  Compression compression() const {
    return static_cast<Compression>(attributes & kCompressionBits);
  }
  bool has_append_time() const { return (attributes & kAppendTimeBit) != 0; }
  bool is_transactional() const { return (attributes & 0x10) != 0; }
  bool is_control() const { return (attributes & 0x20) != 0; }
  bool has_delete_horizon() const { return (attributes & 0x40) != 0; }
  bool is_idempotent() const { return producer_id != kNoProducer; }

  bool operator==(const BatchHeader&) const = default;
  friend std::ostream& operator<<(std::ostream& out, const BatchHeader& header);
};

// The sequence that comes `n` (>= 0) after `sequence`.
int32_t SequenceAfter(int32_t sequence, int32_t n);

// The header at the front of `bytes`, of which there may be more or fewer than the batch has.
// Judges what a header alone can tell: magic, length, counts, attributes. CORRUPT_MESSAGE,
// UNSUPPORTED_FOR_MESSAGE_FORMAT (another magic), UNSUPPORTED_COMPRESSION_TYPE, INVALID_RECORD.
Answer<BatchHeader> ParseHeader(std::string_view bytes);

// The batch at the front of `bytes`, which must be there whole: its header, and its checksum.
Answer<BatchHeader> ParseBatch(std::string_view bytes);

// What a producer's batch must be beyond that: a record for each offset.
Answer<void> CheckCounts(const BatchHeader& header);

// And, where they are not compressed, as many records as the header says, with offsets in order.
// `batch` is exactly one.
Answer<void> CheckRecords(const BatchHeader& header, std::string_view batch);

// The first kStampedBytes of `batch` as a leader writes them: with its offset and its epoch. The
// rest of the batch stays as it is.
Bytes StampedFront(std::string_view batch, Offset base_offset, LeaderEpoch leader_epoch);

// The same in place.
void Stamp(char* batch, Offset base_offset, LeaderEpoch leader_epoch);

// The first kHeaderBytes of `batch`, which is whole, with other attributes and another largest
// timestamp, and the checksum that is right then. The rest of the batch stays as it is.
Bytes RestampedFront(std::string_view batch, int16_t attributes, WallTime max_timestamp);

// Splits batches that stand one behind the other.
class BatchRun {
 public:
  struct Batch {
    BatchHeader header;
    Bytes bytes;
  };

  enum class Check { kHeaders, kChecksums };

  explicit BatchRun(Bytes bytes, Check check = Check::kChecksums)
      : rest_(std::move(bytes)), check_(check) {}

  // The next batch; nothing at the end. After a refusal there is no more to come.
  Answer<std::optional<Batch>> Next();

 private:
  Bytes rest_;
  Check check_;
};

}  // namespace weir::records
