// SPDX-License-Identifier: Apache-2.0
#include "storage/log/log.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <sstream>

#include "common/codec/big_endian.h"
#include "common/codec/crc32c.h"
#include "storage/log/log_fixture.h"

namespace weir::log {
namespace {

using Strings = std::vector<std::string>;

std::string Text(const LeaderEpochs& epochs) {
  std::ostringstream out;
  out << epochs;
  return out.str();
}

LogOptions SmallSegments() {
  LogOptions options;
  options.roll.bytes = 200;
  return options;
}

TEST(Log, MakesNoFileBeforeItsFirstRecord) {
  LogFixture t;
  t.Open();
  t.Close();
  EXPECT_EQ(t.world.Find("topics"), nullptr);
}

TEST(Log, GivesOffsetsAtOnceAndTellsWhatIsWrittenAndDurable) {
  LogFixture t;
  t.Open();
  auto first = t.Append(BatchOf("a", 3));
  ASSERT_TRUE(first) << first.error();
  EXPECT_EQ(first->first, Offset(0));
  EXPECT_EQ(first->last, Offset(2));
  EXPECT_EQ(t.log->end(), Offset(3));
  EXPECT_EQ(t.log->written(), Offset(0));
  EXPECT_TRUE(t.events.written.empty());
  t.world.RunAll();
  EXPECT_EQ(t.events.written, std::vector<int64_t>{3});
  EXPECT_EQ(t.events.durable, std::vector<int64_t>{3});
  EXPECT_EQ(t.Values(), (Strings{"a", "a", "a"}));
}

TEST(Log, WritesTogetherWhatCameDuringAWrite) {
  LogFixture t;
  t.Open();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(t.Append(BatchOf("a")));
  t.world.RunAll();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(t.Append(BatchOf("b")));
  t.world.writes = 0;
  t.world.RunAll();
  EXPECT_LE(t.world.writes, 2);
  EXPECT_EQ(t.log->durable(), Offset(20));
}

TEST(Log, WithoutFlushNothingIsSyncedBeforeTheClose) {
  LogOptions options;
  options.flush = false;
  LogFixture t(options);
  t.Open();
  ASSERT_TRUE(t.Append(BatchOf("a")));
  t.world.RunAll();
  EXPECT_EQ(t.world.syncs, 0);
  EXPECT_EQ(t.log->written(), Offset(1));
  EXPECT_EQ(t.log->durable(), Offset(0));
  EXPECT_TRUE(t.events.durable.empty());
  t.Close();
  t.Crash();
  t.Open();
  EXPECT_EQ(t.Values(), Strings{"a"});
}

TEST(Log, ReopensAfterACleanCloseWithoutReadingRecords) {
  LogFixture t(SmallSegments());
  t.Open();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(t.Append(BatchOf(std::to_string(i)), 1 + i / 10));
  t.world.RunAll();
  Strings values = t.Values();
  t.Close();
  EXPECT_NE(t.world.Find("topics/t-0/00000000000000000000.log"), nullptr);
  EXPECT_NE(t.world.Find("topics/t-0/00000000000000000002.log"), nullptr);
  t.Open();
  EXPECT_EQ(t.log->end(), Offset(20));
  EXPECT_EQ(t.log->durable(), Offset(20));
  EXPECT_EQ(Text(t.log->epochs()), "1@0 2@10");
  EXPECT_EQ(t.Values(), values);
  ASSERT_TRUE(t.Append(BatchOf("more"), 2));
  t.world.RunAll();
  EXPECT_EQ(t.Values().back(), "more");
}

TEST(Log, RebuildsAnIndexThatIsMissingOrDamaged) {
  for (bool is_missing : {true, false}) {
    LogOptions options;
    options.roll.bytes = 100'000;
    LogFixture t(options);
    t.Open();
    for (int i = 0; i < 200; ++i) ASSERT_TRUE(t.Append(BatchOf(std::string(1000, 'v'))));
    t.world.RunAll();
    t.Close();
    std::string* index = t.world.Find("topics/t-0/00000000000000000000.index");
    ASSERT_NE(index, nullptr);
    std::string before = *index;
    ASSERT_FALSE(before.empty());
    if (is_missing) {
      t.world.Remove("topics/t-0/00000000000000000000.index", [](Result<void>) {});
      t.world.RunAll();
    } else {
      (*index)[3] = 77;
    }
    t.Open();
    EXPECT_EQ(t.Values().size(), 200u);
    ASSERT_NE(t.world.Find("topics/t-0/00000000000000000000.index"), nullptr);
    EXPECT_EQ(*t.world.Find("topics/t-0/00000000000000000000.index"), before);
  }
}

// Upkeep forgets the indexes of what is idle, at any step of a read that makes them anew.
TEST(Log, ReadsThroughAnIndexThatIsForgottenWhileItIsRebuilt) {
  for (int steps = 0; steps < 60; ++steps) {
    LogOptions options;
    options.roll.bytes = 10'000;
    LogFixture t(options);
    t.Open();
    for (int i = 0; i < 30; ++i) ASSERT_TRUE(t.Append(BatchOf(std::string(1000, 'v'))));
    t.world.RunAll();
    t.Upkeep(30);
    t.world.Remove("topics/t-0/00000000000000000000.index", [](Result<void>) {});
    t.world.RunAll();
    std::optional<Result<Bytes>> read;
    t.log->Read(Offset(0), Offset(5), 1 << 20, [&](Result<Bytes> result) { read = result; });
    for (int step = 0; step < steps; ++step) t.world.RunOne();
    t.log->Upkeep(Offset(30));
    t.world.RunAll();
    ASSERT_TRUE(read && *read) << "after " << steps << " steps";
    EXPECT_FALSE((*read)->empty()) << "after " << steps << " steps";
  }
}

TEST(Log, ReadsWholeBatchesFromTheOneThatHoldsTheOffset) {
  LogFixture t;
  t.Open();
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(t.Append(BatchOf(std::string(100, 'v'), 3)));
  t.world.RunAll();
  size_t size = BatchOf(std::string(100, 'v'), 3).size();
  for (int64_t from : {0, 1, 2, 3, 449, 450, 897, 899}) {
    auto read = t.Read(from, 900, size * 2);
    ASSERT_TRUE(read) << read.error();
    auto header = records::ParseBatch(read->view());
    ASSERT_TRUE(header);
    EXPECT_EQ(header->base_offset, Offset(from / 3 * 3));
    EXPECT_EQ(read->size(), from >= 897 ? size : size * 2);
  }
  // At least one, however small the bound; none that begins at or after the limit.
  EXPECT_EQ(t.Read(5, 900, 1)->size(), size);
  EXPECT_EQ(t.Read(0, 6)->size(), size * 2);
  EXPECT_EQ(t.Read(0, 7)->size(), size * 3);
  EXPECT_TRUE(t.Read(900, 900)->empty());
  auto beyond = t.Read(901, 2000);
  ASSERT_FALSE(beyond);
  EXPECT_EQ(beyond.error().kind, Error::Kind::kInvalid);
}

TEST(Log, ReadsABatchThatIsLargerThanTheBound) {
  LogFixture t;
  t.Open();
  ASSERT_TRUE(t.Append(BatchOf("small")));
  ASSERT_TRUE(t.Append(BatchOf(std::string(500'000, 'v'))));
  t.world.RunAll();
  EXPECT_GT(t.Read(1, 2, 10)->size(), 500'000u);
}

TEST(Log, AnswersARepeatedBatchWithItsFirstOffsets) {
  LogFixture t;
  t.Open();
  ASSERT_TRUE(t.Append(BatchOf("a")));
  ASSERT_TRUE(t.Append(BatchFrom(7, 0, 0, 2)));
  auto again = t.Append(BatchFrom(7, 0, 0, 2));
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->duplicate);
  EXPECT_EQ(again->first, Offset(1));
  EXPECT_EQ(again->last, Offset(2));
  EXPECT_EQ(t.log->end(), Offset(3));
  auto gap = t.Append(BatchFrom(7, 0, 5));
  ASSERT_FALSE(gap);
  EXPECT_EQ(gap.error().code, ErrorCode::kOutOfOrderSequenceNumber);
  t.world.RunAll();
}

TEST(Log, KnowsItsProducersAfterCloseAndAfterCrash) {
  for (bool is_clean : {true, false}) {
    LogFixture t(SmallSegments());
    t.Open();
    for (int i = 0; i < 8; ++i) ASSERT_TRUE(t.Append(BatchFrom(7, 0, i)));
    t.world.RunAll();
    if (is_clean) {
      t.Close();
    } else {
      t.Crash();
    }
    t.Open();
    for (int i = 3; i < 8; ++i) {
      auto again = t.Append(BatchFrom(7, 0, i));
      ASSERT_TRUE(again) << again.error();
      EXPECT_TRUE(again->duplicate);
      EXPECT_EQ(again->first, Offset(i));
    }
    EXPECT_FALSE(t.Append(BatchFrom(7, 0, 2)));
    EXPECT_TRUE(t.Append(BatchFrom(7, 0, 8)));
    t.world.RunAll();
  }
}

TEST(Log, IsCutAtTheBoundaryBelow) {
  for (int64_t end = 0; end <= 40; ++end) {
    LogFixture t(SmallSegments());
    t.Open();
    for (int i = 0; i < 20; ++i) {
      ASSERT_TRUE(t.Append(BatchFrom(7, 0, i * 2, 2), 1 + i / 5));
      // Some of it is written, some only has offsets.
      if (i == 15) t.world.RunAll();
    }
    auto cut = t.Truncate(end);
    ASSERT_TRUE(cut) << cut.error();
    int64_t boundary = end / 2 * 2;
    EXPECT_EQ(t.log->end(), Offset(boundary));
    EXPECT_EQ(t.log->written(), Offset(boundary));
    EXPECT_EQ(t.log->durable(), Offset(boundary));
    EXPECT_EQ(t.Values().size(), static_cast<size_t>(boundary));
    if (boundary > 0) {
      EXPECT_EQ(t.log->epochs().latest(),
                LeaderEpoch(static_cast<int>(1 + (boundary / 2 - 1) / 5)));
    }
    // The producer is where it was then.
    auto next = t.Append(BatchFrom(7, 0, static_cast<int32_t>(boundary), 2), 9);
    ASSERT_TRUE(next) << next.error();
    EXPECT_FALSE(next->duplicate);
    EXPECT_EQ(next->first, Offset(boundary));
    t.world.RunAll();
    Strings values = t.Values();
    EXPECT_EQ(values.size(), static_cast<size_t>(boundary + 2));
    t.Crash();
    t.Open();
    EXPECT_EQ(t.Values(), values) << end;
    EXPECT_TRUE(t.Append(BatchFrom(7, 0, static_cast<int32_t>(boundary), 2), 9)->duplicate);
    t.world.RunAll();
  }
}

TEST(Log, ReadsNothingThatWasCutMeanwhile) {
  LogFixture t;
  t.Open();
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(t.Append(BatchOf("old")));
  t.world.RunAll();
  std::optional<Result<Bytes>> read;
  t.log->Read(Offset(2), Offset(4), 1000, [&](Result<Bytes> result) { read = result; });
  ASSERT_TRUE(t.Truncate(1));
  ASSERT_TRUE(read);
  EXPECT_FALSE(*read);
}

TEST(Log, RefusesAppendsUntilItIsCut) {
  LogFixture t;
  t.Open();
  ASSERT_TRUE(t.Append(BatchOf("a", 3)));
  bool is_done = false;
  t.log->Truncate(Offset(0), [&](Result<void>) { is_done = true; });
  EXPECT_FALSE(is_done);
  EXPECT_EQ(t.Append(BatchOf("b")).error().code, ErrorCode::kKafkaStorageError);
  t.world.RunAll();
  EXPECT_TRUE(is_done);
  EXPECT_TRUE(t.Append(BatchOf("b")));
  t.world.RunAll();
  EXPECT_EQ(t.Values(), Strings{"b"});
}

TEST(Log, BeginsAgainWhereItIsTold) {
  LogFixture t(SmallSegments());
  t.Open();
  for (int i = 0; i < 9; ++i) ASSERT_TRUE(t.Append(BatchOf("old"), 3));
  bool is_done = false;
  t.log->Restart(Offset(1000), [&](Result<void> result) { is_done = result.has_value(); });
  t.world.RunAll();
  ASSERT_TRUE(is_done);
  EXPECT_EQ(t.log->start(), Offset(1000));
  EXPECT_EQ(t.log->end(), Offset(1000));
  EXPECT_EQ(t.log->epochs(), LeaderEpochs());
  t.Crash();
  t.Open();
  EXPECT_EQ(t.log->start(), Offset(1000));
  ASSERT_TRUE(t.Append(BatchOf("new"), 5));
  t.world.RunAll();
  t.Crash();
  t.Open();
  EXPECT_EQ(t.log->start(), Offset(1000));
  EXPECT_EQ(t.Values(), Strings{"new"});
}

TEST(Log, FollowsALeaderByteForByte) {
  LogFixture leader;
  leader.Open();
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(leader.Append(BatchFrom(1, 0, i), 2 + i / 3));
  leader.world.RunAll();
  Bytes batches = *leader.Read(0, 6);
  LogFixture follower;
  follower.Open();
  ASSERT_TRUE(follower.log->AppendAsFollower(batches, LeaderEpoch(3)));
  follower.world.RunAll();
  EXPECT_EQ(follower.Read(0, 6)->view(), batches.view());
  EXPECT_EQ(follower.log->epochs(), leader.log->epochs());
  EXPECT_TRUE(follower.Append(BatchFrom(1, 0, 5), 4)->duplicate);
}

TEST(Log, TakesAllOfALeadersBatchesOrNone) {
  LogFixture leader;
  leader.Open();
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(leader.Append(BatchOf("v"), i < 2 ? 3 : 5));
  leader.world.RunAll();
  std::string batches = leader.Read(0, 4)->ToString();
  size_t size = batches.size() / 4;
  std::string spoiled = batches;
  spoiled.back() = static_cast<char>(spoiled.back() ^ 1);
  struct Bad {
    std::string name, bytes;
    int epoch;
    ErrorCode code;
  };
  const Bad table[] = {
      {"future epoch", batches, 4, ErrorCode::kInvalidRecord},
      {"bad checksum in the last", spoiled, 5, ErrorCode::kCorruptMessage},
      {"does not begin at the end", batches.substr(size), 5, ErrorCode::kInvalidRecord},
      {"a gap within", batches.substr(0, size) + batches.substr(2 * size), 5,
       ErrorCode::kInvalidRecord},
      {"cut short", batches.substr(0, batches.size() - 1), 5, ErrorCode::kCorruptMessage},
  };
  LogFixture follower;
  follower.Open();
  for (const Bad& bad : table) {
    auto appended =
        follower.log->AppendAsFollower(Bytes::FromString(bad.bytes), LeaderEpoch(bad.epoch));
    ASSERT_FALSE(appended) << bad.name;
    EXPECT_EQ(appended.error().code, bad.code) << bad.name << ": " << appended.error();
    EXPECT_EQ(follower.log->end(), Offset(0));
  }
}

std::string Resealed(std::string batch) {
  codec::StoreBigEndian<uint32_t>(
      codec::Crc32c(std::string_view(batch).substr(records::kChecksumCoversFrom)),
      batch.data() + 17);
  return batch;
}

template <class T>
Bytes With(size_t at, T value) {
  std::string batch = BatchOf("value", 2).ToString();
  codec::StoreBigEndian<T>(value, batch.data() + at);
  return Bytes::FromString(Resealed(std::move(batch)));
}

TEST(Log, RefusesBadBatchesInWordsThatSayWhatWouldBeRight) {
  std::string good = BatchOf("value", 2).ToString();
  std::string flipped = good;
  flipped[70] = static_cast<char>(flipped[70] ^ 4);
  struct Bad {
    std::string name;
    Bytes batch;
    ErrorCode code;
    std::string says;
  };
  const Bad table[] = {
      {"empty", Bytes(), ErrorCode::kCorruptMessage, "cut short"},
      {"bad checksum", Bytes::FromString(flipped), ErrorCode::kCorruptMessage, "CRC-32C"},
      {"old magic", With<int8_t>(16, 1), ErrorCode::kUnsupportedForMessageFormat, "only version 2"},
      {"length too long", With<int32_t>(8, 4000), ErrorCode::kCorruptMessage, "cut short"},
      {"length too short", With<int32_t>(8, 3), ErrorCode::kCorruptMessage, "must be 49 or more"},
      {"too large", BatchOf(std::string(2000, 'v')), ErrorCode::kMessageTooLarge,
       "the topic takes at most 1000 (max.message.bytes)"},
      {"no records", With<int32_t>(57, 0), ErrorCode::kInvalidRecord, "one or more"},
      {"wrong delta", With<int32_t>(57, 1), ErrorCode::kInvalidRecord, "must be 0"},
      {"two batches", Bytes::FromString(good + good), ErrorCode::kInvalidRecord,
       "one batch at a time"},
      {"an offset of its own", With<int64_t>(0, 12), ErrorCode::kInvalidRecord, "must be 0"},
      {"control", With<int16_t>(21, 0x20), ErrorCode::kInvalidRecord, "coordinator"},
      {"transactional", With<int16_t>(21, 0x10), ErrorCode::kInvalidRecord,
       "without a transactional id"},
      {"append time", With<int16_t>(21, 0x08), ErrorCode::kInvalidTimestamp, "create times"},
      {"far ahead", With<int64_t>(27, 3'600'001), ErrorCode::kInvalidTimestamp,
       "message.timestamp.after.max.ms"},
      {"producer without a sequence", With<int64_t>(43, 5), ErrorCode::kInvalidRecord, "0 or more"},
      {"sequence without a producer", With<int32_t>(53, 5), ErrorCode::kInvalidRecord,
       "must be -1"},
  };
  LogOptions options;
  options.max_batch_bytes = 1000;
  LogFixture t(options);
  t.Open();
  for (const Bad& bad : table) {
    auto appended = t.Append(bad.batch);
    ASSERT_FALSE(appended) << bad.name;
    EXPECT_EQ(appended.error().code, bad.code) << bad.name << ": " << appended.error();
    EXPECT_NE(appended.error().message.find(bad.says), std::string::npos)
        << bad.name << ": " << appended.error();
    EXPECT_EQ(t.log->end(), Offset(0));
  }
  ASSERT_TRUE(t.Append(BatchOf("good"), 3));
  EXPECT_EQ(t.Append(BatchOf("late"), 2).error().code, ErrorCode::kFencedLeaderEpoch);
  t.world.RunAll();
}

TEST(Log, SaysOnceThatItsDiskFailedAndIsStillRead) {
  for (std::string kind : {"write", "sync"}) {
    LogFixture t;
    t.Open();
    ASSERT_TRUE(t.Append(BatchOf("a")));
    t.world.RunAll();
    t.world.FailFrom(kind, ".log", {Error::Kind::kFull, "ENOSPC"});
    ASSERT_TRUE(t.Append(BatchOf("b")));
    t.world.RunAll();
    ASSERT_EQ(t.events.failed.size(), 1u);
    EXPECT_EQ(t.events.failed[0].kind, Error::Kind::kFull);
    EXPECT_NE(t.events.failed[0].message.find("no space is left"), std::string::npos);
    EXPECT_EQ(t.log->durable(), Offset(1));
    EXPECT_EQ(t.Append(BatchOf("c")).error().code, ErrorCode::kKafkaStorageError);
    EXPECT_EQ(t.Values()[0], "a");
    bool is_closed = true;
    t.log->Close([&](Result<void> closed) { is_closed = closed.has_value(); });
    t.world.RunAll();
    EXPECT_FALSE(is_closed);
    EXPECT_EQ(t.events.failed.size(), 1u);
  }
}

TEST(Log, MayGoWhileItsOperationsAreUnderWay) {
  for (int steps = 0; steps < 30; ++steps) {
    LogFixture t(SmallSegments());
    t.Open();
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(t.Append(BatchOf("v")));
    t.log->Read(Offset(0), Offset(0), 100, [](Result<Bytes>) {});
    t.log->Truncate(Offset(1), [](Result<void>) {});
    for (int i = 0; i < steps; ++i) t.world.RunOne();
    t.log.reset();
    size_t heard = t.events.written.size();
    t.world.RunAll();
    EXPECT_EQ(t.events.written.size(), heard);
  }
}

}  // namespace
}  // namespace weir::log
