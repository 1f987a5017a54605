// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "storage/log/checkpoint.h"
#include "storage/log/offset_index.h"
#include "storage/log/producers.h"

namespace weir::log {
namespace {

using records::BatchHeader;

constexpr int32_t kLargest = std::numeric_limits<int32_t>::max();

BatchHeader From(int64_t producer, int16_t epoch, int32_t sequence, int32_t count, int64_t offset) {
  BatchHeader header;
  header.base_offset = Offset(offset);
  header.producer_id = ProducerId(producer);
  header.producer_epoch = ProducerEpoch(epoch);
  header.base_sequence = sequence;
  header.last_offset_delta = count - 1;
  header.count = count;
  header.length = 100;
  return header;
}

TEST(Producers, TakesTheNextSequenceAndNoOther) {
  Producers producers;
  producers.Apply(From(1, 0, 0, 10, 0));
  EXPECT_TRUE(producers.Judge(From(1, 0, 10, 1, 0)));
  for (int32_t wrong : {1, 5, 11, 100}) {
    auto judged = producers.Judge(From(1, 0, wrong, 1, 0));
    ASSERT_FALSE(judged) << wrong;
    EXPECT_EQ(judged.error().code, ErrorCode::kOutOfOrderSequenceNumber);
    EXPECT_NE(judged.error().message.find("the next must be 10"), std::string::npos);
  }
}

TEST(Producers, TakeNoLaterBatchOfAProducerWhoseFirstIsMissing) {
  Producers producers;
  EXPECT_TRUE(producers.Judge(From(1, 3, 0, 1, 0)));
  auto judged = producers.Judge(From(1, 3, 77, 1, 0));
  ASSERT_FALSE(judged);
  EXPECT_EQ(judged.error().code, ErrorCode::kUnknownProducerId);
  EXPECT_NE(judged.error().message.find("begins with 0"), std::string::npos);
}

TEST(Producers, LetWhomTheyMayHaveForgottenBeginAnywhere) {
  Producers producers;
  const auto many = static_cast<int>(Producers::kProducersMax);
  for (int i = 0; i <= many; ++i) producers.Apply(From(i, 0, 0, 1, i));
  EXPECT_TRUE(producers.Judge(From(0, 0, 1, 1, 0)));
}

TEST(Producers, RecogniseTheLastFiveBatches) {
  Producers producers;
  for (int i = 0; i < 6; ++i) producers.Apply(From(1, 0, i * 2, 2, i * 10));
  for (int i = 1; i < 6; ++i) {
    auto judged = producers.Judge(From(1, 0, i * 2, 2, 999));
    ASSERT_TRUE(judged);
    ASSERT_TRUE(judged->has_value());
    EXPECT_EQ((*judged)->first, Offset(i * 10));
    EXPECT_EQ((*judged)->last, Offset(i * 10 + 1));
  }
  EXPECT_FALSE(producers.Judge(From(1, 0, 0, 2, 999)));
  // The same beginning with another end is no repetition.
  EXPECT_FALSE(producers.Judge(From(1, 0, 10, 1, 999)));
}

TEST(Producers, SequencesWrapFromTheLargestToZero) {
  Producers producers;
  producers.Apply(From(1, 0, kLargest - 1, 2, 0));
  EXPECT_TRUE(producers.Judge(From(1, 0, 0, 1, 0)));
  Producers across;
  across.Apply(From(1, 0, kLargest, 3, 0));
  EXPECT_TRUE(across.Judge(From(1, 0, 2, 1, 0)));
  EXPECT_FALSE(across.Judge(From(1, 0, 3, 1, 0)));
  EXPECT_TRUE((*across.Judge(From(1, 0, kLargest, 3, 0))).has_value());
}

TEST(Producers, ANewEpochBeginsAtZeroAndTheOldOneIsOver) {
  Producers producers;
  producers.Apply(From(1, 4, 0, 5, 0));
  EXPECT_FALSE(producers.Judge(From(1, 5, 5, 1, 0)));
  EXPECT_TRUE(producers.Judge(From(1, 5, 0, 1, 0)));
  producers.Apply(From(1, 5, 0, 1, 5));
  auto judged = producers.Judge(From(1, 4, 5, 1, 0));
  ASSERT_FALSE(judged);
  EXPECT_EQ(judged.error().code, ErrorCode::kInvalidProducerEpoch);
}

TEST(Producers, ForgetWhoWroteLongestAgo) {
  Producers producers;
  for (size_t i = 0; i <= Producers::kProducersMax; ++i) {
    producers.Apply(From(static_cast<int64_t>(i), 0, 0, 1, static_cast<int64_t>(i)));
  }
  EXPECT_EQ(producers.size(), Producers::kProducersMax);
  EXPECT_TRUE(producers.Judge(From(0, 0, 9, 1, 0)));
  EXPECT_FALSE(producers.Judge(From(1, 0, 9, 1, 0)));
}

TEST(OffsetIndex, LeadsToABatchAtOrBeforeTheOffset) {
  OffsetIndex index(Offset(1000));
  for (int i = 0; i < 100; ++i) index.Told(Offset(1000 + i * 10 + 9), 1000u * i, 1000);
  EXPECT_GT(index.size(), 10u);
  auto decoded = OffsetIndex::Decode(Offset(1000), index.Encode(), 100'000);
  ASSERT_TRUE(decoded);
  for (int64_t offset = 1000; offset < 2000; ++offset) {
    uint64_t at = static_cast<uint64_t>((offset - 1000) / 10) * 1000;
    EXPECT_LE(index.Floor(Offset(offset)), at);
    EXPECT_LE(at - index.Floor(Offset(offset)), OffsetIndex::kIntervalBytes + 2000);
    EXPECT_EQ(decoded->Floor(Offset(offset)), index.Floor(Offset(offset)));
  }
}

TEST(OffsetIndex, RefusesWhatIsNoIndex) {
  OffsetIndex index(Offset(0));
  for (int i = 0; i < 100; ++i) index.Told(Offset(i), 1000u * i, 1000);
  std::string bytes = index.Encode();
  EXPECT_FALSE(OffsetIndex::Decode(Offset(0), bytes.substr(1), 100'000));
  EXPECT_FALSE(OffsetIndex::Decode(Offset(0), bytes + std::string(8, '\0'), 100'000));
  EXPECT_FALSE(OffsetIndex::Decode(Offset(0), bytes, 50'000));
}

TEST(Checkpoint, ReadsBackWhatItWroteAndNothingElse) {
  Checkpoint checkpoint;
  checkpoint.start = Offset(5);
  checkpoint.end = Offset(40);
  checkpoint.files = {{Offset(5), 100, 1}, {Offset(20), 200, 2}};
  checkpoint.epochs.Assign(LeaderEpoch(1), Offset(5));
  checkpoint.epochs.Assign(LeaderEpoch(4), Offset(30));
  for (int i = 0; i < 7; ++i) checkpoint.producers.Apply(From(i % 2, 0, i / 2, 1, 5 + i));
  std::string bytes = checkpoint.Encode();
  EXPECT_EQ(Checkpoint::Decode(bytes), checkpoint);
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string spoiled = bytes;
    spoiled[i] = static_cast<char>(spoiled[i] ^ 0x10);
    EXPECT_FALSE(Checkpoint::Decode(spoiled)) << i;
    EXPECT_FALSE(Checkpoint::Decode(bytes.substr(0, i))) << i;
  }
}

}  // namespace
}  // namespace weir::log
