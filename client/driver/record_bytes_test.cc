// SPDX-License-Identifier: Apache-2.0
#include "client/driver/record_bytes.h"

#include <gtest/gtest.h>

#include "common/records/contents.h"

namespace weir::client {
namespace {

Batch Two() {
  Batch batch;
  batch.identity = {ProducerId(7), ProducerEpoch(1)};
  batch.sequence = 40;
  batch.records.push_back(Record{.key = Bytes::FromString("k"),
                                 .value = Bytes::FromString("v"),
                                 .timestamp = WallTime{1000},
                                 .headers = {{"h", Bytes::FromString("x")}, {"none", {}}}});
  batch.records.push_back(Record{.value = Bytes::FromString(""), .timestamp = WallTime{1005}});
  return batch;
}

TEST(RecordBytes, ComeBackAsTheyWere) {
  auto records = DecodeBatches(EncodeBatch(Two()));
  ASSERT_TRUE(records) << records.error();
  ASSERT_EQ(records->size(), 2u);
  const ReadRecord& first = (*records)[0];
  EXPECT_EQ(first.offset, Offset(0));
  EXPECT_EQ(first.timestamp, WallTime{1000});
  EXPECT_EQ(first.key->view(), "k");
  EXPECT_EQ(first.value->view(), "v");
  ASSERT_EQ(first.headers.size(), 2u);
  EXPECT_EQ(first.headers[0].value->view(), "x");
  EXPECT_FALSE(first.headers[1].value);
  const ReadRecord& second = (*records)[1];
  EXPECT_EQ(second.offset, Offset(1));
  EXPECT_FALSE(second.key);
  EXPECT_TRUE(second.value);
}

TEST(RecordBytes, ComeBackFromABatchThatTheTopicCompressed) {
  Bytes plain = EncodeBatch(Two());
  records::BatchHeader header = *records::ParseBatch(plain.view());
  for (codec::Compression compression : codec::kCompressions) {
    auto records = DecodeBatches(records::Repacked(
        header, plain.view().substr(records::kHeaderBytes), compression, codec::kUsualLevel));
    ASSERT_TRUE(records) << records.error();
    ASSERT_EQ(records->size(), 2u);
    EXPECT_EQ((*records)[0].key->view(), "k");
    EXPECT_EQ((*records)[0].headers[0].value->view(), "x");
    EXPECT_EQ((*records)[1].timestamp, WallTime{1005});
  }
}

TEST(RecordBytes, CarryTheProducersIdentity) {
  Bytes bytes = EncodeBatch(Two());
  auto header = records::ParseBatch(bytes.view());
  ASSERT_TRUE(header) << header.error();
  EXPECT_EQ(header->producer_id, ProducerId(7));
  EXPECT_EQ(header->producer_epoch, ProducerEpoch(1));
  EXPECT_EQ(header->base_sequence, 40);
  EXPECT_EQ(header->count, 2);
}

TEST(RecordBytes, AreNeverLongerThanTheirRecordsSay) {
  Batch batch = Two();
  size_t said = records::kHeaderBytes;
  for (const Record& record : batch.records) said += record.encoded_size();
  EXPECT_LE(EncodeBatch(batch).size(), said);
}

TEST(RecordBytes, AreRefusedWhenTheyAreDamaged) {
  std::string bytes = EncodeBatch(Two()).ToString();
  bytes.back() = static_cast<char>(bytes.back() + 1);
  auto records = DecodeBatches(Bytes::FromString(bytes));
  ASSERT_FALSE(records);
  EXPECT_EQ(records.error().code, ErrorCode::kCorruptMessage);
}

}  // namespace
}  // namespace weir::client
