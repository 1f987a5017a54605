// SPDX-License-Identifier: Apache-2.0
#include "storage/compaction/driver/clean_run.h"

#include <random>

#include "storage/compaction/driver/driver_fixture.h"

namespace weir::compaction {
namespace {

using Values = std::vector<std::pair<std::string, std::string>>;

class RunFixture {
 public:
  explicit RunFixture(uint64_t seed = 1) : world(seed), log(world) {}

  // Begins a run; its end comes with the world's steps.
  void Begin(Offset clean_end = Offset(0)) {
    LogExtent extent{log.start(), log.end(), log.stable_end(), clean_end, log.Closed()};
    stop = std::make_shared<RunStop>();
    report.reset();
    host::Spawn(CleanLog(world.host(), &log, FindCleanable(extent, config, world.WallNow()), config,
                         options, throttle, stop),
                Callback<void(Result<RunReport>)>([this](auto result) { report = result; }));
  }
  Result<RunReport> Run(Offset clean_end = Offset(0)) {
    Begin(clean_end);
    world.Pass(std::chrono::hours(1));
    EXPECT_TRUE(report.has_value());
    return report.value_or(RunStop::Stopped());
  }

  TimedWorld world;
  FakeLog log;
  CompactionConfig config{.delete_retention_ms = 100};
  RunOptions options{.map_bytes = 1 << 16, .piece_bytes = 300};
  std::shared_ptr<Throttle> throttle = std::make_shared<Throttle>(0);
  std::shared_ptr<RunStop> stop;
  std::optional<Result<RunReport>> report;
};

TEST(CleanRun, MakesOneSegmentOfSeveral) {
  RunFixture t;
  for (int i = 0; i < 6; ++i) {
    t.log.Append({{"a", std::to_string(i)}, {"b" + std::to_string(i), "1"}});
    t.log.Roll();
  }
  t.log.Append({{"a", "active"}});
  auto report = t.Run();
  ASSERT_TRUE(report) << report.error();
  EXPECT_EQ(report->clean_end, Offset(12));
  EXPECT_EQ(report->records_before, 12);
  EXPECT_EQ(report->records_after, 7);
  EXPECT_EQ(report->keys, 7u);
  ASSERT_EQ(t.log.segments.size(), 2u);
  EXPECT_EQ(t.log.segments[0].bytes.size(), report->bytes_after);
  EXPECT_LT(report->bytes_after, report->bytes_before);
  EXPECT_EQ(t.log.Batches().Values(), (Values{{"b0", "1"},
                                              {"b1", "1"},
                                              {"b2", "1"},
                                              {"b3", "1"},
                                              {"b4", "1"},
                                              {"a", "5"},
                                              {"b5", "1"},
                                              {"a", "active"}}));
}

TEST(CleanRun, LeavesWhatIsAboveTheHighWatermark) {
  RunFixture t;
  for (int i = 0; i < 4; ++i) {
    t.log.Append({{"a", std::to_string(i)}});
    t.log.Roll();
  }
  t.log.stable = Offset(2);
  auto report = t.Run();
  ASSERT_TRUE(report) << report.error();
  EXPECT_EQ(report->clean_end, Offset(2));
  EXPECT_EQ(t.log.Batches().Values(), (Values{{"a", "1"}, {"a", "2"}, {"a", "3"}}));
}

TEST(CleanRun, WritesNothingWhereNothingChanges) {
  RunFixture t;
  for (int i = 0; i < 50; ++i) t.log.Append({{"key " + std::to_string(i), "1"}});
  t.log.Roll();
  auto report = t.Run();
  ASSERT_TRUE(report) << report.error();
  EXPECT_EQ(report->clean_end, Offset(50));
  EXPECT_EQ(t.log.replaced, 0);
  EXPECT_EQ(t.world.writes, 0);
  EXPECT_EQ(report->bytes_after, report->bytes_before);
}

TEST(CleanRun, CopiesWhatLiesBeforeTheFirstChange) {
  RunFixture t;
  for (int i = 0; i < 50; ++i) t.log.Append({{"key " + std::to_string(i), "1"}});
  t.log.Append({{"key 49", "2"}});
  t.log.Roll();
  Values expected = t.log.Batches().Values();
  expected.erase(expected.begin() + 49);
  ASSERT_TRUE(t.Run());
  EXPECT_EQ(t.log.replaced, 1);
  EXPECT_EQ(t.log.Batches().Values(), expected);
}

TEST(CleanRun, WithASmallMapTakesSeveralRuns) {
  RunFixture t;
  t.options.map_bytes = 0;
  for (int i = 0; i < 400; ++i) {
    t.log.Append({{"key " + std::to_string(i % 200), std::to_string(i)}});
    if (i % 20 == 19) t.log.Roll();
  }
  t.log.Roll();
  Offset clean;
  int runs = 0;
  while (clean < t.log.end()) {
    auto report = t.Run(clean);
    ASSERT_TRUE(report) << report.error();
    ASSERT_GT(report->clean_end, clean);
    clean = report->clean_end;
    ++runs;
  }
  EXPECT_GT(runs, 4);
  EXPECT_EQ(t.log.Batches().Records().size(), 200u);
}

TEST(CleanRun, ReadsBatchesLargerThanAPiece) {
  RunFixture t;
  t.log.Append({{"a", std::string(5000, '1')}});
  t.log.Append({{"b", "1"}, {"a", std::string(7000, '2')}});
  t.log.Roll();
  ASSERT_TRUE(t.Run());
  EXPECT_EQ(t.log.Batches().Values(), (Values{{"b", "1"}, {"a", std::string(7000, '2')}}));
}

TEST(CleanRun, SaysWhereASegmentIsDamaged) {
  RunFixture intact;
  for (int i = 0; i < 20; ++i) intact.log.Append({{"a", std::to_string(i)}});
  intact.log.Roll();
  const std::string bytes = intact.log.segments[0].bytes;
  for (size_t at = 0; at < bytes.size(); at += 7) {
    RunFixture t;
    for (int i = 0; i < 20; ++i) t.log.Append({{"a", std::to_string(i)}});
    t.log.Roll();
    t.log.segments[0].bytes[at] ^= 0x10;
    auto report = t.Run();
    // Of what a checksum does not cover, the leader epoch may be any.
    if (report) continue;
    EXPECT_EQ(report.error().kind, Error::Kind::kCorrupt) << at << ": " << report.error();
    EXPECT_EQ(t.log.replaced, 0);
  }
  RunFixture t;
  for (int i = 0; i < 20; ++i) t.log.Append({{"a", std::to_string(i)}});
  t.log.Roll();
  t.log.segments[0].bytes[bytes.size() / 2] ^= 1;
  EXPECT_FALSE(t.Run());
}

TEST(CleanRun, AFullDiskLeavesTheLogAsItIs) {
  RunFixture t;
  for (int i = 0; i < 20; ++i) t.log.Append({{"a", std::to_string(i)}});
  t.log.Roll();
  std::string before = t.log.segments[0].bytes;
  t.world.FailFrom("write", "cleaned", Error{Error::Kind::kFull, "no space"});
  auto report = t.Run();
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().kind, Error::Kind::kFull);
  EXPECT_EQ(t.log.segments[0].bytes, before);
}

TEST(CleanRun, GoesNoFasterThanItMay) {
  RunFixture t;
  for (int i = 0; i < 100; ++i) t.log.Append({{"a", std::string(100, 'v')}});
  t.log.Roll();
  t.throttle = std::make_shared<Throttle>(1000);
  Instant from = t.world.now;
  t.Begin();
  while (!t.report) t.world.Pass(std::chrono::milliseconds(100));
  double seconds = std::chrono::duration<double>(t.world.now - from).count();
  EXPECT_NEAR(seconds, static_cast<double>(t.log.bytes_read) / 1000, 1.5);
}

TEST(CleanRun, TouchesTheLogNoMoreOnceItIsStopped) {
  for (int steps = 0;; ++steps) {
    RunFixture t;
    for (int i = 0; i < 20; ++i) {
      t.log.Append({{"a", std::to_string(i)}});
      if (i % 4 == 3) t.log.Roll();
    }
    t.config.segment_bytes = 500;
    t.log.Roll();
    t.Begin();
    for (int i = 0; i < steps; ++i) t.world.RunOne();
    t.stop->is_asked = true;
    uint64_t read = t.log.bytes_read;
    int replaced = t.log.replaced;
    auto closed = t.log.Closed();
    bool was_done = t.report.has_value();
    t.world.RunAll();
    ASSERT_TRUE(t.report.has_value());
    if (was_done) return;
    // What was under way may end; nothing else begins.
    EXPECT_LE(t.log.bytes_read, read + 1000);
    EXPECT_LE(t.log.replaced, replaced + 1);
    EXPECT_LE(closed.size() - t.log.Closed().size(), 4u);
    if (!*t.report) EXPECT_EQ(t.report->error().kind, Error::Kind::kUnavailable);
    ASSERT_LT(steps, 10'000);
  }
}

std::map<std::string, std::string> Folded(const BatchLog& log) {
  std::map<std::string, std::string> map;
  for (const SeenRecord& record : log.Records()) {
    if (record.value) map[*record.key] = *record.value;
    if (!record.value) map.erase(*record.key);
  }
  return map;
}

// Some history; cleaned in between.
void Fill(RunFixture& t, std::mt19937_64& random) {
  for (int i = 0; i < 40; ++i) {
    std::vector<KeyValue> records;
    for (size_t n = 1 + random() % 4; n > 0; --n) {
      KeyValue record{"key " + std::to_string(random() % 10), std::to_string(random() % 1000)};
      if (random() % 3 == 0) record.value.reset();
      records.push_back(std::move(record));
    }
    t.log.Append(records);
    if (random() % 5 == 0) t.log.Roll();
  }
  t.log.Roll();
}

TEST(CleanRun, MayEndAtAnyStep) {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    for (int steps = 0;; ++steps) {
      RunFixture t(seed);
      std::mt19937_64 random(seed);
      t.config.segment_bytes = 600;
      Fill(t, random);
      auto expected = Folded(t.log.Batches());
      std::vector<SeenRecord> all = t.log.Batches().Records();
      t.Begin();
      bool goes_on = true;
      for (int i = 0; goes_on && i < steps; ++i) goes_on = t.world.RunOne();
      t.world.Crash();
      // Some groups are clean and some are not; nothing is said of either.
      ASSERT_EQ(Folded(t.log.Batches()), expected) << "seed " << seed << " steps " << steps;
      t.world.wall_ms += static_cast<int64_t>(random() % 200);
      ASSERT_TRUE(t.Run());
      ASSERT_EQ(Folded(t.log.Batches()), expected) << "seed " << seed << " steps " << steps;
      std::map<std::string, int> counts;
      for (const SeenRecord& record : t.log.Batches().Records()) {
        ASSERT_EQ(++counts[*record.key], 1);
        ASSERT_TRUE(std::ranges::count(all, record) == 1);
      }
      if (!goes_on) break;
    }
  }
}

}  // namespace
}  // namespace weir::compaction
