// SPDX-License-Identifier: Apache-2.0
#include "storage/log/admission.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "common/records/batch_builder.h"
#include "common/records/contents.h"
#include "storage/log/admission_model.h"
#include "storage/log/log_fixture.h"

namespace weir::log {
namespace {

using codec::Compression;
using records::BatchHeader;

constexpr WallTime kNow{1'700'000'000'000};
constexpr int32_t kPlenty = 1 << 20;

// Three records; the second has no key, and the third is a second older.
Bytes Three(Compression compression = Compression::kNone, int16_t attributes = 0) {
  records::BatchBuilder builder;
  builder.Add(kNow, "a", "1");
  builder.Add(kNow, std::nullopt, "2");
  builder.Add({kNow.ms - 1000}, "c", "3");
  Bytes batch = builder.Build();
  BatchHeader header = *records::ParseBatch(batch.view());
  header.attributes = attributes;
  return records::Repacked(header, batch.view().substr(records::kHeaderBytes), compression,
                           codec::kUsualLevel);
}

Answer<Admitted> Admit(Bytes batch, const AdmissionRules& rules, int32_t max_bytes = kPlenty) {
  return AdmitFromProducer(std::move(batch), Origin::kClient, rules, max_bytes, kNow);
}

TEST(Admission, IsWhatItsRulesSay) {
  for (uint64_t seed = 1; seed <= 4000; ++seed) {
    ASSERT_EQ(FaultOfAdmission(seed), "") << "seed " << seed;
  }
}

TEST(Admission, CopiesNoRecordsWhereNothingChanges) {
  for (Compression compression : codec::kCompressions) {
    Bytes batch = Three(compression);
    auto admitted = Admit(batch, {});
    ASSERT_TRUE(admitted) << admitted.error();
    EXPECT_EQ(admitted->front.data(), batch.data());
    EXPECT_EQ(admitted->rest.data(), batch.data() + records::kHeaderBytes);
  }
}

TEST(Admission, StampsTheAppendTimeWithoutCopyingRecords) {
  Bytes batch = Three(Compression::kZstd);
  auto admitted = Admit(batch, {.stamps_append_time = true});
  ASSERT_TRUE(admitted) << admitted.error();
  EXPECT_EQ(admitted->rest.data(), batch.data() + records::kHeaderBytes);
  Bytes written = Join(admitted->Stamped(Offset(5), LeaderEpoch(1)));
  auto header = records::ParseBatch(written.view());
  ASSERT_TRUE(header) << header.error();
  EXPECT_TRUE(header->has_append_time());
  EXPECT_EQ(header->max_timestamp, kNow);
}

// What nobody asks to know is not read: a consumer will say that it is spoiled.
TEST(Admission, ReadsCompressedRecordsWhereTheTopicAsksForItAndNowhereElse) {
  BatchHeader header = *records::ParseBatch(Three().view());
  header.attributes = static_cast<int16_t>(Compression::kGzip);
  Bytes spoiled = records::AssembleBatch(header, "no gzip stream at all");
  struct {
    AdmissionRules rules;
    bool reads;
  } const cases[] = {
      {{}, false},
      {{.stamps_append_time = true}, false},
      {{.compression = Compression::kGzip}, false},
      {{.stamps_append_time = true, .timestamp_before_max_ms = 5000}, false},
      {{.timestamp_before_max_ms = 5000}, true},
      {{.compression = Compression::kLz4}, true},
      {{.compression = Compression::kNone}, true},
      {{.needs_keys = true}, true},
  };
  for (const auto& one : cases) {
    auto admitted = Admit(spoiled, one.rules);
    EXPECT_EQ(admitted.has_value(), !one.reads);
    if (!admitted) EXPECT_EQ(admitted.error().code, ErrorCode::kInvalidRecord);
  }
}

TEST(Admission, SaysWhatIsWrongAndWhatWouldBeRight) {
  Bytes contents = Bytes::FromString(std::string(Three().view().substr(records::kHeaderBytes)));
  auto with = [&](const std::function<void(BatchHeader&)>& change) {
    BatchHeader header = *records::ParseBatch(Three().view());
    change(header);
    return records::AssembleBatch(header, contents.view());
  };
  struct {
    Bytes batch;
    AdmissionRules rules;
    ErrorCode code;
    const char* says;
  } const table[] = {
      {Three(),
       {.needs_keys = true},
       ErrorCode::kInvalidRecord,
       "record 1 of the batch has no key"},
      {Three(Compression::kSnappy),
       {.needs_keys = true},
       ErrorCode::kInvalidRecord,
       "record 1 of the batch has no key"},
      {Three(),
       {.timestamp_before_max_ms = 999},
       ErrorCode::kInvalidTimestamp,
       "record 2 of the batch has timestamp 1699999999000; it must be at most 999 ms before"},
      {Three(Compression::kLz4),
       {.timestamp_before_max_ms = 999},
       ErrorCode::kInvalidTimestamp,
       "message.timestamp.before.max.ms"},
      {with([](BatchHeader& header) {
         header.attributes = static_cast<int16_t>(Compression::kGzip);
         header.max_timestamp.ms = kNow.ms + 3'600'001;
       }),
       {},
       ErrorCode::kInvalidTimestamp,
       "the batch has timestamp 1700003600001; it must be at most 3600000 ms after"},
      {with([](BatchHeader& header) { header.attributes = records::kAppendTimeBit; }),
       {},
       ErrorCode::kInvalidTimestamp,
       "must be create times"},
      {with([](BatchHeader& header) { header.attributes = 0x20; }),
       {},
       ErrorCode::kInvalidRecord,
       "control batch"},
      {with([](BatchHeader& header) { header.attributes = 0x10; }),
       {},
       ErrorCode::kInvalidRecord,
       "transactional"},
      {with([](BatchHeader& header) { header.attributes = 0x40; }),
       {},
       ErrorCode::kInvalidRecord,
       "delete horizon"},
      {with([](BatchHeader& header) { header.attributes = 6; }),
       {},
       ErrorCode::kUnsupportedCompressionType,
       "compression 6"},
      {with([](BatchHeader& header) { header.magic = 1; }),
       {},
       ErrorCode::kUnsupportedForMessageFormat,
       "magic 1"},
      {with([](BatchHeader& header) { header.last_offset_delta = 3; }),
       {},
       ErrorCode::kInvalidRecord,
       "delta must be 2"},
      {with([](BatchHeader& header) { header.count = 4, header.last_offset_delta = 3; }),
       {.compression = Compression::kZstd},
       ErrorCode::kInvalidRecord,
       "record 3 of the batch has no lawful length"},
      {with([](BatchHeader& header) {
         header.producer_id = ProducerId(1), header.producer_epoch = ProducerEpoch(0);
       }),
       {},
       ErrorCode::kInvalidRecord,
       "base sequence -1"},
  };
  for (const auto& row : table) {
    auto refused = Admit(row.batch, row.rules);
    ASSERT_FALSE(refused) << row.says;
    EXPECT_EQ(refused.error().code, row.code) << refused.error();
    EXPECT_TRUE(refused.error().message.contains(row.says)) << refused.error();
  }
}

TEST(Admission, MeasuresTheBatchInTheTopicsCompressionToo) {
  records::BatchBuilder builder;
  builder.Add(kNow, "key", std::string(10'000, 'x'));
  Bytes plain = builder.Build();
  Bytes packed = records::Repacked(*records::ParseBatch(plain.view()),
                                   plain.view().substr(records::kHeaderBytes), Compression::kZstd,
                                   codec::kUsualLevel);
  ASSERT_LT(packed.size(), 500u);
  EXPECT_TRUE(Admit(packed, {}, 500));
  auto refused = Admit(packed, {.compression = Compression::kNone}, 500);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kMessageTooLarge);
  EXPECT_TRUE(refused.error().message.contains("in the topic's compression")) << refused.error();
  // And as it comes, though it would be small in the topic's compression.
  EXPECT_FALSE(Admit(plain, {.compression = Compression::kZstd}, 500));
}

TEST(Admission, TriesAsHardAsTheTopicSays) {
  std::string value;
  for (int i = 0; i < 3000; ++i) value += std::to_string(i * i % 977) + ' ';
  records::BatchBuilder builder;
  builder.Add(kNow, "key", value);
  Bytes plain = builder.Build();
  auto fast = Admit(plain, {.compression = Compression::kGzip, .compression_level = 1});
  auto small = Admit(plain, {.compression = Compression::kGzip, .compression_level = 9});
  ASSERT_TRUE(fast && small);
  EXPECT_LT(small->rest.size(), fast->rest.size());
}

TEST(Admission, LeavesACoordinatorsMarkersAsTheyAre) {
  records::BatchBuilder builder;
  builder.Add(kNow, std::nullopt, "marker");
  builder.SetProducer(ProducerId(1), ProducerEpoch(0), records::kNoSequence);
  builder.SetAttributes(0x30);
  Bytes marker = builder.Build();
  auto admitted = AdmitFromProducer(
      marker, Origin::kCoordinator,
      {.timestamp_before_max_ms = 0, .compression = Compression::kZstd, .needs_keys = true},
      kPlenty, {kNow.ms + 10});
  ASSERT_TRUE(admitted) << admitted.error();
  EXPECT_EQ(Join({admitted->front, admitted->rest}), marker);
}

TEST(Admission, RefusesABombBeforeItHoldsIt) {
  BatchHeader header = *records::ParseBatch(Three().view());
  header.attributes = static_cast<int16_t>(Compression::kZstd);
  std::string frame = codec::Compress(Compression::kZstd, std::string(size_t{8} << 20, '\0'));
  std::string frames;
  for (int i = 0; i < 200; ++i) frames += frame;
  Bytes bomb = records::AssembleBatch(header, frames);
  ASSERT_LT(bomb.size(), static_cast<size_t>(kPlenty));
  auto refused = Admit(bomb, {.needs_keys = true});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kMessageTooLarge);
}

TEST(Admission, OfARetryTellsWhenItsOriginalWasAppended) {
  LogOptions options;
  options.admission.stamps_append_time = true;
  options.admission.compression = Compression::kSnappy;
  LogFixture t(options);
  t.Open();
  auto append = [&](int32_t sequence, int64_t now) {
    return t.log->AppendAsLeader(BatchFrom(7, 0, sequence, 3), LeaderEpoch(1), Origin::kClient,
                                 {now});
  };
  ASSERT_TRUE(append(0, 5000));
  ASSERT_TRUE(append(3, 6000));
  auto again = append(0, 9000);
  ASSERT_TRUE(again) << again.error();
  EXPECT_TRUE(again->duplicate);
  EXPECT_EQ(again->first, Offset(0));
  EXPECT_EQ(again->append_time, WallTime{5000});
  t.world.RunAll();
  auto read = t.Read(0, 6);
  ASSERT_TRUE(read) << read.error();
  records::BatchRun run(*read);
  for (int64_t now : {5000, 6000}) {
    auto batch = run.Next();
    ASSERT_TRUE(batch && *batch);
    const auto& [header, bytes] = **batch;
    EXPECT_EQ(header.compression(), Compression::kSnappy);
    EXPECT_EQ(header.leader_epoch, LeaderEpoch(1));
    auto contents = records::Contents::Of(header, bytes);
    ASSERT_TRUE(contents) << contents.error();
    auto record = contents->Records().Next();
    EXPECT_EQ((**record).timestamp, WallTime{now});
    EXPECT_EQ((**record).value, "value");
  }
}

TEST(Admission, ForgetsProducersInALogAsLongAsItIsTold) {
  LogOptions options;
  options.admission.forgets_producers_after = std::chrono::seconds(64);
  LogFixture t(options);
  t.Open();
  auto append = [&](int64_t producer, int32_t sequence, int64_t now) {
    return t.log->AppendAsLeader(BatchFrom(producer, 0, sequence), LeaderEpoch(1), Origin::kClient,
                                 {now});
  };
  ASSERT_TRUE(append(7, 0, 1000));
  ASSERT_TRUE(append(8, 0, 2000));
  auto known = append(7, 0, 60'000);
  ASSERT_TRUE(known) << known.error();
  EXPECT_TRUE(known->duplicate);
  ASSERT_TRUE(append(8, 1, 60'000));
  auto forgotten = append(7, 0, 70'000);
  ASSERT_TRUE(forgotten) << forgotten.error();
  EXPECT_FALSE(forgotten->duplicate);
  auto still_known = append(8, 1, 70'000);
  ASSERT_TRUE(still_known) << still_known.error();
  EXPECT_TRUE(still_known->duplicate);
}

}  // namespace
}  // namespace weir::log
