// SPDX-License-Identifier: Apache-2.0
#include "common/records/contents.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/records/batch_builder.h"

namespace weir::records {
namespace {

Bytes Plain(int count) {
  BatchBuilder builder;
  for (int i = 0; i < count; ++i) {
    std::string key = "key-" + std::to_string(i % 3);
    std::string value(static_cast<size_t>(i) * 5, 'v');
    Header headers[] = {{"trace", value}, {"none", std::nullopt}};
    builder.Add({1000 + i * 7 % 5},
                i % 4 == 0 ? std::nullopt : std::optional<std::string_view>(key),
                i % 5 == 4 ? std::nullopt : std::optional<std::string_view>(value),
                std::span<const Header>(headers, static_cast<size_t>(i % 3)));
  }
  builder.SetProducer(ProducerId(7), ProducerEpoch(3), 2'147'483'640);
  Bytes batch = builder.Build();
  return Bytes::FromString(StampedFront(batch.view(), Offset(500), LeaderEpoch(9)).ToString() +
                           std::string(batch.view().substr(kStampedBytes)));
}

std::string Told(RecordReader reader) {
  std::string told;
  while (true) {
    auto record = reader.Next();
    if (!record) return told + "! " + record.error().message;
    if (!*record) return told;
    told += std::to_string((*record)->offset.value()) + "@" +
            std::to_string((*record)->timestamp.ms) + " " +
            std::string((*record)->key.value_or("-")) + "=" +
            std::string((*record)->value.value_or("-")) + " " +
            std::to_string((*record)->headers.size()) + "\n";
  }
}

TEST(Contents, AreTheSameRecordsInEveryCompression) {
  Bytes plain = Plain(40);
  BatchHeader before = *ParseBatch(plain.view());
  std::string records = Told(RecordReader(before, plain.view()));
  ASSERT_FALSE(records.contains('!'));
  for (Compression from : codec::kCompressions) {
    Bytes packed =
        Repacked(before, Contents::Of(before, plain)->bytes().view(), from, codec::kUsualLevel);
    auto header = ParseBatch(packed.view());
    ASSERT_TRUE(header) << header.error();
    EXPECT_EQ(header->compression(), from);
    for (Compression to : codec::kCompressions) {
      auto contents = Contents::Of(*header, packed);
      ASSERT_TRUE(contents) << contents.error();
      EXPECT_EQ(Told(contents->Records()), records);
      Bytes again = Repacked(*header, contents->bytes().view(), to, codec::kUsualLevel);
      BatchHeader after = *ParseBatch(again.view());
      EXPECT_EQ(Told(Contents::Of(after, again)->Records()), records);
      // All else stays.
      EXPECT_EQ(after.compression(), to);
      after.attributes = before.attributes;
      after.checksum = before.checksum;
      after.length = before.length;
      EXPECT_EQ(after, before);
    }
  }
}

TEST(Contents, OfAnUncompressedBatchAreItsOwnBytes) {
  Bytes plain = Plain(3);
  auto contents = Contents::Of(*ParseBatch(plain.view()), plain);
  EXPECT_EQ(contents->bytes().data(), plain.data() + kHeaderBytes);
}

TEST(Contents, AreReadUpToALimitAndNoFurther) {
  Bytes plain = Plain(40);
  BatchHeader header = *ParseBatch(plain.view());
  std::string_view records = plain.view().substr(kHeaderBytes);
  for (Compression compression : codec::kCompressions) {
    if (compression == Compression::kNone) continue;
    Bytes packed = Repacked(header, records, compression, codec::kUsualLevel);
    BatchHeader packed_header = *ParseBatch(packed.view());
    EXPECT_TRUE(Contents::Of(packed_header, packed, records.size()));
    auto refused = Contents::Of(packed_header, packed, records.size() - 1);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kMessageTooLarge);
  }
}

// Its checksum is right: who sends it again sends the same, so it must not look worth a retry.
TEST(Contents, ThatAreSpoiledAreNotToBeSentAgain) {
  Bytes plain = Plain(3);
  for (Compression compression : codec::kCompressions) {
    if (compression == Compression::kNone) continue;
    BatchHeader header = *ParseBatch(plain.view());
    header.attributes = static_cast<int16_t>(compression);
    Bytes lying = AssembleBatch(header, "this is not compressed");
    auto refused = Contents::Of(*ParseBatch(lying.view()), lying);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidRecord);
    EXPECT_TRUE(refused.error().message.contains(codec::NameOf(compression))) << refused.error();
  }
}

TEST(Contents, OfFewerRecordsThanTheHeaderSaysAreRefusedToReaders) {
  Bytes plain = Plain(3);
  BatchHeader header = *ParseBatch(plain.view());
  header.count = 4;
  header.last_offset_delta = 3;
  Bytes lying = Repacked(header, plain.view().substr(kHeaderBytes), Compression::kZstd, 3);
  auto contents = Contents::Of(*ParseBatch(lying.view()), lying);
  ASSERT_TRUE(contents);
  EXPECT_TRUE(Told(contents->Records()).contains("! record 3 of the batch has no lawful length"));
}

TEST(Batch, RestampsItsFrontUnderANewChecksum) {
  Bytes plain = Plain(3);
  BatchHeader before = *ParseBatch(plain.view());
  std::string stamped =
      RestampedFront(plain.view(), before.attributes | kAppendTimeBit, {123'456}).ToString() +
      std::string(plain.view().substr(kHeaderBytes));
  auto after = ParseBatch(stamped);
  ASSERT_TRUE(after) << after.error();
  EXPECT_TRUE(after->has_append_time());
  EXPECT_EQ(after->max_timestamp, WallTime{123'456});
  EXPECT_EQ(after->base_offset, before.base_offset);
  EXPECT_EQ(after->leader_epoch, before.leader_epoch);
  EXPECT_EQ(after->base_timestamp, before.base_timestamp);
  // Every record has the append time then.
  auto record = RecordReader(*after, stamped).Next();
  EXPECT_EQ((**record).timestamp, WallTime{123'456});
}

}  // namespace
}  // namespace weir::records
