// SPDX-License-Identifier: Apache-2.0
#include "storage/compaction/core/batch_filter.h"

#include "storage/compaction/core/core_fixture.h"

namespace weir::compaction {
namespace {

using Values = std::vector<std::pair<std::string, std::string>>;

TEST(BatchFilter, KeepsTheLastRecordOfEachKeyWhereItIs) {
  BatchLog log;
  log.Append({{"a", "1"}, {"b", "1"}, {"c", "1"}});
  log.Append({{"a", "2"}, {"d", "1"}});
  log.Append({{"b", "2"}, {"a", "3"}});
  auto before = log.Records();
  EXPECT_EQ(Clean(log, Offset(0), Offset(7), {}), Offset(7));
  EXPECT_EQ(log.Values(), (Values{{"c", "1"}, {"d", "1"}, {"b", "2"}, {"a", "3"}}));
  // Offsets, timestamps and headers are those that they were.
  std::erase_if(before,
                [](const SeenRecord& r) { return r.offset < Offset(2) || r.offset == Offset(3); });
  EXPECT_EQ(log.Records(), before);
  EXPECT_EQ(log.HeaderOf(0).base_offset, Offset(0));
  EXPECT_EQ(log.HeaderOf(0).last_offset(), Offset(2));
  EXPECT_EQ(log.HeaderOf(0).count, 1);
}

TEST(BatchFilter, LeavesAloneWhatWasNotMapped) {
  BatchLog log;
  log.Append({{"a", "1"}, {"b", "1"}});
  log.Append({{"a", "2"}});
  log.Append({{"a", "3"}, {std::nullopt, "no key"}});
  Bytes last = log.batches.back();
  EXPECT_EQ(Clean(log, Offset(0), Offset(3), {}), Offset(3));
  EXPECT_EQ(log.Values(), (Values{{"b", "1"}, {"a", "2"}, {"a", "3"}, {"-", "no key"}}));
  EXPECT_EQ(log.batches.back(), last);
}

TEST(BatchFilter, DropsRecordsWithoutAKey) {
  BatchLog log;
  log.Append({{std::nullopt, "1"}, {"a", "1"}, {std::nullopt, "2"}});
  Clean(log, Offset(0), Offset(3), {});
  EXPECT_EQ(log.Values(), (Values{{"a", "1"}}));
}

TEST(BatchFilter, KeepsATombstoneUntilItsHorizon) {
  BatchLog log;
  log.Append({{"a", "1", 500}, {"b", "1", 510}});
  log.Append({Tombstone("a", 520), {"c", "1", 530}});
  log.Append({{"d", "1"}});
  auto tombstone = log.Records()[2];
  Clean(log, Offset(0), Offset(5), {.now = 10'000, .delete_retention_ms = 100});
  EXPECT_EQ(log.Values(), (Values{{"b", "1"}, {"a", "-"}, {"c", "1"}, {"d", "1"}}));
  // The horizon stands where the base timestamp was; the record's own is what it was.
  EXPECT_TRUE(log.HeaderOf(1).has_delete_horizon());
  EXPECT_EQ(log.HeaderOf(1).base_timestamp, WallTime{10'100});
  EXPECT_EQ(log.HeaderOf(1).max_timestamp, WallTime{530});
  EXPECT_EQ(log.Records()[1], tombstone);
  // A later run does not put it off, and does not come too early.
  Clean(log, Offset(5), Offset(5), {.now = 10'099, .delete_retention_ms = 100});
  EXPECT_EQ(log.HeaderOf(1).base_timestamp, WallTime{10'100});
  EXPECT_EQ(log.Records()[1], tombstone);
  Clean(log, Offset(5), Offset(5), {.now = 10'100, .delete_retention_ms = 100});
  EXPECT_EQ(log.Values(), (Values{{"b", "1"}, {"c", "1"}, {"d", "1"}}));
}

TEST(BatchFilter, AHorizonCannotRunOver) {
  BatchLog log;
  log.Append({Tombstone("a")});
  Clean(log, Offset(0), Offset(1), {.now = 10, .delete_retention_ms = INT64_MAX});
  EXPECT_EQ(log.HeaderOf(0).base_timestamp, WallTime{INT64_MAX});
  EXPECT_EQ(log.Records()[0].timestamp, 1000);
}

TEST(BatchFilter, CountsFromTheRunThatTakesAwayWhatIsDeleted) {
  BatchLog log;
  log.Append({{"a", "1"}});
  // The map ends within the second batch: with the tombstone beyond it.
  std::vector<KeyValue> many;
  for (int i = 0; i < 100; ++i) many.push_back({"key " + std::to_string(i), "1"});
  many.push_back(Tombstone("a"));
  log.Append(many);
  log.Append({{"z", "1"}});
  Offset got_to = Clean(log, Offset(0), Offset(103), {.now = 1, .map_bytes = 0});
  EXPECT_LT(got_to, Offset(101));
  EXPECT_FALSE(log.HeaderOf(1).has_delete_horizon());
  EXPECT_EQ(log.Values().front(), std::pair(std::string("a"), std::string("1")));
  while (got_to < Offset(103)) {
    got_to = Clean(log, got_to, Offset(103), {.now = 2, .map_bytes = 0});
  }
  EXPECT_NE(log.Values().front(), std::pair(std::string("a"), std::string("1")));
  bool is_stamped = false;
  for (size_t i = 0; i < log.batches.size(); ++i)
    is_stamped |= log.HeaderOf(i).has_delete_horizon();
  EXPECT_TRUE(is_stamped);
}

TEST(BatchFilter, WithoutRoomForAHorizonTheTombstoneWaits) {
  BatchLog log;
  log.Append({{"a", "1"}, Tombstone("a"), Tombstone("b"), {"c", "1"}});
  Clean(log, Offset(0), Offset(4), {.now = INT64_MAX / 2, .room = 0});
  EXPECT_FALSE(log.HeaderOf(0).has_delete_horizon());
  EXPECT_EQ(log.Values(), (Values{{"a", "-"}, {"b", "-"}, {"c", "1"}}));
}

TEST(BatchFilter, KeepsTheTimestampThatTheLogStamped) {
  BatchLog log;
  log.Append({{"a", "1", 5}, Tombstone("a", 6), {"b", "1", 7}});
  records::BatchHeader header = log.HeaderOf(0);
  header.attributes = 0x08;
  header.max_timestamp = {9000};
  log.batches[0] = records::AssembleBatch(header, log.batches[0].view().substr(61));
  auto before = log.Records();
  Clean(log, Offset(0), Offset(3), {.now = 20'000});
  EXPECT_EQ(log.HeaderOf(0).attributes, 0x48);
  EXPECT_EQ(log.HeaderOf(0).max_timestamp, WallTime{9000});
  before.erase(before.begin());
  EXPECT_EQ(log.Records(), before);
}

TEST(BatchFilter, KeepsTheCompressionOfABatch) {
  using records::Compression;
  for (auto compression :
       {Compression::kGzip, Compression::kSnappy, Compression::kLz4, Compression::kZstd}) {
    BatchLog log;
    log.Append({{"a", std::string(500, '1')}, {"b", "1"}, Tombstone("c")});
    log.Append({{"a", "2"}});
    log.Append({{"a", "3"}, {"d", std::string(500, '1')}});
    for (Bytes& batch : log.batches) batch = Compressed(batch, compression);
    auto expected = log.Records();
    std::erase_if(expected, [](const SeenRecord& record) {
      return record.offset == Offset(0) || record.offset == Offset(3);
    });
    Bytes last = log.batches[2];
    EXPECT_LT(last.size(), 300u);
    Clean(log, Offset(0), Offset(6), {});
    ASSERT_EQ(log.batches.size(), 2u);
    EXPECT_EQ(log.HeaderOf(0).compression(), compression);
    EXPECT_TRUE(log.HeaderOf(0).has_delete_horizon());
    EXPECT_EQ(log.batches[1], last);
    EXPECT_EQ(log.Records(), expected);
    // What has no records left needs no codec.
    log.Append({{"a", "4"}, {"b", "4"}, {"c", "4"}, {"d", "4"}});
    Clean(log, Offset(6), Offset(10), {});
    ASSERT_EQ(log.batches.size(), 2u);
    EXPECT_EQ(log.HeaderOf(0).attributes, 0);
    EXPECT_EQ(log.HeaderOf(0).count, 0);
    Clean(log, Offset(10), Offset(10), {});
    EXPECT_EQ(log.batches.size(), 2u);
  }
}

TEST(BatchFilter, KeepsTheHeaderOfAProducersLastBatches) {
  BatchLog log;
  log.Append({{"a", "1"}, {"b", "1"}}, 1, 7, 0);
  log.Append({{"a", "2"}, {"b", "2"}}, 1, 7, 2);
  log.Append({{"a", "3"}, {"b", "3"}}, 1, 8, 0);
  log.Append({{"a", "4"}, {"b", "4"}});
  CleanOptions options;
  options.producers = {{ProducerId(7), {Offset(3)}}};
  records::BatchHeader kept = log.HeaderOf(1);
  Clean(log, Offset(0), Offset(8), options);
  // The first batch stays since its leader epoch begins with it.
  ASSERT_EQ(log.batches.size(), 3u);
  records::BatchHeader empty = log.HeaderOf(1);
  EXPECT_EQ(empty.count, 0);
  EXPECT_EQ(empty.size(), records::kHeaderBytes);
  EXPECT_EQ(empty.producer_id, ProducerId(7));
  EXPECT_EQ(empty.base_offset, kept.base_offset);
  EXPECT_EQ(empty.last_offset(), kept.last_offset());
  EXPECT_EQ(empty.last_sequence(), 3);
  EXPECT_EQ(empty.max_timestamp, kept.max_timestamp);
  // When the producer is gone, so is its batch; the log's end and its epoch's start stay.
  Clean(log, Offset(8), Offset(8), {});
  ASSERT_EQ(log.batches.size(), 2u);
  EXPECT_EQ(log.HeaderOf(1).base_offset, Offset(6));
}

// Its last batches are above what is cleaned, and may yet be cut.
TEST(BatchFilter, KeepsTheLastBatchBelowWhatMayBeCut) {
  BatchLog log;
  log.Append({{"x", "1"}});
  log.Append({{"a", "1"}}, 1, 7, 0);
  log.Append({{"a", "2"}}, 1, 7, 1);
  log.Append({{"a", "3"}});
  Offset cleaned_end = log.end;
  log.Append({{"a", "4"}}, 1, 7, 2);
  CleanOptions options;
  options.producers = {{ProducerId(7), {Offset(4)}}};
  Clean(log, Offset(0), cleaned_end, options);
  ASSERT_EQ(log.batches.size(), 4u);
  EXPECT_EQ(log.HeaderOf(1).last_sequence(), 1);
  EXPECT_EQ(log.HeaderOf(1).count, 0);
  // And it still does in a run that sees it as clean.
  Clean(log, cleaned_end, cleaned_end, options);
  EXPECT_EQ(log.HeaderOf(1).last_sequence(), 1);
}

TEST(BatchFilter, KeepsWhereEachEpochBegan) {
  BatchLog log;
  for (int epoch : {1, 1, 3, 3, 4}) log.Append({{"a", std::to_string(epoch)}, {"b", "1"}}, epoch);
  log.Append({{"a", "last"}, {"b", "last"}}, 4);
  Clean(log, Offset(0), Offset(12), {});
  ASSERT_EQ(log.batches.size(), 4u);
  EXPECT_EQ(log.HeaderOf(0).base_offset, Offset(0));
  EXPECT_EQ(log.HeaderOf(1).base_offset, Offset(4));
  EXPECT_EQ(log.HeaderOf(1).leader_epoch, LeaderEpoch(3));
  EXPECT_EQ(log.HeaderOf(2).base_offset, Offset(8));
  EXPECT_EQ(log.HeaderOf(2).count, 0);
  EXPECT_EQ(log.HeaderOf(3).base_offset, Offset(10));
}

TEST(BatchFilter, KeepsTheLastBatchOfWhatIsWritten) {
  BatchLog log;
  log.Append({{"a", "1"}});
  log.Append({{"b", "1"}});
  log.Append({{std::nullopt, "1"}, {std::nullopt, "2"}});
  Clean(log, Offset(0), Offset(4), {});
  EXPECT_EQ(log.HeaderOf(2).end_offset(), Offset(4));
  EXPECT_EQ(log.HeaderOf(2).count, 0);
}

TEST(BatchFilter, KeepsControlBatchesAndStopsAtTransactions) {
  BatchLog log;
  log.Append({{"a", "1"}});
  for (int16_t attributes : {0x20, 0x10}) {
    records::BatchBuilder builder;
    builder.SetAttributes(attributes);
    builder.SetProducer(ProducerId(7), ProducerEpoch(0), attributes == 0x20 ? -1 : 0);
    records::Header header{"header", "of it"};
    builder.Add({0}, "a", "2", {&header, 1});
    std::string bytes = builder.Build().ToString();
    records::Stamp(bytes.data(), log.end, LeaderEpoch(1));
    log.batches.push_back(Bytes::FromString(bytes));
    log.end = log.end + 1;
  }
  log.Append({{"a", "3"}});
  auto before = log.batches;
  EXPECT_EQ(Clean(log, Offset(0), Offset(4), {}), Offset(2));
  EXPECT_EQ(log.batches, before);
}

// Compressed batches are taken unread where a topic is not compacted, which it may become.
TEST(BatchFilter, KeepsABatchThatNobodyCanRead) {
  Bytes zstd =
      Compressed(BatchAt(Offset(1), {{"a", "2"}, {"b", "1"}}), records::Compression::kZstd);
  std::string cut_short(zstd.view().substr(records::kHeaderBytes));
  cut_short.pop_back();
  Bytes plain = BatchAt(Offset(1), {{"a", "2"}, {"b", "1"}});
  std::string one_too_few(plain.view().substr(records::kHeaderBytes));
  one_too_few.resize(one_too_few.size() / 2);
  for (const auto& [batch, contents] :
       {std::pair(zstd, cut_short), std::pair(plain, one_too_few)}) {
    Bytes spoiled = records::AssembleBatch(*records::ParseBatch(batch.view()), contents);
    BatchLog log;
    log.Append({{"a", "1"}});
    log.batches.push_back(spoiled);
    log.end = Offset(3);
    log.Append({{"c", "1"}});
    auto before = log.batches;
    // What may be its keys supersede nothing.
    EXPECT_EQ(Clean(log, Offset(0), Offset(4), {}), Offset(4));
    EXPECT_EQ(log.batches, before);
  }
}

TEST(BatchFilter, CountsWhatItCannotRead) {
  Bytes batch = BatchAt(Offset(0), {{"a", "1"}, {"b", "2"}});
  OffsetMap map(0, KeyHasher(1, 2));
  for (int count : {0, 1, 3}) {
    auto header = records::ParseBatch(batch.view());
    ASSERT_TRUE(header);
    header->count = count;
    header->last_offset_delta = 5;
    Bytes wrong = records::AssembleBatch(*header, batch.view().substr(records::kHeaderBytes));
    header = records::ParseBatch(wrong.view());
    ASSERT_TRUE(header);
    DirtyScan scan(Offset(0), &map);
    EXPECT_TRUE(scan.Take(*header, wrong.view()));
    EXPECT_EQ(scan.unreadable(), 1) << count;
    EXPECT_EQ(map.size(), 0u);
    BatchFilter filter({.map = &map, .mapped_end = Offset(6)});
    EXPECT_EQ(filter.Judge(*header, wrong, false, 0).fate, BatchFilter::Fate::kKept);
    EXPECT_EQ(filter.tally().unreadable, 1) << count;
  }
}

}  // namespace
}  // namespace weir::compaction
