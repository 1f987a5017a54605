// SPDX-License-Identifier: Apache-2.0
// What a log keeps, deletes, replaces and finds by time; and what it says of damage.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

#include "storage/log/log_fixture.h"

namespace weir::log {
namespace {

using Strings = std::vector<std::string>;
using Millis = std::chrono::milliseconds;

Bytes BatchAt(std::vector<int64_t> times_ms, const std::string& value = "value") {
  records::BatchBuilder builder;
  for (int64_t ms : times_ms) builder.Add(WallTime{ms}, std::nullopt, value);
  return builder.Build();
}

LogOptions Small(uint64_t segment_bytes = 200) {
  LogOptions options;
  options.roll.bytes = segment_bytes;
  return options;
}

class Filled : public LogFixture {
 public:
  explicit Filled(LogOptions log_options = Small(), int batches = 9) : LogFixture(log_options) {
    world.wall_now = WallTime{1'000'000};
    Open();
    for (int i = 0; i < batches; ++i) {
      EXPECT_TRUE(Append(BatchAt({world.wall_now.ms}, std::to_string(i))));
      world.RunAll();
      world.Pass(Millis(10));
    }
  }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    const std::string folder = std::string(kFolder) + "/";
    for (const std::string& path : world.Paths()) {
      if (path.starts_with(folder)) names.push_back(path.substr(folder.size()));
    }
    return names;
  }
  bool Has(const std::string& name) const { return std::ranges::count(Names(), name) > 0; }
  std::string* File(const std::string& name) {
    return world.Find(std::string(kFolder) + "/" + name);
  }
};

TEST(Keeping, FilesAreKafkas) {
  LogOptions options = Small();
  options.topic = TopicId::Parse("AAAAAAAAAAAAAAAAAAAAAQ");
  Filled t(options, 3);
  t.Close();
  EXPECT_EQ(t.Names(),
            (Strings{"00000000000000000000.index", "00000000000000000000.log",
                     "00000000000000000000.timeindex", "00000000000000000002.index",
                     "00000000000000000002.log", "00000000000000000002.snapshot",
                     "00000000000000000002.timeindex", "00000000000000000003.snapshot",
                     "leader-epoch-checkpoint", "partition.metadata", "weir-checkpoint"}));
  EXPECT_EQ(*t.File("leader-epoch-checkpoint"), "0\n1\n1 0\n");
  EXPECT_EQ(*t.File("partition.metadata"), "version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ");
  // The time index ends with the largest timestamp.
  EXPECT_EQ(*t.File("00000000000000000002.timeindex"),
            std::string("\0\0\0\0\0\x0f\x42\x54\0\0\0\0", 12));
}

TEST(Keeping, RefusesTheRecordsOfAnotherTopic) {
  LogOptions options = Small();
  options.topic = TopicId::Parse("AAAAAAAAAAAAAAAAAAAAAQ");
  Filled t(options, 3);
  t.Close();
  t.options.topic = TopicId::Parse("AAAAAAAAAAAAAAAAAAAAAw");
  auto opened = t.TryOpen();
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("AAAAAAAAAAAAAAAAAAAAAQ"), std::string::npos);
}

TEST(Keeping, ASegmentEndsByTheTimeOfItsRecords) {
  LogOptions options;
  options.roll.ms = 100;
  Filled t(options, 0);
  for (int64_t ms : {1000, 1050, 1100, 1101, 900, 1201, 1202}) {
    ASSERT_TRUE(t.Append(BatchAt({ms})));
  }
  t.world.RunAll();
  std::vector<ClosedSegment> closed = t.log->ClosedSegments();
  ASSERT_EQ(closed.size(), 2u);
  EXPECT_EQ(closed[0].end, Offset(3));
  EXPECT_EQ(closed[0].largest_timestamp, WallTime{1100});
  EXPECT_EQ(closed[1].end, Offset(6));
  EXPECT_EQ(closed[1].first_timestamp, WallTime{1101});
}

TEST(Keeping, DeletesBeforeAnOffsetForGood) {
  Filled t;
  ASSERT_TRUE(t.DeleteBefore(5));
  EXPECT_EQ(t.log->start(), Offset(5));
  EXPECT_EQ(t.Values(), (Strings{"5", "6", "7", "8"}));
  EXPECT_FALSE(t.Has("00000000000000000002.log"));
  EXPECT_TRUE(t.Has("00000000000000000002.log.deleted"));
  EXPECT_EQ(t.Read(4, 9).error().kind, Error::Kind::kInvalid);
  EXPECT_TRUE(t.DeleteBefore(3)) << "what is gone is gone";
  EXPECT_EQ(t.DeleteBefore(10).error().kind, Error::Kind::kInvalid);
  t.Crash();
  t.Open();
  EXPECT_EQ(t.log->start(), Offset(5));
  EXPECT_EQ(t.Values(), (Strings{"5", "6", "7", "8"}));
  EXPECT_FALSE(t.Has("00000000000000000002.log.deleted"));
  ASSERT_TRUE(t.DeleteBefore(9));
  EXPECT_EQ(t.log->start(), Offset(9));
  EXPECT_EQ(t.Values(), Strings());
  ASSERT_TRUE(t.Append(BatchOf("9")));
  t.world.RunAll();
  t.Crash();
  t.Open();
  EXPECT_EQ(t.Values(), Strings{"9"});
}

TEST(Keeping, EpochsBeginWithTheLog) {
  LogFixture t(Small());
  t.Open();
  for (int i = 0; i < 9; ++i) ASSERT_TRUE(t.Append(BatchOf("v"), 1 + i / 3));
  t.world.RunAll();
  ASSERT_TRUE(t.DeleteBefore(4));
  EXPECT_EQ(t.log->epochs().runs().front().start, Offset(4));
  EXPECT_EQ(t.log->epochs().runs().front().epoch, LeaderEpoch(2));
  LeaderEpochs before = t.log->epochs();
  t.Crash();
  t.Open();
  EXPECT_EQ(t.log->epochs(), before);
}

TEST(Keeping, AFollowerBeginsWithinABatchAsItsLeaderDoes) {
  LogFixture leader(Small());
  leader.Open();
  ASSERT_TRUE(leader.Append(BatchOf("a", 4)));
  ASSERT_TRUE(leader.Append(BatchOf("b", 4)));
  leader.world.RunAll();
  ASSERT_TRUE(leader.DeleteBefore(2));
  LogFixture follower(Small());
  follower.Open();
  ASSERT_TRUE(follower.Wait<Result<void>>(
      [&](auto done) { follower.log->Restart(Offset(2), std::move(done)); }));
  ASSERT_TRUE(follower.log->AppendAsFollower(*leader.Read(2, 8), LeaderEpoch(1)));
  EXPECT_EQ(follower.log->start(), Offset(2));
  follower.world.RunAll();
  EXPECT_EQ(follower.Records(), leader.Records());
  for (int round = 0; round < 2; ++round) {
    follower.Crash();
    follower.Open();
    EXPECT_EQ(follower.log->start(), Offset(2));
    EXPECT_EQ(follower.Records(), leader.Records());
  }
  // A cut into that batch leaves nothing of it.
  ASSERT_TRUE(follower.Truncate(3));
  EXPECT_EQ(follower.log->start(), Offset(2));
  EXPECT_EQ(follower.log->end(), Offset(2));
  ASSERT_TRUE(follower.log->AppendAsFollower(*leader.Read(2, 8), LeaderEpoch(1)));
  follower.world.RunAll();
  EXPECT_EQ(follower.Records(), leader.Records());
}

TEST(Keeping, RetentionTakesWhatIsTooOldUpToTheLimit) {
  LogOptions options = Small();
  options.retention.ms = 1000;
  options.file_delete_delay = std::chrono::seconds(5);
  Filled t(options);
  t.Upkeep(9);
  EXPECT_EQ(t.log->start(), Offset(0));
  t.world.Pass(Millis(2000));
  t.Upkeep(5);
  EXPECT_EQ(t.log->start(), Offset(4)) << "the third segment reaches above the limit";
  EXPECT_TRUE(t.Has("00000000000000000000.log.deleted"));
  t.world.Pass(std::chrono::seconds(5));
  t.Upkeep(5);
  EXPECT_FALSE(t.Has("00000000000000000000.log.deleted"));
  // All of it is too old: the active segment is closed for that, and goes.
  t.Upkeep(9);
  EXPECT_EQ(t.log->start(), Offset(9));
  EXPECT_EQ(t.log->end(), Offset(9));
  EXPECT_EQ(t.log->epochs().latest(), LeaderEpoch(1));
  EXPECT_FALSE(t.Has("00000000000000000008.log"));
  ASSERT_TRUE(t.Append(BatchAt({t.world.wall_now.ms}, "new")));
  t.world.RunAll();
  EXPECT_EQ(t.Values(), Strings{"new"});
  t.Crash();
  t.Open();
  EXPECT_EQ(t.log->start(), Offset(9));
  EXPECT_EQ(t.Values(), Strings{"new"});
}

TEST(Keeping, RetentionBySizeKeepsAtLeastWhatIsAsked) {
  LogOptions options = Small();
  options.retention.bytes = 300;
  Filled t(options);
  t.Upkeep(9);
  uint64_t bytes = 0;
  for (const ClosedSegment& segment : t.log->ClosedSegments()) bytes += segment.bytes;
  EXPECT_EQ(t.log->start(), Offset(4));
  EXPECT_GE(bytes + 75, 300u);
}

TEST(Keeping, AppendsGoOnWhileTheActiveSegmentIsDeleted) {
  for (int steps = 0; steps < 40; ++steps) {
    LogOptions options;
    options.retention.ms = 1000;
    Filled t(options, 3);
    t.world.Pass(Millis(5000));
    t.log->Upkeep(Offset(3));
    for (int i = 0; i < steps; ++i) t.world.RunOne();
    ASSERT_TRUE(t.Append(BatchAt({t.world.wall_now.ms}, "meanwhile")));
    t.world.RunAll();
    EXPECT_EQ(t.Records().back(), (std::pair<int64_t, std::string>(3, "meanwhile")));
    EXPECT_EQ(t.log->durable(), Offset(4));
    EXPECT_TRUE(t.events.failed.empty());
  }
}

TEST(Keeping, ReadsOfWhatIsDeletedMeanwhileAreServedOrOutOfRange) {
  for (int steps = 0; steps < 20; ++steps) {
    Filled t;
    t.log->DeleteBefore(Offset(6), [](Result<void>) {});
    std::optional<Result<Bytes>> read;
    for (int i = 0; i < steps; ++i) t.world.RunOne();
    t.log->Read(Offset(1), Offset(9), 1000, [&](Result<Bytes> result) { read = result; });
    t.world.RunAll();
    ASSERT_TRUE(read);
    if (*read) {
      EXPECT_EQ(records::ParseBatch((*read)->view())->base_offset, Offset(1));
    } else {
      EXPECT_EQ(read->error().kind, Error::Kind::kInvalid) << read->error();
    }
  }
}

TEST(Time, FindsTheFirstRecordInTheOrderOfOffsets) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    std::mt19937 random(static_cast<unsigned>(seed));
    LogOptions options = Small(2000);
    options.index_interval_bytes = 200;
    LogFixture t(options);
    t.Open();
    std::vector<int64_t> times;
    for (int i = 0; i < 60; ++i) {
      std::vector<int64_t> batch;
      for (size_t k = 0; k <= random() % 4; ++k) {
        batch.push_back(static_cast<int64_t>(i * 20 + static_cast<int>(random() % 200)));
      }
      times.insert(times.end(), batch.begin(), batch.end());
      ASSERT_TRUE(t.Append(BatchAt(batch), 3));
    }
    t.world.RunAll();
    if (seed % 3 == 0) {
      t.Close();
      t.Open();
    }
    const size_t start = seed % 2 == 0 ? 0 : times.size() / 3;
    ASSERT_TRUE(t.DeleteBefore(static_cast<int64_t>(start)));
    for (int64_t at = 0; at < 1500; at += 7) {
      auto found = t.OffsetForTime(at);
      auto expected = std::find_if(times.begin() + static_cast<ptrdiff_t>(start), times.end(),
                                   [&](int64_t time) { return time >= at; });
      ASSERT_EQ(found.has_value(), expected != times.end()) << at;
      if (!found) continue;
      EXPECT_EQ(found->offset, Offset(expected - times.begin())) << at;
      EXPECT_EQ(found->timestamp, WallTime{*expected});
      EXPECT_EQ(found->epoch, LeaderEpoch(3));
    }
  }
}

TEST(Time, FindsNothingAboveTheLimit) {
  Filled t(Small(), 4);
  auto find = [&](int64_t limit) {
    return *t.Wait<Result<std::optional<TimedOffset>>>([&](auto done) {
      t.log->OffsetForTime(WallTime{1'000'025}, Offset(limit), std::move(done));
    });
  };
  EXPECT_EQ(find(4)->offset, Offset(3));
  EXPECT_FALSE(find(3));
}

TEST(Replacing, LeavesGapsThatReadersPassOver) {
  LogOptions options = Small(400);
  options.compacted = true;
  Filled t(options, 16);
  std::vector<ClosedSegment> closed = t.log->ClosedSegments();
  ASSERT_EQ(closed.size(), 3u);
  ASSERT_EQ(closed[1].base, Offset(5));
  std::string cleaned = t.Read(6, 7)->ToString() + t.Read(12, 13)->ToString();
  t.Put(t.log->CleanedPath(Offset(5)), cleaned);
  auto replaced = t.Replace({Offset(5), Offset(10)});
  ASSERT_TRUE(replaced) << replaced.error();
  using Records = std::vector<std::pair<int64_t, std::string>>;
  const Records expected = {{0, "0"}, {1, "1"}, {2, "2"},   {3, "3"},
                            {4, "4"}, {6, "6"}, {12, "12"}, {15, "15"}};
  EXPECT_EQ(t.Records(), expected);
  // From within a gap, the next that is there.
  for (int64_t from : {5, 6}) {
    EXPECT_EQ(records::ParseBatch(t.Read(from, 16)->view())->base_offset, Offset(6));
  }
  EXPECT_EQ(records::ParseBatch(t.Read(13, 16)->view())->base_offset, Offset(15));
  EXPECT_TRUE(t.Read(13, 15)->empty());
  EXPECT_EQ(t.OffsetForTime(1'000'075)->offset, Offset(12));
  closed = t.log->ClosedSegments();
  ASSERT_EQ(closed.size(), 2u);
  EXPECT_EQ(closed[1].end, Offset(15));
  EXPECT_TRUE(t.Has("00000000000000000010.log.deleted"));
  t.Crash();
  t.Open();
  EXPECT_EQ(t.Records(), expected);
  EXPECT_FALSE(t.Has("00000000000000000010.log"));
  // A follower takes such a log as it is, and finds it again after a crash.
  LogFixture follower(options);
  follower.Open();
  Offset next(0);
  while (next < Offset(16)) {
    Bytes batches = *t.Read(next.value(), 16);
    auto appended = follower.log->AppendAsFollower(batches, LeaderEpoch(1));
    ASSERT_TRUE(appended) << appended.error();
    next = follower.log->end();
  }
  follower.world.RunAll();
  EXPECT_EQ(follower.Records(), expected);
  follower.Crash();
  follower.Open();
  EXPECT_EQ(follower.Records(), expected);
  EXPECT_TRUE(follower.log->damages().empty());
  // One that is cut within a gap ends there.
  ASSERT_TRUE(t.Truncate(9));
  EXPECT_EQ(t.log->end(), Offset(9));
  EXPECT_EQ(t.Records().back().first, 6);
}

TEST(Replacing, MayTakeAllRecordsOfARun) {
  Filled t(Small(400), 16);
  t.Put(t.log->CleanedPath(Offset(5)), "");
  ASSERT_TRUE(t.Replace({Offset(5), Offset(10)}));
  EXPECT_EQ(t.Records().size(), 6u);
  EXPECT_EQ(records::ParseBatch(t.Read(7, 16)->view())->base_offset, Offset(15));
  t.Crash();
  t.Open();
  EXPECT_EQ(t.Records().size(), 6u);
}

TEST(Replacing, RefusesWhatIsNoSegmentOfTheRun) {
  Filled t(Small(400), 16);
  Strings before = t.Values();
  const std::string path = t.log->CleanedPath(Offset(5));
  std::string good = t.Read(6, 7)->ToString();
  std::string rotten = good;
  rotten[65] ^= 1;
  struct Bad {
    std::string name, bytes;
    std::vector<Offset> bases;
  };
  const std::vector<Offset> run = {Offset(5), Offset(10)};
  for (const Bad& bad :
       {Bad{"a bad checksum", rotten, run}, Bad{"twice the same", good + good, run},
        Bad{"records of another segment", t.Read(15, 16)->ToString(), run},
        Bad{"records from below", t.Read(4, 5)->ToString(), run},
        Bad{"cut short", good.substr(0, 60), run},
        Bad{"not in a row", good, {Offset(5), Offset(15)}},
        Bad{"the active one", good, {Offset(5), Offset(10), Offset(15)}},
        Bad{"no segment", good, {Offset(5), Offset(11)}}}) {
    t.Put(path, bad.bytes);
    EXPECT_FALSE(t.Replace(bad.bases)) << bad.name;
    EXPECT_EQ(t.world.Find(path), nullptr) << bad.name;
    EXPECT_EQ(t.Values(), before) << bad.name;
    EXPECT_TRUE(t.events.failed.empty()) << bad.name;
  }
  EXPECT_FALSE(t.Replace(run)) << "no file";
}

TEST(Replacing, ReadsMeanwhileSeeTheOldOrTheNew) {
  for (int steps = 0; steps < 60; ++steps) {
    Filled t(Small(400), 16);
    t.Put(t.log->CleanedPath(Offset(5)), t.Read(6, 7)->ToString() + t.Read(12, 13)->ToString());
    t.log->Replace({Offset(5), Offset(10)}, [](Result<void>) {});
    for (int i = 0; i < steps; ++i) t.world.RunOne();
    std::optional<Result<Bytes>> read;
    t.log->Read(Offset(11), Offset(16), 10, [&](Result<Bytes> result) { read = result; });
    t.world.RunAll();
    ASSERT_TRUE(read && *read) << steps;
    Offset base = records::ParseBatch((*read)->view())->base_offset;
    EXPECT_TRUE(base == Offset(11) || base == Offset(12)) << steps;
    EXPECT_TRUE(t.log->damages().empty());
  }
}

TEST(Damage, IsNeverServedAndItsPlaceIsSaid) {
  Filled t(Small(400), 16);
  std::string* file = t.File("00000000000000000005.log");
  const size_t batch = file->size() / 5;
  (*file)[batch * 2 + 65] ^= 1;
  // What comes before it is read, and what comes after it.
  EXPECT_EQ(t.Read(5, 16)->size(), batch * 2);
  auto damaged = t.Read(7, 16);
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().kind, Error::Kind::kCorrupt);
  EXPECT_NE(damaged.error().message.find("00000000000000000005.log"), std::string::npos);
  ASSERT_EQ(t.log->damages().size(), 1u);
  EXPECT_EQ(t.log->damages()[0].from, Offset(7));
  EXPECT_EQ(t.log->damages()[0].to, Offset(10));
  EXPECT_TRUE(t.Read(10, 16));
  // It is mended by cutting it off.
  ASSERT_TRUE(t.Truncate(t.log->damages()[0].from.value()));
  EXPECT_TRUE(t.log->damages().empty());
  EXPECT_EQ(t.Values().size(), 7u);
  ASSERT_TRUE(t.Append(BatchOf("again")));
  t.world.RunAll();
  t.Crash();
  t.Open();
  EXPECT_EQ(t.Values().back(), "again");
}

TEST(Damage, IsFoundByScrubbingClosedSegments) {
  Filled t(Small(400), 16);
  std::string* file = t.File("00000000000000000005.log");
  (*file)[file->size() / 5 * 3 + 65] ^= 1;
  Offset from(0);
  std::vector<Damage> found;
  int rounds = 0;
  while (from < Offset(15) && ++rounds < 50) {
    auto scrubbed =
        t.Wait<Result<Scrubbed>>([&](auto done) { t.log->Scrub(from, 100, std::move(done)); });
    ASSERT_TRUE(scrubbed) << scrubbed.error();
    ASSERT_GT(scrubbed->next, from);
    if (scrubbed->damage) found.push_back(*scrubbed->damage);
    from = scrubbed->next;
  }
  EXPECT_GT(rounds, 4) << "it takes about as much as it is told at a time";
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].from, Offset(8));
  EXPECT_EQ(found[0].to, Offset(10));
  EXPECT_EQ(found[0].position, file->size() / 5 * 3);
  EXPECT_EQ(t.log->damages(), found);
}

TEST(Damage, InTheMiddleIsSaidWhenTheLogOpens) {
  Filled t(Small(400), 16);
  t.log.reset();
  t.world.Remove("topics/t-0/weir-checkpoint", [](Result<void>) {});
  t.world.RunAll();
  std::string* file = t.File("00000000000000000005.log");
  const size_t batch = file->size() / 5;
  (*file)[batch * 2 + 65] ^= 1;
  t.Open();
  ASSERT_EQ(t.log->damages().size(), 1u);
  const Damage& damage = t.log->damages()[0];
  EXPECT_NE(damage.file.find("00000000000000000005.log"), std::string::npos);
  EXPECT_EQ(damage.position, batch * 2);
  EXPECT_EQ(damage.bytes, batch);
  EXPECT_EQ(damage.from, Offset(7));
  EXPECT_EQ(damage.to, Offset(8));
  EXPECT_EQ(t.log->end(), Offset(16));
  // The rest is served.
  EXPECT_EQ(t.Read(0, 16)->size(), batch * 5) << "what a read takes at once";
  EXPECT_FALSE(t.Read(7, 16));
  EXPECT_TRUE(t.Read(8, 16));
  EXPECT_TRUE(t.Read(10, 16));
  ASSERT_TRUE(t.Truncate(7));
  EXPECT_EQ(t.Values().size(), 7u);
}

TEST(Damage, OfAMissingFileIsSaidWhenTheLogOpens) {
  Filled t(Small(400), 16);
  t.Close();
  t.world.Remove("topics/t-0/00000000000000000005.log", [](Result<void>) {});
  t.world.RunAll();
  t.Open();
  ASSERT_EQ(t.log->damages().size(), 1u);
  EXPECT_EQ(t.log->damages()[0].from, Offset(5));
  EXPECT_EQ(t.log->damages()[0].to, Offset(10));
  EXPECT_EQ(t.Read(3, 16)->size(), t.Read(0, 2)->size());
  EXPECT_EQ(t.Read(6, 16).error().kind, Error::Kind::kCorrupt);
  EXPECT_TRUE(t.Read(10, 16));
}

TEST(Recovering, OpensAFolderThatHasNothingButRecords) {
  Filled t(Small(400), 16);
  Strings values = t.Values();
  LeaderEpochs epochs = t.log->epochs();
  t.Close();
  for (const std::string& name : t.Names()) {
    if (name.ends_with(".log")) continue;
    t.world.Remove(std::string(kFolder) + "/" + name, [](Result<void>) {});
  }
  t.world.RunAll();
  t.Open();
  EXPECT_EQ(t.Values(), values);
  EXPECT_EQ(t.log->epochs(), epochs);
  EXPECT_EQ(t.OffsetForTime(1'000'075)->offset, Offset(8));
  t.Close();
  t.Open();
  EXPECT_EQ(t.Values(), values);
}

// Counts what is read between two points.
TEST(Recovering, ReadsNoMoreThanWhatIsAboveTheRecoveryPoint) {
  for (bool flush : {true, false}) {
    LogOptions options;
    options.flush = flush;
    options.recovery_bytes = 2000;
    LogFixture t(options);
    t.Open();
    for (int i = 0; i < 200; ++i) {
      ASSERT_TRUE(t.Append(BatchOf(std::string(100, 'v'))));
      t.world.RunAll();
    }
    t.log.reset();
    // What lies below the recovery point is not looked at: damage there is not found by opening.
    std::string* file = t.world.Find("topics/t-0/00000000000000000000.log");
    ASSERT_GT(file->size(), 30'000u);
    for (size_t at = 0; at + 4000 < file->size(); at += 100) (*file)[at] ^= 1;
    t.Open();
    EXPECT_EQ(t.log->end(), Offset(200));
    EXPECT_TRUE(t.log->damages().empty());
  }
}

TEST(Recovering, TheRecoveryPointMovesWithAgeAsWell) {
  LogOptions options;
  options.flush = false;
  LogFixture t(options);
  t.Open();
  ASSERT_TRUE(t.Append(BatchOf("a")));
  t.world.RunAll();
  t.Upkeep(1);
  EXPECT_EQ(t.log->durable(), Offset(0));
  t.world.Pass(std::chrono::minutes(2));
  t.Upkeep(1);
  EXPECT_EQ(t.log->durable(), Offset(1));
  t.Crash();
  t.Open();
  EXPECT_EQ(t.Values(), Strings{"a"});
}

TEST(Recovering, ALogAtRestGoesOnWhenItIsWrittenAgain) {
  LogOptions options;
  options.index_interval_bytes = 100;
  LogFixture t(options);
  t.Open();
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(t.Append(BatchOf(std::to_string(i))));
  t.world.RunAll();
  t.world.Pass(std::chrono::minutes(2));
  t.Upkeep(30);
  t.Upkeep(30);
  for (int i = 30; i < 60; ++i) ASSERT_TRUE(t.Append(BatchOf(std::to_string(i))));
  t.world.RunAll();
  EXPECT_EQ(t.Values().size(), 60u);
  ASSERT_TRUE(t.Truncate(45));
  EXPECT_EQ(t.Values().size(), 45u);
  t.Close();
  t.Open();
  EXPECT_EQ(t.Values().size(), 45u);
}

}  // namespace
}  // namespace weir::log
