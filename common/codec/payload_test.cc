// SPDX-License-Identifier: Apache-2.0
#include "common/codec/payload.h"

#include <gtest/gtest.h>

#include <string>

#include "proto/log/log.pb.h"

namespace weir::codec {
namespace {

using log::v1::AppendRequest;

constexpr int kRecords = 15;

AppendRequest Header() {
  AppendRequest header;
  header.set_topic_id("0123456789abcdef");
  header.set_partition(300);
  header.set_acks(-1);
  return header;
}

TEST(Payload, IsAnOrdinaryFieldOnTheWire) {
  Pieces pieces = WithPayload(Header(), kRecords, Bytes::FromString(std::string(1000, 'r')));
  AppendRequest whole;
  ASSERT_TRUE(whole.ParseFromString(Join(pieces).ToString()));
  EXPECT_EQ(whole.partition(), 300);
  EXPECT_EQ(whole.acks(), -1);
  EXPECT_EQ(whole.records(), std::string(1000, 'r'));
}

TEST(Payload, IsNotCopied) {
  Bytes payload = Bytes::FromString(std::string(1000, 'r'));
  Pieces pieces = WithPayload(Header(), kRecords, payload);
  ASSERT_EQ(pieces.size(), 2u);
  EXPECT_EQ(pieces[1].data(), payload.data());

  Bytes message = Join(pieces);
  AppendRequest header;
  auto split = SplitPayload(message, kRecords, &header);
  ASSERT_TRUE(split);
  EXPECT_EQ(split->data(), message.data() + pieces[0].size());
  EXPECT_EQ(*split, payload);
  EXPECT_EQ(header.SerializeAsString(), Header().SerializeAsString());
}

TEST(Payload, IsFoundWhereverItStands) {
  AppendRequest only;
  only.set_records("records");
  std::string first = only.SerializeAsString() + Header().SerializeAsString();
  AppendRequest header;
  auto split = SplitPayload(Bytes::FromString(first), kRecords, &header);
  ASSERT_TRUE(split);
  EXPECT_EQ(split->view(), "records");
  EXPECT_EQ(header.partition(), 300);

  AppendRequest again;
  again.set_records("later");
  split = SplitPayload(Bytes::FromString(first + again.SerializeAsString()), kRecords, &header);
  ASSERT_TRUE(split);
  EXPECT_EQ(split->view(), "later");
  EXPECT_EQ(header.topic_id(), "0123456789abcdef");
}

TEST(Payload, IsEmptyWhereItIsAbsent) {
  AppendRequest header;
  auto split = SplitPayload(Bytes::FromString(Header().SerializeAsString()), kRecords, &header);
  ASSERT_TRUE(split);
  EXPECT_TRUE(split->empty());
  EXPECT_EQ(header.partition(), 300);
  EXPECT_EQ(WithPayload(Header(), kRecords, Bytes()).size(), 1u);
}

TEST(Payload, EveryTruncationEitherParsesOrIsRefused) {
  const std::string whole =
      Join(WithPayload(Header(), kRecords, Bytes::FromString("some records"))).ToString();
  for (size_t size = 0; size < whole.size(); ++size) {
    AppendRequest header, reference;
    const std::string cut = whole.substr(0, size);
    EXPECT_EQ(SplitPayload(Bytes::FromString(cut), kRecords, &header).has_value(),
              reference.ParseFromString(cut))
        << size;
  }
}

TEST(Payload, RefusesLies) {
  const std::string lies[] = {
      std::string("\x7a\xff\xff\xff\xff\x0f", 6),                        // Longer than the message.
      std::string("\x7a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01x", 12),  // 2^64 - 1 bytes.
      std::string("\x78\x01", 2),                                        // The field, as a number.
      std::string("\x00\x01", 2),                                        // Field 0.
      std::string("\x0b", 1),                                            // A group.
      std::string("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 11),
  };
  for (const std::string& lie : lies) {
    AppendRequest header;
    EXPECT_FALSE(SplitPayload(Bytes::FromString(lie), kRecords, &header)) << lie.size();
  }
}

}  // namespace
}  // namespace weir::codec
