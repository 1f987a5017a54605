// SPDX-License-Identifier: Apache-2.0
// A log over a journal, case by case.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "storage/log/log_fixture.h"

namespace weir::log {
namespace {

using Values = std::vector<std::string>;

class JournaledTest : public testing::Test {
 protected:
  void Open(bool flush = true) {
    t_.options.flush = flush;
    t_.Open();
  }
  void Append(const std::string& value) {
    auto appended = t_.Append(BatchOf(value));
    ASSERT_TRUE(appended) << appended.error();
    t_.world.RunAll();
  }
  void Append(std::initializer_list<const char*> values) {
    for (const char* value : values) Append(std::string(value));
  }
  // What the files have is gone, as far as it was not synced.
  void LoseFiles() {
    t_.Crash();
    if (std::string* segment = Segment()) segment->clear();
  }
  std::string* Segment() {
    return t_.world.Find(std::string(kFolder) + "/00000000000000000000.log");
  }

  LogFixture t_{{}, 1, Flush::kJournal};
};

TEST_F(JournaledTest, IsDurableByTheJournalAlone) {
  Open();
  Append({"a"});
  const int syncs = t_.world.syncs;
  Append({"b"});
  EXPECT_EQ(t_.world.syncs, syncs + 1) << "more than the journal was synced";
  EXPECT_EQ(t_.log->durable(), Offset(2));
  EXPECT_EQ(t_.events.written, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(t_.events.durable, (std::vector<int64_t>{1, 2}));
}

TEST_F(JournaledTest, BringsBackWhatItsFileLost) {
  Open();
  Append({"a", "b", "c"});
  LoseFiles();
  t_.events = {};
  Open();
  EXPECT_EQ(t_.Values(), (Values{"a", "b", "c"}));
  EXPECT_EQ(t_.log->durable(), Offset(3));
  EXPECT_TRUE(t_.events.durable.empty()) << "told before anybody had the log";
  Append({"d"});
  t_.Crash();
  Open();
  EXPECT_EQ(t_.Values(), (Values{"a", "b", "c", "d"}));
}

TEST_F(JournaledTest, BringsBackWhatIsTornInTheMiddle) {
  Open();
  Append({"a", "b", "c"});
  std::string whole = *Segment();
  t_.Crash();
  if (std::string* segment = Segment()) {
    *segment = whole;
    (*segment)[whole.size() / 2] ^= 1;
  }
  Open();
  EXPECT_EQ(t_.Values(), (Values{"a", "b", "c"}));
  EXPECT_TRUE(t_.log->damages().empty());
}

TEST_F(JournaledTest, KnowsTheProducersOfWhatCameBack) {
  Open();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(t_.Append(BatchFrom(7, 0, i)));
  t_.world.RunAll();
  LoseFiles();
  Open();
  auto again = t_.Append(BatchFrom(7, 0, 2));
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->duplicate);
  EXPECT_EQ(again->first, Offset(2));
  EXPECT_TRUE(t_.Append(BatchFrom(7, 0, 3)));
}

TEST_F(JournaledTest, BringsNothingBackThatWasCut) {
  Open();
  Append({"a", "b", "c"});
  ASSERT_TRUE(t_.Truncate(1));
  t_.Crash();
  Open();
  EXPECT_EQ(t_.Values(), Values{"a"});
  Append({"new"});
  t_.Crash();
  Open();
  EXPECT_EQ(t_.Values(), (Values{"a", "new"}));
}

TEST_F(JournaledTest, BringsNothingBackThatARestartEmptied) {
  Open();
  Append({"a", "b", "c"});
  ASSERT_TRUE(t_.Wait<Result<void>>([&](auto done) { t_.log->Restart(Offset(2), done); }));
  t_.Crash();
  Open();
  EXPECT_EQ(t_.log->start(), Offset(2));
  EXPECT_EQ(t_.log->end(), Offset(2));
  Append({"new"});
  t_.Crash();
  Open();
  EXPECT_EQ(t_.Values(), Values{"new"});
}

TEST_F(JournaledTest, BringsNothingBackThatWasDeleted) {
  Open();
  Append({"a", "b", "c", "d"});
  ASSERT_TRUE(t_.DeleteBefore(2));
  LoseFiles();
  Open();
  EXPECT_EQ(t_.log->start(), Offset(2));
  EXPECT_EQ(t_.Values(), (Values{"c", "d"}));
}

TEST_F(JournaledTest, BringsBackABatchThatTheStartDivides) {
  Open();
  ASSERT_TRUE(t_.Append(BatchOf("a", 5)));
  t_.world.RunAll();
  ASSERT_TRUE(t_.DeleteBefore(3));
  LoseFiles();
  Open();
  EXPECT_EQ(t_.log->start(), Offset(3));
  EXPECT_EQ(t_.Values(), (Values{"a", "a"}));
}

TEST_F(JournaledTest, LeavesNothingInTheJournalWhenItIsClosed) {
  Open();
  Append({"a"});
  t_.Close();
  t_.journal->Close([](Result<void> closed) { ASSERT_TRUE(closed) << closed.error(); });
  t_.world.RunAll();
  t_.Crash();
  Open();
  EXPECT_TRUE(t_.journal->Unclaimed().empty());
  EXPECT_EQ(t_.Values(), Values{"a"});
}

TEST_F(JournaledTest, IsNotUndoneByTheJournalWithoutFlush) {
  Open();
  Append({"a", "b", "c"});
  t_.Crash();
  Open(false);
  EXPECT_EQ(t_.Values(), (Values{"a", "b", "c"})) << "what was durable is";
  ASSERT_TRUE(t_.Truncate(1));
  Append({"x"});
  t_.Close();
  t_.Crash();
  Open(false);
  EXPECT_EQ(t_.Values(), (Values{"a", "x"}));
  t_.Close();
  Open(true);
  Append({"y"});
  t_.Crash();
  Open(true);
  EXPECT_EQ(t_.Values(), (Values{"a", "x", "y"}));
}

TEST_F(JournaledTest, SyncsItsFileWhereABatchIsTooLarge) {
  Open();
  Append({"a"});
  const std::string large(30'000, 'L');
  Append(large);
  EXPECT_EQ(t_.log->durable(), Offset(2));
  Append({"b"});
  EXPECT_EQ(t_.log->durable(), Offset(3));
  t_.Crash();
  Open();
  EXPECT_EQ(t_.Values(), (Values{"a", large, "b"}));
}

TEST_F(JournaledTest, SaysWhatWasSyncedAndIsGone) {
  Open();
  Append({"a"});
  t_.Close();
  Open();
  Append({"b", "c"});
  t_.Crash();
  for (const std::string& path : t_.world.Paths()) {
    if (path.starts_with(std::string(kFolder) + "/")) t_.world.Remove(path, [](Result<void>) {});
  }
  t_.world.RunAll();
  Open();
  ASSERT_EQ(t_.log->damages().size(), 1u);
  EXPECT_EQ(t_.log->damages()[0].from, Offset(0));
  EXPECT_EQ(t_.log->damages()[0].to, Offset(1));
  EXPECT_EQ(t_.log->end(), Offset(3));
  EXPECT_FALSE(t_.Read(0, 3));
  EXPECT_TRUE(t_.Read(1, 3));
  t_.Close();
  Open();
  EXPECT_EQ(t_.log->damages().size(), 1u) << "and remembers it";
  ASSERT_TRUE(t_.Truncate(0));
  EXPECT_TRUE(t_.log->damages().empty());
  Append({"again"});
  t_.Crash();
  Open();
  EXPECT_EQ(t_.Values(), Values{"again"});
}

TEST_F(JournaledTest, FailsOnceWithTheJournal) {
  Open();
  Append({"a"});
  t_.world.FailFrom("sync", "journal", {Error::Kind::kIo, "broken"});
  Append({"b"});
  ASSERT_EQ(t_.events.failed.size(), 1u);
  EXPECT_EQ(t_.log->durable(), Offset(1));
  EXPECT_EQ(t_.Values(), (Values{"a", "b"})) << "reads go on";
  auto refused = t_.Append(BatchOf("c"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kKafkaStorageError);
  EXPECT_FALSE(t_.Wait<Result<void>>([&](auto done) { t_.log->Close(std::move(done)); }));
}

TEST_F(JournaledTest, SyncsItsFileWhenTheJournalNeedsRoom) {
  Open();
  for (int i = 0; i < 100; ++i) Append(std::string(2000, 'x'));
  EXPECT_EQ(t_.log->durable(), Offset(100));
  t_.Crash();
  Open();
  EXPECT_EQ(t_.Values().size(), 100u);
}

TEST_F(JournaledTest, CutsWhileTheJournalIsFull) {
  Open();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(t_.Append(BatchOf(std::string(4000, 'x'))));
  ASSERT_TRUE(t_.Truncate(3));
  EXPECT_EQ(t_.log->end(), Offset(3));
  t_.Crash();
  Open();
  EXPECT_EQ(t_.Values().size(), 3u);
}

// The journal has what the disk had no room for; nobody was told that it is durable.
TEST_F(JournaledTest, GoesOnAfterADiskThatWasFull) {
  Open();
  Append({"a"});
  t_.world.FailFrom("write", ".log", {Error::Kind::kFull, "full"});
  Append({"b"});
  ASSERT_EQ(t_.events.failed.size(), 1u);
  EXPECT_EQ(t_.log->durable(), Offset(1));
  t_.world.FailNoMore();
  // Its room in the journal is not held for ever.
  for (int i = 0; i < 3; ++i) t_.world.RunAll();
  t_.log.reset();
  Open();
  EXPECT_EQ(t_.Values(), Values{"a"});
  Append({"c"});
  t_.Crash();
  Open();
  EXPECT_EQ(t_.Values(), (Values{"a", "c"}));
}

}  // namespace
}  // namespace weir::log
