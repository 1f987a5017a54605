// SPDX-License-Identifier: Apache-2.0
#include "common/records/batch.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "common/codec/big_endian.h"
#include "common/codec/crc32c.h"
#include "common/records/batch_builder.h"
#include "common/records/record_reader.h"

namespace weir::records {
namespace {

Bytes ThreeRecords() {
  BatchBuilder builder;
  builder.Add({1000}, "k0", "v0");
  Header headers[] = {{"h", "x"}, {"empty", std::nullopt}};
  builder.Add({1005}, std::nullopt, "v1", headers);
  builder.Add({990}, "k2", std::nullopt);
  builder.SetProducer(ProducerId(7), ProducerEpoch(1), 40);
  return builder.Build();
}

// Gives `batch` the checksum that its bytes have now.
std::string Resealed(std::string batch) {
  codec::StoreBigEndian<uint32_t>(
      codec::Crc32c(std::string_view(batch).substr(kChecksumCoversFrom)), batch.data() + 17);
  return batch;
}

std::string FromHex(std::string_view hex) {
  std::string out;
  std::string digits;
  for (char c : hex) {
    if (c == ' ') continue;
    digits.push_back(c);
    if (digits.size() < 2) continue;
    out.push_back(static_cast<char>(std::stoi(digits, nullptr, 16)));
    digits.clear();
  }
  return out;
}

TEST(Batch, HasTheBytesThatTheFormatDefines) {
  BatchBuilder builder;
  builder.Add({1}, "k", "v");
  std::string golden = FromHex(
      "0000000000000000"  // Base offset.
      "0000003a"          // Length: 49 of header, 9 of record.
      "ffffffff"          // Leader epoch.
      "02"                // Magic.
      "00000000"          // Checksum, below.
      "0000"              // Attributes.
      "00000000"          // Last offset delta.
      "0000000000000001"  // Base timestamp.
      "0000000000000001"  // Largest timestamp.
      "ffffffffffffffff"  // Producer id.
      "ffff"              // Producer epoch.
      "ffffffff"          // Base sequence.
      "00000001"          // Count.
      // Length 8, attributes, timestamp and offset delta, key of 1, value of 1, no headers.
      "10 00 00 00 02 6b 02 76 00");
  EXPECT_EQ(builder.Build().view(), Resealed(golden));
}

TEST(Batch, ReadsBackWhatWasBuilt) {
  Bytes batch = ThreeRecords();
  auto header = ParseBatch(batch.view());
  ASSERT_TRUE(header) << header.error();
  EXPECT_EQ(header->size(), batch.size());
  EXPECT_EQ(header->count, 3);
  EXPECT_EQ(header->base_timestamp, WallTime{1000});
  EXPECT_EQ(header->max_timestamp, WallTime{1005});
  EXPECT_EQ(header->producer_id, ProducerId(7));
  EXPECT_EQ(header->last_sequence(), 42);
  EXPECT_TRUE(CheckRecords(*header, batch.view()));

  RecordReader reader(*header, batch.view());
  EXPECT_EQ(**reader.Next(), (Record{Offset(0), {1000}, "k0", "v0", {}}));
  EXPECT_EQ(**reader.Next(), (Record{Offset(1),
                                     {1005},
                                     std::nullopt,
                                     "v1",
                                     {Header{"h", "x"}, Header{"empty", std::nullopt}}}));
  EXPECT_EQ(**reader.Next(), (Record{Offset(2), {990}, "k2", std::nullopt, {}}));
  EXPECT_EQ(*reader.Next(), std::nullopt);
}

TEST(Batch, IsStampedOutsideItsChecksum) {
  std::string batch = ThreeRecords().ToString();
  Bytes front = StampedFront(batch, Offset(500), LeaderEpoch(9));
  batch.replace(0, kStampedBytes, front.view());
  auto header = ParseBatch(batch);
  ASSERT_TRUE(header) << header.error();
  EXPECT_EQ(header->base_offset, Offset(500));
  EXPECT_EQ(header->end_offset(), Offset(503));
  EXPECT_EQ(header->leader_epoch, LeaderEpoch(9));
}

TEST(Batch, BuilderKeepsItsPromiseOfSize) {
  BatchBuilder builder;
  for (int i = 0; i < 300; ++i) {
    std::string value(static_cast<size_t>(i) * 7, 'v');
    size_t promised = builder.SizeWith("key", value);
    builder.Add({i * 1000}, "key", value);
    EXPECT_LE(builder.size(), promised);
  }
  size_t size = builder.size();
  EXPECT_EQ(builder.Build().size(), size);
  EXPECT_TRUE(builder.empty());
}

TEST(Batch, SequencesWrapAfterTheLargest) {
  constexpr int32_t kLargest = std::numeric_limits<int32_t>::max();
  EXPECT_EQ(SequenceAfter(kLargest, 0), kLargest);
  EXPECT_EQ(SequenceAfter(kLargest, 1), 0);
  EXPECT_EQ(SequenceAfter(kLargest - 1, 3), 1);
}

TEST(Batch, RunsAreSplitAtTheirBoundaries) {
  std::string one = ThreeRecords().ToString();
  std::string two = one + one;
  BatchRun run(Bytes::FromString(two));
  EXPECT_EQ((*run.Next())->bytes.view(), one);
  EXPECT_EQ((*run.Next())->bytes.view(), one);
  EXPECT_FALSE((*run.Next()).has_value());

  BatchRun torn(Bytes::FromString(two.substr(0, two.size() - 1)));
  EXPECT_TRUE(torn.Next());
  EXPECT_EQ(torn.Next().error().code, ErrorCode::kCorruptMessage);
}

struct Bad {
  std::string name;
  std::function<void(std::string&)> spoil;
  ErrorCode code;
  std::string says;
};

template <class T>
std::function<void(std::string&)> Put(size_t at, T value) {
  return [=](std::string& batch) { codec::StoreBigEndian<T>(value, batch.data() + at); };
}

TEST(Batch, SaysWhatIsWrongWithIt) {
  const Bad table[] = {
      {"old magic", Put<int8_t>(16, 1), ErrorCode::kUnsupportedForMessageFormat, "magic 1"},
      {"length below the header", Put<int32_t>(8, 48), ErrorCode::kCorruptMessage, "length is 48"},
      {"negative length", Put<int32_t>(8, -5), ErrorCode::kCorruptMessage, "length is -5"},
      {"length beyond the bytes", Put<int32_t>(8, 5000), ErrorCode::kCorruptMessage, "cut short"},
      {"negative offset", Put<int64_t>(0, -1), ErrorCode::kCorruptMessage, "base offset -1"},
      {"negative delta", Put<int32_t>(23, -1), ErrorCode::kCorruptMessage, "last offset delta -1"},
      {"offsets beyond 63 bits", Put<int64_t>(0, INT64_MAX - 1), ErrorCode::kCorruptMessage,
       "63 bits"},
      {"more records than offsets", Put<int32_t>(57, 4), ErrorCode::kInvalidRecord, "4 records"},
      {"negative count", Put<int32_t>(57, -1), ErrorCode::kInvalidRecord, "-1 records"},
      {"unknown attribute", Put<int16_t>(21, 0x80), ErrorCode::kInvalidRecord, "attributes 128"},
      {"unknown compression", Put<int16_t>(21, 5), ErrorCode::kUnsupportedCompressionType,
       "compression 5"},
      {"zero records", Put<int32_t>(57, 0), ErrorCode::kInvalidRecord, "no records"},
      {"fewer records than offsets", Put<int32_t>(57, 2), ErrorCode::kInvalidRecord,
       "delta must be 1"},
      {"count and delta below the records",
       [](std::string& batch) {
         Put<int32_t>(57, 2)(batch);
         Put<int32_t>(23, 1)(batch);
       },
       ErrorCode::kInvalidRecord, "left over"},
      {"count and delta above the records",
       [](std::string& batch) {
         Put<int32_t>(57, 4)(batch);
         Put<int32_t>(23, 3)(batch);
       },
       ErrorCode::kInvalidRecord, "record 3 of the batch has no lawful length"},
      {"a record's length lies", [](std::string& batch) { batch[61] = 0x7e; },
       ErrorCode::kInvalidRecord, "record 0"},
      {"a record's offset lies", [](std::string& batch) { batch[64] = 0x02; },
       ErrorCode::kInvalidRecord, "offset delta 1"},
  };
  for (const Bad& bad : table) {
    std::string batch = ThreeRecords().ToString();
    bad.spoil(batch);
    batch = Resealed(batch);
    auto header = ParseBatch(batch);
    Answer<void> judged;
    if (header) {
      judged = CheckRecords(*header, batch);
    } else {
      judged = std::unexpected(header.error());
    }
    ASSERT_FALSE(judged) << bad.name;
    EXPECT_EQ(judged.error().code, bad.code) << bad.name;
    EXPECT_NE(judged.error().message.find(bad.says), std::string::npos)
        << bad.name << ": " << judged.error().message;
  }
}

TEST(Batch, CompressedRecordsAreTakenUnreadAndRefusedToReaders) {
  std::string batch = ThreeRecords().ToString();
  Put<int16_t>(21, static_cast<int16_t>(Compression::kLz4))(batch);
  batch = Resealed(batch);
  auto header = ParseBatch(batch);
  ASSERT_TRUE(header);
  EXPECT_TRUE(CheckRecords(*header, batch));
  RecordReader reader(*header, batch);
  EXPECT_EQ(reader.Next().error().code, ErrorCode::kUnsupportedCompressionType);
  EXPECT_EQ(*reader.Next(), std::nullopt);
}

}  // namespace
}  // namespace weir::records
