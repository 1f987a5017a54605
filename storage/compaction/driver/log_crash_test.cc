// SPDX-License-Identifier: Apache-2.0
// The machine stops after every single step of a run over a real log, and of the recovery after it:
// whoever reads the log from its start comes to what was there before, offsets and producers are
// those that they were, and the next run goes on.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "storage/compaction/driver/clean_run.h"
#include "storage/compaction/driver/driver_fixture.h"
#include "storage/compaction/driver/log_view.h"
#include "storage/log/log_fixture.h"

namespace weir::compaction {
namespace {

using KeyMap = std::map<std::string, std::string>;

class LogRun {
 public:
  explicit LogRun(uint64_t seed) : world(seed), random_(seed) {
    options.roll.bytes = 700;
    options.compacted = true;
    config.segment_bytes = 700;
    config.delete_retention_ms = 100;
  }
  ~LogRun() { Drop(); }

  // False where it was not open after so many steps.
  bool Open(int steps = INT32_MAX) {
    Drop();
    Result<void> opened = Fail(Error::Kind::kUnavailable, "not opened");
    log::OpenLog(world.host(), log::kFolder, options, &events, [&](auto result) {
      opened = {};
      if (!result) opened = std::unexpected(result.error());
      if (result) opened_log = std::move(*result);
    });
    for (int i = 0; i < steps && world.RunOne(); ++i) {
    }
    if (!opened && opened.error().kind == Error::Kind::kUnavailable) return false;
    EXPECT_TRUE(opened) << opened.error();
    if (opened_log)
      view = std::make_unique<LogView>(opened_log.get(), [this] { return opened_log->end(); });
    return opened_log != nullptr;
  }
  void Drop() {
    if (stop) stop->is_asked = true;
    view.reset();
    opened_log.reset();
  }
  void Crash() {
    world.Crash();
    Drop();
  }

  void Fill() {
    for (int i = 0; i < 30; ++i) {
      std::vector<KeyValue> records;
      for (size_t n = 1 + random_() % 4; n > 0; --n) {
        KeyValue record{"key " + std::to_string(random_() % 8), std::to_string(random_() % 1000)};
        if (random_() % 3 == 0) record.value.reset();
        records.push_back(std::move(record));
      }
      int64_t producer = static_cast<int64_t>(random_() % 3);
      auto count = static_cast<int32_t>(records.size());
      Bytes batch = BatchAt(Offset(0), records, -1, producer, sequences_[producer]);
      sequences_[producer] += count;
      auto appended = opened_log->AppendAsLeader(batch, LeaderEpoch(1 + i / 12),
                                                 log::Origin::kClient, {world.wall_ms});
      ASSERT_TRUE(appended) << appended.error();
      last_[producer] = {batch, appended->first};
      world.RunAll();
    }
    for (SeenRecord& record : Records()) all[record.offset] = record;
    end = opened_log->end();
  }

  void Begin(Offset clean_end) {
    LogExtent extent{opened_log->start(), opened_log->end(), opened_log->end(), clean_end,
                     view->Closed()};
    stop = std::make_shared<RunStop>();
    report.reset();
    host::Spawn(
        CleanLog(world.host(), view.get(), FindCleanable(extent, config, world.WallNow()), config,
                 {.map_bytes = 1 << 16, .piece_bytes = 300}, std::make_shared<Throttle>(0), stop),
        Callback<void(Result<RunReport>)>([this](auto result) { report = result; }));
  }

  std::vector<SeenRecord> Records() {
    std::vector<SeenRecord> records;
    Offset next = opened_log->start();
    while (next < opened_log->written()) {
      Result<Bytes> read = Fail(Error::Kind::kUnavailable, "not read");
      opened_log->Read(next, opened_log->written(), 400,
                       [&](Result<Bytes> result) { read = result; });
      world.RunAll();
      EXPECT_TRUE(read) << read.error();
      if (!read || read->empty()) break;
      records::BatchRun run(*read);
      for (auto batch = run.Next(); batch && *batch; batch = run.Next()) {
        next = (*batch)->header.end_offset();
        for (SeenRecord& record : RecordsOf((*batch)->bytes)) records.push_back(std::move(record));
      }
    }
    return records;
  }

  static KeyMap Folded(const std::vector<SeenRecord>& records) {
    KeyMap map;
    for (const SeenRecord& record : records) {
      if (record.value) map[*record.key] = *record.value;
      if (!record.value) map.erase(*record.key);
    }
    return map;
  }

  void Check(const std::string& where) {
    ASSERT_EQ(opened_log->end(), end) << where;
    std::vector<SeenRecord> now = Records();
    std::vector<SeenRecord> were;
    for (const auto& [offset, record] : all) were.push_back(record);
    ASSERT_EQ(Folded(now), Folded(were)) << where;
    Offset next;
    for (const SeenRecord& record : now) {
      ASSERT_GE(record.offset, next) << where;
      ASSERT_EQ(record, all.at(record.offset)) << where;
      next = record.offset + 1;
    }
    // Whoever repeats its last batch is told where it is.
    for (const auto& [producer, last] : last_) {
      auto again = opened_log->AppendAsLeader(last.first, LeaderEpoch(99), log::Origin::kClient,
                                              {world.wall_ms});
      ASSERT_TRUE(again) << where << ": " << again.error();
      ASSERT_TRUE(again->duplicate) << where;
      ASSERT_EQ(again->first, last.second) << where;
    }
  }

  TimedWorld world;
  log::LogOptions options;
  CompactionConfig config;
  log::HeardEvents events;
  std::unique_ptr<log::Log> opened_log;
  std::unique_ptr<LogView> view;
  std::shared_ptr<RunStop> stop;
  std::optional<Result<RunReport>> report;
  std::map<Offset, SeenRecord> all;
  Offset end;

 private:
  std::mt19937_64 random_;
  std::map<int64_t, int32_t> sequences_;
  std::map<int64_t, std::pair<Bytes, Offset>> last_;
};

// Cleans what is left to be cleaned, and looks whether it is.
void CleanToTheEnd(LogRun& t, const std::string& where) {
  t.Begin(Offset(0));
  t.world.RunAll();
  ASSERT_TRUE(t.report.has_value()) << where;
  ASSERT_TRUE(*t.report) << where << ": " << t.report->error();
  t.Check(where);
}

TEST(LogCrash, AfterEveryStepOfARunLosesNothing) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    bool goes_on = true;
    int steps = 0;
    for (; goes_on; ++steps) {
      std::string where = "seed " + std::to_string(seed) + " steps " + std::to_string(steps);
      LogRun t(seed);
      ASSERT_TRUE(t.Open());
      t.Fill();
      ASSERT_GT(t.view->Closed().size(), 3u);
      t.Begin(Offset(0));
      for (int i = 0; goes_on && i < steps; ++i) goes_on = t.world.RunOne();
      t.Crash();
      ASSERT_TRUE(t.Open()) << where;
      t.Check(where);
      t.world.wall_ms += 1000;
      CleanToTheEnd(t, where);
      t.Crash();
      ASSERT_TRUE(t.Open()) << where;
      t.Check(where);
      if (testing::Test::HasFailure()) return;
    }
    EXPECT_GT(steps, 50);
  }
}

TEST(LogCrash, AfterEveryStepOfARecoveryFromOneLosesNothing) {
  for (int run_steps = 0; run_steps < 400; run_steps += 7) {
    bool is_open = false;
    for (int steps = 1; !is_open; ++steps) {
      std::string where =
          "run steps " + std::to_string(run_steps) + " steps " + std::to_string(steps);
      LogRun t(5);
      ASSERT_TRUE(t.Open());
      t.Fill();
      t.Begin(Offset(0));
      for (int i = 0; i < run_steps; ++i) t.world.RunOne();
      t.Crash();
      is_open = t.Open(steps);
      t.Crash();
      ASSERT_TRUE(t.Open()) << where;
      t.Check(where);
      if (testing::Test::HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace weir::compaction
