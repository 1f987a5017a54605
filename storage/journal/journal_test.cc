// SPDX-License-Identifier: Apache-2.0
// The journal as its streams see it, on a disk that works and on one that does not.
#include <gtest/gtest.h>

#include "storage/journal/frame.h"
#include "storage/journal/journal_fixture.h"

namespace weir::journal {
namespace {

constexpr size_t kOffsetOfFrames = kBlockBytes;

struct Logs {
  explicit Logs(JournalFixture& fixture, int count)
      : t(fixture), disks(static_cast<size_t>(count)) {
    Open();
  }
  void Open() {
    logs.clear();
    for (size_t i = 0; i < disks.size(); ++i) {
      logs.push_back(
          std::make_unique<ModelLog>(t.world, PartitionOf(static_cast<int>(i)), disks[i]));
      EXPECT_EQ(logs.back()->Open(*t.journal), "");
    }
  }
  // As a crash of the machine leaves it.
  void Reopen(std::mt19937_64& random) {
    for (auto& disk : disks) disk.Crash(random);
    logs.clear();
    t.journal.reset();
    t.world.Crash();
    t.Open();
    Open();
  }
  ModelLog& operator[](size_t i) { return *logs[i]; }

  JournalFixture& t;
  std::vector<ModelLog::Segments> disks;
  std::vector<std::unique_ptr<ModelLog>> logs;
};

std::vector<std::string> TextsOf(const ModelLog::Segments& segments) {
  std::vector<std::string> texts;
  for (const Entry& entry : segments.written) texts.push_back(entry.text);
  return texts;
}

using Texts = std::vector<std::string>;

TEST(Journal, GivesBackWhatTheSegmentsLack) {
  JournalFixture t;
  t.Open();
  Logs logs(t, 2);
  logs[0].Append("a");
  logs[1].Append("b");
  logs[0].Append("c");
  t.world.RunAll();
  EXPECT_EQ(logs[0].durable, Offset(2));
  EXPECT_EQ(logs[1].durable, Offset(1));
  logs.disks[0].synced = logs.disks[1].synced = 0;
  logs.disks[0].written.clear();
  logs.disks[1].written.clear();
  std::mt19937_64 random(1);
  logs.Reopen(random);
  EXPECT_EQ(TextsOf(logs.disks[0]), (Texts{"a", "c"}));
  EXPECT_EQ(TextsOf(logs.disks[1]), Texts{"b"});
}

TEST(Journal, CommitsTogetherWhatArrivesWhileAWriteIsUnderWay) {
  JournalFixture t;
  t.Open();
  Logs logs(t, 20);
  uint64_t before = t.journal->frames();
  logs[0].Append("first");
  // The turn, and the write.
  t.world.RunOne();
  t.world.RunOne();
  for (int round = 0; round < 3; ++round) {
    for (size_t i = 1; i < 20; ++i) logs[i].Append("x");
  }
  t.world.RunAll();
  EXPECT_EQ(t.journal->frames(), before + 2);
  for (size_t i = 1; i < 20; ++i) EXPECT_EQ(logs[i].durable, Offset(3));
}

TEST(Journal, NeedsNothingAfterACleanStop) {
  JournalFixture t;
  t.Open();
  Logs logs(t, 2);
  logs[0].Append("a");
  logs[1].Append("b");
  t.world.RunAll();
  for (size_t i : {0u, 1u}) {
    logs[i].OnSyncWanted();
    logs[i].Leave();
  }
  t.Close();
  t.journal.reset();
  t.Open();
  EXPECT_TRUE(t.journal->Unclaimed().empty());
}

TEST(Journal, TellsWhatNobodyClaims) {
  JournalFixture t;
  t.Open();
  {
    Logs logs(t, 2);
    logs[0].Append("a");
    logs[1].Append("b");
    t.world.RunAll();
    t.journal.reset();
    t.Open();
    EXPECT_EQ(t.journal->Unclaimed(), (std::vector{PartitionOf(0), PartitionOf(1)}));
    logs.logs.clear();
  }
  bool dropped = false;
  t.journal->Forget(PartitionOf(0), [&](Result<void> result) { dropped = result.has_value(); });
  EXPECT_FALSE(dropped);
  t.world.RunAll();
  EXPECT_TRUE(dropped);
  EXPECT_EQ(t.journal->Unclaimed(), std::vector{PartitionOf(1)});
  t.journal.reset();
  t.world.Crash();
  t.Open();
  EXPECT_EQ(t.journal->Unclaimed(), std::vector{PartitionOf(1)});
}

TEST(Journal, GoesRoundAndRoundAsItsPartitionsSync) {
  JournalFixture t;
  t.Open();
  Logs logs(t, 3);
  // Some ten times what the file holds.
  for (int i = 0; i < 200; ++i) {
    logs[static_cast<size_t>(i % 3)].Append(std::string(3000, static_cast<char>('a' + i % 26)));
    t.world.RunAll();
  }
  EXPECT_GT(logs[0].asked, 3);
  EXPECT_LE(t.file().size(), t.options.bytes);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(logs[i].durable, logs[i].segments.end());
  std::mt19937_64 random(1);
  std::vector<Texts> before;
  for (const auto& disk : logs.disks) before.push_back(TextsOf(disk));
  logs.Reopen(random);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(TextsOf(logs.disks[i]), before[i]);
}

TEST(Journal, WaitsForRoomAndGoesOnWhenThereIsSome) {
  JournalFixture t;
  t.Open();
  Logs logs(t, 2);
  logs[0].is_deaf = true;
  logs[0].Append(std::string(3000, 'x'));
  t.world.RunAll();
  for (int i = 0; i < 40; ++i) logs[1].Append(std::string(3000, 'y'));
  t.world.RunAll();
  EXPECT_EQ(logs[0].durable, Offset(1));
  EXPECT_GT(logs[1].durable, Offset(5));
  EXPECT_LT(logs[1].durable, Offset(40)) << "what the first one needs is written over";
  logs[0].is_deaf = false;
  logs[0].OnSyncWanted();
  t.world.RunAll();
  EXPECT_EQ(logs[1].durable, Offset(40));
}

TEST(Journal, TakesNothingThatIsTooLargeForIt) {
  JournalFixture t;
  t.Open();
  Logs logs(t, 1);
  EXPECT_FALSE(logs[0].Append(std::string(30'000, 'x')));
  EXPECT_TRUE(logs[0].Append("y"));
  t.world.RunAll();
  EXPECT_EQ(logs[0].durable, Offset(2));
  std::mt19937_64 random(1);
  logs.Reopen(random);
  EXPECT_EQ(logs.disks[0].end(), Offset(2));
}

TEST(Journal, GrowsToItsSizeWhileItIsUsed) {
  JournalFixture t(1, 512 << 10);
  t.Open();
  EXPECT_EQ(t.file().size(), 64u << 10);
  Logs logs(t, 1);
  for (int i = 0; i < 200; ++i) {
    logs[0].Append(std::string(3000, 'x'));
    t.world.RunAll();
  }
  EXPECT_EQ(t.file().size(), 512u << 10);
  EXPECT_EQ(logs[0].durable, Offset(200));
}

TEST(Journal, DoesWithWhatItHasWhileTheDiskHasNoRoom) {
  JournalFixture t(1, 512 << 10);
  bool has_room = false;
  t.options.may_grow = [&](uint64_t bytes) {
    EXPECT_EQ(bytes, 64u << 10);
    return has_room;
  };
  t.Open();
  Logs logs(t, 1);
  for (int i = 0; i < 200; ++i) {
    logs[0].Append(std::string(3000, 'x'));
    t.world.RunAll();
  }
  EXPECT_EQ(t.file().size(), 64u << 10);
  EXPECT_EQ(logs[0].durable, Offset(200));
  has_room = true;
  for (int i = 0; i < 200; ++i) {
    logs[0].Append(std::string(3000, 'x'));
    t.world.RunAll();
  }
  EXPECT_EQ(t.file().size(), 512u << 10);
  EXPECT_EQ(logs[0].durable, Offset(400));
}

TEST(Journal, TellsOnceThatItFailed) {
  for (const char* kind : {"write", "sync"}) {
    JournalFixture t;
    t.Open();
    Logs logs(t, 2);
    logs[0].Append("a");
    t.world.RunAll();
    t.world.FailFrom(kind, kPath, Error{Error::Kind::kIo, "broken"});
    logs[0].Append("b");
    logs[1].Append("c");
    t.world.RunAll();
    logs[0].Append("d");
    t.world.RunAll();
    for (size_t i : {0u, 1u}) {
      ASSERT_EQ(logs[i].failed.size(), 1u);
      EXPECT_NE(logs[i].failed[0].message.find("broken"), std::string::npos);
    }
    EXPECT_EQ(logs[0].durable, Offset(1));
    EXPECT_EQ(logs[1].durable, Offset(0));
    EXPECT_TRUE(t.journal->failure());
    // Who comes later hears of it too.
    ModelLog::Segments disk;
    ModelLog late(t.world, PartitionOf(7), disk);
    EXPECT_EQ(late.Open(*t.journal), "");
    t.world.RunAll();
    EXPECT_EQ(late.failed.size(), 1u);
  }
}

TEST(Journal, RefusesAFileThatLacksWhatWasCommitted) {
  for (int victim = 0; victim < 5; ++victim) {
    JournalFixture t;
    t.Open();
    {
      Logs logs(t, 1);
      for (int i = 0; i < 6; ++i) {
        logs[0].Append("some text");
        t.world.RunAll();
      }
    }
    t.journal.reset();
    // One frame a block, and one at the front that is there from the beginning.
    t.file()[kOffsetOfFrames + static_cast<size_t>(victim + 1) * kBlockBytes + 70] ^= 1;
    auto opened = t.TryOpen();
    ASSERT_FALSE(opened) << victim;
    EXPECT_EQ(opened.error().kind, Error::Kind::kCorrupt);
    EXPECT_NE(opened.error().message.find("journal"), std::string::npos);
  }
}

TEST(Journal, RefusesAnotherFile) {
  JournalFixture t;
  t.Open();
  t.journal.reset();
  t.file()[3] ^= 1;
  auto opened = t.TryOpen();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, Error::Kind::kCorrupt);
}

TEST(Journal, TakesNoBytesOfAClientForAFrame) {
  JournalFixture t;
  t.Open();
  Logs logs(t, 1);
  // A frame as it lies in the file, sent as a record, so that it begins at a block.
  logs[0].Append("first");
  t.world.RunAll();
  std::string frame = t.file().substr(kOffsetOfFrames + kBlockBytes, kBlockBytes);
  logs[0].Append(std::string(kBlockBytes - FrameHead::kBytes - RecordHead::kBytes, '.') + frame);
  t.world.RunAll();
  logs[0].OnSyncWanted();
  std::mt19937_64 random(1);
  // Within a frame it is never looked for, and where that one is torn its file is another.
  logs.Reopen(random);
  EXPECT_EQ(logs.disks[0].end(), Offset(2));
}

TEST(Journal, NeverStandsStillWhileItGrows) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    JournalFixture t(seed, 512 << 10);
    t.Open();
    Logs logs(t, 3);
    std::mt19937_64 random(seed);
    for (int i = 0; i < 300; ++i) {
      ModelLog& log = logs[random() % 3];
      log.Append(std::string(random() % 9000, 'x'));
      // So that it comes round before it has grown.
      if (random() % 4 == 0) log.OnSyncWanted();
      for (uint64_t steps = random() % 6; steps > 0; --steps) t.world.RunOne();
    }
    t.world.RunAll();
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(logs[static_cast<size_t>(i)].durable, logs.disks[static_cast<size_t>(i)].end())
          << "seed " << seed;
    }
  }
}

TEST(Journal, CutsAndRestartsInTheirOrder) {
  JournalFixture t;
  t.Open();
  Logs logs(t, 2);
  std::mt19937_64 random(3);
  for (int i = 0; i < 10; ++i) logs[0].Append(std::to_string(i));
  t.world.RunAll();
  logs[0].Cut(Offset(4));
  t.world.RunAll();
  logs[0].Append("new");
  t.world.RunAll();
  logs[1].Append("gone");
  t.world.RunAll();
  logs[1].Restart(Offset(100));
  t.world.RunAll();
  logs[1].Append("here");
  t.world.RunAll();
  logs.Reopen(random);
  EXPECT_EQ(TextsOf(logs.disks[0]), (Texts{"0", "1", "2", "3", "new"}));
  EXPECT_EQ(logs.disks[1].start, Offset(100));
  EXPECT_EQ(TextsOf(logs.disks[1]), Texts{"here"});
}

}  // namespace
}  // namespace weir::journal
