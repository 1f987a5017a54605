// SPDX-License-Identifier: Apache-2.0
#include "storage/compaction/driver/cleaner.h"

#include "storage/compaction/driver/driver_fixture.h"

namespace weir::compaction {
namespace {

PartitionId Partition(int index) {
  return {TopicId(Uuid::FromRandom(1, 2)), PartitionIndex(index)};
}

class CleanerFixture {
 public:
  CleanerFixture() {
    world.MakeFolder("data", [](Result<void>) {});
    world.SyncFolder("", [](Result<void>) {});
    world.RunAll();
    Restart();
  }
  void Restart() {
    cleaner.reset();
    cleaner = std::make_unique<Cleaner>(world.host(), "data", options);
  }
  // A log with `count` segments of one key, which is dirty from end to end.
  FakeLog& Dirty(int index, int count = 4) {
    auto& log = logs[index] = std::make_unique<FakeLog>(world);
    for (int i = 0; i < count; ++i) {
      log->Append({{"a", std::to_string(i)}, {"b", std::to_string(i)}});
      log->Roll();
    }
    return *log;
  }
  void Enter(int index) { cleaner->Enter(Partition(index), logs.at(index).get(), config); }
  std::string* File() { return world.Find("data/cleaner-offset-checkpoint"); }

  TimedWorld world;
  CompactionConfig config;
  CleanerOptions options{.run = {.map_bytes = 1 << 16, .piece_bytes = 300}};
  std::map<int, std::unique_ptr<FakeLog>> logs;
  std::unique_ptr<Cleaner> cleaner;
};

TEST(Cleaner, CleansOneLogAfterTheOther) {
  CleanerFixture t;
  for (int i = 0; i < 3; ++i) {
    t.Dirty(i);
    t.Enter(i);
  }
  t.world.RunAll();
  EXPECT_EQ(t.cleaner->totals().runs, 3);
  for (auto& [i, log] : t.logs) {
    EXPECT_EQ(log->segments.size(), 2u);
    EXPECT_EQ(t.cleaner->CleanEnd(Partition(i)), Offset(8));
  }
  EXPECT_GT(t.cleaner->totals().bytes_before, t.cleaner->totals().bytes_after);
}

TEST(Cleaner, CleansTheDirtiestFirst) {
  CleanerFixture t;
  t.Dirty(0, 1).stable = Offset(2);
  FakeLog& dirtier = t.Dirty(1, 6);
  // Of the first, only a part is dirty.
  t.Enter(0);
  t.world.RunAll();
  EXPECT_EQ(t.cleaner->totals().runs, 1);
  for (int i = 0; i < 3; ++i) {
    t.logs.at(0)->Append({{"a", "new"}, {"b", std::string(100, 'n')}});
    t.logs.at(0)->Roll();
  }
  t.logs.at(0)->stable = Offset::Max();
  t.Enter(0);
  t.Enter(1);
  t.world.RunOne();
  while (!t.cleaner->running()) ASSERT_TRUE(t.world.RunOne());
  EXPECT_EQ(t.cleaner->running(), Partition(1));
  t.world.RunAll();
  EXPECT_EQ(dirtier.segments.size(), 2u);
  EXPECT_EQ(t.cleaner->totals().runs, 3);
}

TEST(Cleaner, LooksAgainAfterAPause) {
  CleanerFixture t;
  FakeLog& log = t.Dirty(0);
  log.stable = Offset(0);
  t.Enter(0);
  t.world.RunAll();
  EXPECT_EQ(t.cleaner->totals().runs, 0);
  log.stable = Offset::Max();
  t.world.Pass(std::chrono::seconds(14));
  EXPECT_EQ(t.cleaner->totals().runs, 0);
  t.world.Pass(std::chrono::seconds(2));
  EXPECT_EQ(t.cleaner->totals().runs, 1);
  // What is clean is left alone.
  t.world.Pass(std::chrono::hours(1));
  EXPECT_EQ(t.cleaner->totals().runs, 1);
}

TEST(Cleaner, RemembersWhatIsClean) {
  CleanerFixture t;
  t.Dirty(0);
  t.Enter(0);
  t.world.RunAll();
  ASSERT_NE(t.File(), nullptr);
  EXPECT_EQ(*t.File(), "0\n1\n" + Partition(0).topic.ToString() + " 0 8\n");
  t.world.Crash();
  t.Restart();
  t.Enter(0);
  t.world.RunAll();
  EXPECT_EQ(t.cleaner->CleanEnd(Partition(0)), Offset(8));
  EXPECT_EQ(t.cleaner->totals().runs, 0);
  t.cleaner->Forget(Partition(0));
  t.world.RunAll();
  EXPECT_EQ(*t.File(), "0\n0\n");
}

TEST(Cleaner, BeginsAnewWhereItsFileIsDamaged) {
  CleanerFixture t;
  t.Dirty(0);
  t.Enter(0);
  t.world.RunAll();
  *t.File() = "0\n1\nwhat?\n";
  t.Restart();
  t.Enter(0);
  t.world.RunAll();
  EXPECT_EQ(t.cleaner->totals().runs, 1);
  EXPECT_EQ(t.cleaner->CleanEnd(Partition(0)), Offset(8));
}

TEST(Cleaner, WhatIsCutIsDirtyAgain) {
  CleanerFixture t;
  t.Dirty(0);
  t.Enter(0);
  t.world.RunAll();
  t.logs.at(0)->stable = Offset(0);
  t.cleaner->Cut(Partition(0), Offset(5));
  EXPECT_EQ(t.cleaner->CleanEnd(Partition(0)), Offset(5));
  t.cleaner->Cut(Partition(0), Offset(6));
  EXPECT_EQ(t.cleaner->CleanEnd(Partition(0)), Offset(5));
  t.world.RunAll();
  t.Restart();
  // Before the file was read, too.
  t.cleaner->Cut(Partition(0), Offset(3));
  t.logs.at(0)->stable = Offset(0);
  t.Enter(0);
  t.world.RunAll();
  EXPECT_EQ(t.cleaner->CleanEnd(Partition(0)), Offset(3));
  EXPECT_EQ(*t.File(), "0\n1\n" + Partition(0).topic.ToString() + " 0 3\n");
}

TEST(Cleaner, ALogThatCannotBeCleanedHoldsNobodyUp) {
  CleanerFixture t;
  FakeLog& damaged = t.Dirty(0, 9);
  damaged.segments[3].bytes[70] ^= 1;
  t.Dirty(1);
  t.Enter(0);
  t.Enter(1);
  t.world.Pass(std::chrono::minutes(5));
  EXPECT_EQ(t.cleaner->totals().failed, 1);
  EXPECT_EQ(t.cleaner->totals().runs, 1);
  ASSERT_EQ(t.cleaner->Uncleanable().size(), 1u);
  EXPECT_EQ(t.cleaner->Uncleanable().at(Partition(0)).kind, Error::Kind::kCorrupt);
  // Once it was repaired, and opened again, it is cleaned.
  damaged.segments[3].bytes[70] ^= 1;
  t.cleaner->Leave(Partition(0));
  t.Enter(0);
  t.world.RunAll();
  EXPECT_TRUE(t.cleaner->Uncleanable().empty());
  EXPECT_EQ(t.cleaner->totals().runs, 2);
}

TEST(Cleaner, TriesAgainWhenTheDiskWasFull) {
  CleanerFixture t;
  t.Dirty(0);
  t.world.FailFrom("write", "cleaned", Error{Error::Kind::kFull, "no space"});
  t.Enter(0);
  t.world.RunAll();
  EXPECT_EQ(t.cleaner->totals().failed, 1);
  t.world.Pass(std::chrono::minutes(1));
  EXPECT_EQ(t.cleaner->totals().failed, 1);
  t.world.Pass(std::chrono::minutes(2));
  EXPECT_EQ(t.cleaner->totals().failed, 2);
  EXPECT_TRUE(t.cleaner->Uncleanable().empty());
}

TEST(Cleaner, ARunEndsWhenItsLogLeavesOrIsCut) {
  for (bool leaves : {true, false}) {
    for (int steps = 0;; ++steps) {
      CleanerFixture t;
      t.Dirty(0, 8);
      t.world.RunAll();
      t.Enter(0);
      for (int i = 0; i < steps; ++i) t.world.RunOne();
      bool was_done = t.cleaner->totals().runs > 0;
      if (leaves) {
        t.cleaner->Leave(Partition(0));
        t.world.RunAll();
        if (!was_done) EXPECT_EQ(t.cleaner->CleanEnd(Partition(0)), std::nullopt);
      } else {
        t.cleaner->Cut(Partition(0), Offset(3));
        if (was_done) EXPECT_EQ(t.cleaner->CleanEnd(Partition(0)), Offset(3));
        t.world.RunAll();
      }
      EXPECT_EQ(t.cleaner->running(), std::nullopt);
      if (was_done) break;
      ASSERT_LT(steps, 1000);
    }
  }
}

TEST(Cleaner, MayGoWithARunUnderWay) {
  for (int steps = 0; steps < 60; ++steps) {
    CleanerFixture t;
    t.Dirty(0, 8);
    t.Enter(0);
    for (int i = 0; i < steps; ++i) t.world.RunOne();
    t.cleaner.reset();
    t.world.RunAll();
  }
}

}  // namespace
}  // namespace weir::compaction
