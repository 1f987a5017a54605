// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "common/codec/crc32c.h"
#include "common/codec/writer.h"
#include "storage/log/checkpoint.h"
#include "storage/log/producer_snapshot.h"
#include "storage/log/producers.h"
#include "storage/log/retention.h"

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

RetentionRules Keep(std::optional<int64_t> ms, std::optional<uint64_t> bytes) {
  return {ms, bytes};
}

// Four segments of 100 offsets and 1000 bytes, a second apart; the last one is active.
std::vector<SegmentAge> Ages() {
  std::vector<SegmentAge> ages;
  for (int i = 0; i < 4; ++i) {
    ages.push_back({Offset(i * 100), Offset(i * 100 + 100), 1000, WallTime{i * 1000 + 1000}});
  }
  return ages;
}

TEST(Retention, TakesTheOldestSegmentsAndNothingAboveTheLimit) {
  struct Case {
    std::string name;
    RetentionRules rules;
    int64_t start, limit, now_ms;
    RetentionPlan plan;
  };
  const RetentionPlan nothing{0, Offset(0), false};
  const Case table[] = {
      {"without rules all is kept", Keep({}, {}), 0, 400, 1 << 30, nothing},
      {"as old as allowed", Keep(1000, {}), 0, 400, 2000, nothing},
      {"older than allowed", Keep(1000, {}), 0, 400, 2001, {1, Offset(100), false}},
      {"all but the active", Keep(1000, {}), 0, 400, 4500, {3, Offset(300), false}},
      {"the active too", Keep(1000, {}), 0, 400, 5001, {4, Offset(400), true}},
      {"not above the limit", Keep(1000, {}), 0, 199, 5001, {1, Offset(100), false}},
      {"as large as allowed", Keep({}, 4000), 0, 400, 0, nothing},
      {"keeps at least what is asked", Keep({}, 3001), 0, 400, 0, nothing},
      {"larger than allowed", Keep({}, 3000), 0, 400, 0, {1, Offset(100), false}},
      {"nothing is to be kept", Keep({}, 0), 0, 400, 0, {4, Offset(400), true}},
      {"below the start", Keep({}, {}), 250, 400, 0, {2, Offset(250), false}},
      {"the active is not closed for the start",
       Keep({}, {}),
       400,
       400,
       0,
       {3, Offset(400), false}},
      {"by size what age would keep", Keep(1 << 20, 2000), 0, 400, 0, {2, Offset(200), false}},
  };
  for (const Case& c : table) {
    RetentionPlan expected = c.plan;
    if (expected == nothing) expected.start = Offset(c.start);
    EXPECT_EQ(
        PlanRetention(Ages(), true, c.rules, Offset(c.start), Offset(c.limit), WallTime{c.now_ms}),
        expected)
        << c.name;
  }
}

TEST(Retention, LeavesAnActiveSegmentThatIsAboutToBeWritten) {
  auto ages = Ages();
  ages[3] = {Offset(300), Offset(300), 0, WallTime{0}};
  EXPECT_EQ(PlanRetention(ages, true, Keep(1000, {}), Offset(0), Offset(300), WallTime{9000}),
            (RetentionPlan{3, Offset(300), false}));
}

TEST(Retention, StopsAtTheFirstThatStays) {
  auto ages = Ages();
  // A timestamp of the future pins its segment, and all behind it.
  ages[1].largest = WallTime{1'000'000};
  EXPECT_EQ(PlanRetention(ages, true, Keep(1000, {}), Offset(0), Offset(400), WallTime{9000}),
            (RetentionPlan{1, Offset(100), false}));
}

TEST(Retention, BeginsTheLogWithWhatCompactionLeft) {
  auto ages = Ages();
  ages[1].base = Offset(150);
  EXPECT_EQ(PlanRetention(ages, true, Keep(1000, {}), Offset(0), Offset(400), WallTime{2500}),
            (RetentionPlan{1, Offset(150), false}));
}

BatchHeader Batch(int64_t offset, int32_t count, int64_t timestamp_ms, int32_t length = 88) {
  BatchHeader header = From(1, 0, 0, count, offset);
  header.length = length;
  header.base_timestamp = header.max_timestamp = WallTime{timestamp_ms};
  return header;
}

TEST(Roll, BeginsASegmentBySizeByTimeAndByWhatAnIndexCanHold) {
  RollRules rules;
  rules.bytes = 250;
  rules.ms = 1000;
  rules.index_bytes = 24;
  auto rolls = [&](const SegmentFold& active, const BatchHeader& next, int64_t jitter = 0,
                   int64_t now = 0) {
    return MustRoll(active, rules, jitter, WallTime{0}, next, WallTime{now});
  };
  SegmentFold active(Offset(0));
  EXPECT_FALSE(rolls(active, Batch(0, 1, 9'999'999, 1000))) << "the first one is always taken";
  active.Add(Batch(0, 1, 500), 4096, nullptr);
  active.Add(Batch(1, 1, 700), 4096, nullptr);
  EXPECT_FALSE(rolls(active, Batch(2, 1, 700, 38)));
  EXPECT_TRUE(rolls(active, Batch(2, 1, 700, 39))) << "size";
  EXPECT_FALSE(rolls(active, Batch(2, 1, 1500, 38)));
  EXPECT_TRUE(rolls(active, Batch(2, 1, 1501, 38))) << "time since the first batch";
  EXPECT_TRUE(rolls(active, Batch(2, 1, 1451, 38), 50)) << "jitter";
  EXPECT_TRUE(rolls(active, Batch(int64_t{1} << 31, 1, 700, 38))) << "offsets beyond 32 bits";
  active.offset_entries = 3;
  EXPECT_TRUE(rolls(active, Batch(2, 1, 700, 38))) << "a full index";
  SegmentFold timeless(Offset(0));
  timeless.Add(Batch(0, 1, -1), 4096, nullptr);
  EXPECT_FALSE(rolls(timeless, Batch(1, 1, -1), 0, 1000));
  EXPECT_TRUE(rolls(timeless, Batch(1, 1, -1), 0, 1001)) << "the clock, without timestamps";
}

TEST(Checkpoint, ReadsBackWhatItWroteAndNothingElse) {
  Checkpoint checkpoint;
  checkpoint.start = Offset(7);
  checkpoint.end = Offset(40);
  SegmentFold first(Offset(5));
  first.Add(Batch(5, 10, 1000), 4096, nullptr);
  SegmentFold second(Offset(20));
  second.Add(Batch(22, 10, 900), 4096, nullptr);
  checkpoint.files = {{first, WallTime{3}, 1, 2, false}, {second, WallTime{4}, 3, 4, true}};
  std::string bytes = checkpoint.Encode();
  EXPECT_EQ(Checkpoint::Decode(bytes), checkpoint);
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string spoiled = bytes;
    spoiled[i] = static_cast<char>(spoiled[i] ^ 0x10);
    EXPECT_FALSE(Checkpoint::Decode(spoiled)) << i;
    EXPECT_FALSE(Checkpoint::Decode(bytes.substr(0, i))) << i;
  }
}

TEST(ProducerSnapshot, KeepsMoreThanKafkaAndReadsWhatKafkaWrote) {
  Producers producers;
  for (int i = 0; i < 14; ++i) producers.Apply(From(i % 2, 3, i / 2 * 2, 2, 10 * i));
  producers.Apply(From(9, 1, kLargest, 3, 200));
  std::string bytes = EncodeProducerSnapshot(producers);
  EXPECT_EQ(DecodeProducerSnapshot(bytes, Offset(203)), producers);
  EXPECT_FALSE(DecodeProducerSnapshot(bytes, Offset(200))) << "it tells of later offsets";
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string spoiled = bytes;
    spoiled[i] = static_cast<char>(spoiled[i] ^ 0x10);
    EXPECT_FALSE(DecodeProducerSnapshot(spoiled, Offset(203))) << i;
  }
  // Kafka's own ends behind its entries; of each producer the last batch is known.
  std::string entries = bytes.substr(6, 4 + 3 * 46);
  std::string sealed = bytes.substr(0, 2);
  codec::Writer(&sealed).Fixed(codec::Crc32c(entries));
  auto kafkas = DecodeProducerSnapshot(sealed + entries, Offset(203));
  ASSERT_TRUE(kafkas);
  EXPECT_EQ(kafkas->size(), 3u);
  EXPECT_TRUE((*kafkas->Judge(From(9, 1, kLargest, 3, 0))).has_value());
  EXPECT_TRUE((*kafkas->Judge(From(1, 3, 12, 2, 0))).has_value());
  EXPECT_FALSE(kafkas->Judge(From(1, 3, 10, 2, 0)));
}

}  // namespace
}  // namespace weir::log
