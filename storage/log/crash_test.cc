// SPDX-License-Identifier: Apache-2.0
// The machine stops after every single step of a small piece of work, many times over: what was
// told to be durable is there, what is there is a prefix of what was appended, deleted records do
// not come back, and the log goes on. Recovery stops after every step as well.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "storage/log/log_fixture.h"

namespace weir::log {
namespace {

using Records = std::vector<std::pair<int64_t, std::string>>;

// What may be found after a crash.
struct Model {
  // Of what was appended, by offset; the last may be missing from `durable` on.
  Records records;
  int64_t durable = 0;
  // A cut to here may have happened, or not.
  std::optional<int64_t> cut;
  // The log begins at `start` for certain, and at `start_most` at the latest.
  int64_t start = 0;
  int64_t start_most = 0;
};

// One piece of work, which stops after so many steps of the world.
class Work {
 public:
  Work(LogFixture& t, int steps) : t_(t), left_(steps) {}

  bool has_stopped() const { return left_ == 0; }
  const Model& model() const { return model_; }

  void Append(int count, int epoch) {
    if (has_stopped()) return;
    for (int i = 0; i < count; ++i) {
      const int64_t offset = t_.log->end().value();
      std::string value = "value " + std::to_string(offset) + " of epoch " + std::to_string(epoch);
      records::BatchBuilder builder;
      builder.Add(t_.world.wall_now, std::nullopt, value);
      builder.SetProducer(ProducerId(7), ProducerEpoch(0), sequence_++);
      if (t_.Append(builder.Build(), epoch)) model_.records.emplace_back(offset, value);
    }
    Run();
  }
  void Truncate(int64_t end) {
    if (has_stopped()) return;
    model_.cut = end;
    model_.durable = std::min(model_.durable, end);
    t_.log->Truncate(Offset(end), [](Result<void>) {});
    Run();
    if (has_stopped()) return;
    model_.cut.reset();
    std::erase_if(model_.records, [&](const auto& record) { return record.first >= end; });
    sequence_ = static_cast<int32_t>(end);
    model_.durable = end;
  }
  void DeleteBefore(int64_t start) {
    if (has_stopped()) return;
    model_.start_most = start;
    bool is_told = false;
    t_.log->DeleteBefore(Offset(start), [&](Result<void> done) { is_told = done.has_value(); });
    Run();
    if (is_told) model_.start = start;
  }
  // Retention takes what it takes.
  void Upkeep(Duration later) {
    if (has_stopped()) return;
    t_.world.Pass(later);
    model_.start_most = t_.log->written().value();
    t_.log->Upkeep(t_.log->written());
    Run();
    if (!has_stopped()) model_.start = model_.start_most = t_.log->start().value();
  }
  void Close() {
    if (has_stopped()) return;
    t_.log->Close([](Result<void>) {});
    Run();
    if (has_stopped()) return;
    t_.log.reset();
    model_.durable = model_.records.empty() ? 0 : model_.records.back().first + 1;
  }
  void Open() {
    if (has_stopped()) return;
    t_.StartOpening([&](auto opened) {
      ASSERT_TRUE(opened) << opened.error();
      t_.log = std::move(*opened);
    });
    Run();
  }

 private:
  void Run() {
    while (left_ > 0 && t_.world.RunOne()) --left_;
    if (t_.log) model_.durable = std::max(model_.durable, t_.log->durable().value());
  }

  LogFixture& t_;
  Model model_;
  int left_;
  int32_t sequence_ = 0;
};

void CheckFound(LogFixture& t, const Model& model, const std::string& where) {
  EXPECT_TRUE(t.log->damages().empty()) << where << ": " << t.log->damages().front().what;
  const int64_t start = t.log->start().value();
  ASSERT_GE(start, model.start) << where;
  ASSERT_LE(start, model.start_most) << where;
  Records found = t.Records();
  Records expected;
  for (const auto& record : model.records) {
    if (record.first >= start && record.first < t.log->end().value()) expected.push_back(record);
  }
  ASSERT_EQ(found, expected) << where;
  const int64_t end = t.log->end().value();
  const int64_t least =
      std::max(start, model.cut ? std::min(model.durable, *model.cut) : model.durable);
  ASSERT_GE(end, least) << where;
  const int64_t most = model.records.empty() ? start : model.records.back().first + 1;
  ASSERT_LE(end, std::max(start, most)) << where;
  EXPECT_EQ(t.log->durable(), t.log->end()) << where;
  // The same producer goes on where the log ends, and is known if it wrote anything that is there.
  if (end > start) {
    auto again = t.Append(BatchFrom(7, 0, static_cast<int32_t>(end - 1)), 99);
    EXPECT_TRUE(again && again->duplicate) << where;
  }
}

void CheckGoesOn(LogFixture& t, const std::string& where) {
  Records before = t.Records();
  const int64_t end = t.log->end().value();
  ASSERT_TRUE(t.Append(BatchOf("after"), 99)) << where;
  t.world.RunAll();
  before.emplace_back(end, "after");
  ASSERT_EQ(t.Records(), before) << where;
  // Without flush, only a clean stop makes it durable.
  if (!t.options.flush) t.Close();
  t.Crash();
  ASSERT_TRUE(t.TryOpen()) << where;
  EXPECT_EQ(t.Records(), before) << where;
}

// Recovery itself stops after so many steps, and again after some more.
void OpenInterrupted(LogFixture& t, int steps) {
  for (int round = 0; round < 2; ++round) {
    t.StartOpening([](auto) {});
    for (int i = 0; i < steps + round * 3 && t.world.RunOne(); ++i) {
    }
    t.Crash();
  }
}

using Script = std::function<void(Work&)>;

// Stops the script after each of its steps; returns how many it has.
int CrashEverywhere(const LogOptions& options, Flush flush, const Script& script, uint64_t seeds) {
  for (int steps = 1;; ++steps) {
    bool is_over = false;
    for (uint64_t seed = 1; seed <= seeds; ++seed) {
      LogFixture t(options, seed, flush);
      t.world.wall_now = WallTime{1'000'000};
      t.Open();
      Work work(t, steps);
      script(work);
      is_over = !work.has_stopped();
      t.Crash();
      const std::string where = "steps " + std::to_string(steps) + " seed " + std::to_string(seed);
      OpenInterrupted(t, static_cast<int>(seed) * 5 + steps % 7);
      auto opened = t.TryOpen();
      EXPECT_TRUE(opened) << where << ": " << opened.error();
      if (!opened) return 0;
      CheckFound(t, work.model(), where);
      if (testing::Test::HasFailure()) return 0;
      CheckGoesOn(t, where);
      if (testing::Test::HasFailure()) return 0;
    }
    if (is_over) return steps;
  }
}

LogOptions Options(uint64_t segment_bytes, bool flush = true) {
  LogOptions options;
  options.roll.bytes = segment_bytes;
  options.flush = flush;
  options.topic = TopicId::Parse("AAAAAAAAAAAAAAAAAAAAAQ");
  return options;
}

// A log that syncs its own files, and one over a journal.
class Crash : public testing::TestWithParam<Flush> {};

INSTANTIATE_TEST_SUITE_P(Both, Crash, testing::Values(Flush::kFiles, Flush::kJournal),
                         [](const auto& info) {
                           return info.param == Flush::kFiles ? "Files" : "Journal";
                         });

TEST_P(Crash, AnywhereInAppendsCutsAndACleanStop) {
  for (uint64_t segment_bytes : {250ull, 1ull << 30}) {
    LogOptions options = Options(segment_bytes);
    int steps = CrashEverywhere(
        options, GetParam(),
        [](Work& work) {
          work.Append(3, 1);
          work.Append(5, 4);
          work.Truncate(4);
          work.Append(6, 8);
          work.Close();
          work.Open();
          work.Append(2, 9);
          work.Truncate(1);
          work.Append(1, 10);
        },
        6);
    EXPECT_GT(steps, 60);
  }
}

TEST_P(Crash, AnywhereWhileTheRecoveryPointMoves) {
  for (bool flush : {true, false}) {
    LogOptions options = Options(1200, flush);
    options.recovery_bytes = 300;
    int steps = CrashEverywhere(
        options, GetParam(),
        [](Work& work) {
          for (int i = 0; i < 8; ++i) work.Append(2, 1 + i / 3);
          work.Truncate(9);
          for (int i = 0; i < 5; ++i) work.Append(2, 5);
        },
        6);
    EXPECT_GT(steps, 60);
  }
}

TEST_P(Crash, AnywhereInDeletionsByOffset) {
  LogOptions options = Options(250);
  int steps = CrashEverywhere(
      options, GetParam(),
      [](Work& work) {
        work.Append(7, 1);
        work.DeleteBefore(3);
        work.Append(2, 2);
        work.DeleteBefore(8);
        work.Truncate(8);
        work.Append(3, 3);
        work.DeleteBefore(11);
        work.Append(1, 4);
      },
      6);
  EXPECT_GT(steps, 60);
}

TEST_P(Crash, AnywhereInRetention) {
  LogOptions options = Options(250);
  options.retention.ms = 1000;
  options.file_delete_delay = std::chrono::seconds(1);
  int steps = CrashEverywhere(
      options, GetParam(),
      [](Work& work) {
        work.Append(7, 1);
        work.Upkeep(std::chrono::milliseconds(1500));
        work.Append(5, 2);
        work.Upkeep(std::chrono::milliseconds(500));
        work.Append(1, 2);
        work.Upkeep(std::chrono::milliseconds(900));
        work.Append(1, 2);
      },
      6);
  EXPECT_GT(steps, 60);
}

// Every second batch of the closed segments, in the place of all.
TEST_P(Crash, AnywhereInAReplacementLeavesTheOldOrTheNew) {
  for (int steps = 1;; ++steps) {
    bool is_over = false;
    for (uint64_t seed = 1; seed <= 6; ++seed) {
      const std::string where = "steps " + std::to_string(steps) + " seed " + std::to_string(seed);
      LogFixture t(Options(250), seed, GetParam());
      t.Open();
      Records before, after;
      std::string cleaned;
      for (int i = 0; i < 14; ++i) {
        std::string value = "value " + std::to_string(i);
        ASSERT_TRUE(t.Append(BatchOf(value)));
        t.world.RunAll();
        before.emplace_back(i, value);
      }
      std::vector<Offset> bases;
      for (const ClosedSegment& segment : t.log->ClosedSegments()) bases.push_back(segment.base);
      ASSERT_GT(bases.size(), 2u);
      bases.erase(bases.begin());
      bases.pop_back();
      const int64_t from = bases.front().value();
      const int64_t to = t.log->ClosedSegments().back().base.value();
      for (int64_t i = 0; i < 14; ++i) {
        if (i >= from && i < to && i % 2 == 0) continue;
        after.push_back(before[static_cast<size_t>(i)]);
        if (i >= from && i < to) cleaned += t.Read(i, i + 1)->ToString();
      }
      t.Put(t.log->CleanedPath(bases.front()), cleaned);
      bool is_told = false;
      t.log->Replace(bases, [&](Result<void> done) { is_told = done.has_value(); });
      int left = steps;
      while (left > 0 && t.world.RunOne()) --left;
      is_over = left > 0;
      t.Crash();
      OpenInterrupted(t, static_cast<int>(seed) * 5 + steps % 7);
      t.Open();
      Records found = t.Records();
      if (is_told) {
        ASSERT_EQ(found, after) << where;
      }
      ASSERT_TRUE(found == before || found == after) << where;
      for (const std::string& path : t.world.Paths()) {
        EXPECT_FALSE(path.ends_with(".swap") || path.ends_with(".cleaned")) << where << path;
      }
      CheckGoesOn(t, where);
      if (testing::Test::HasFailure()) return;
    }
    if (is_over) {
      EXPECT_GT(steps, 15);
      return;
    }
  }
}

TEST_P(Crash, WithoutFlushLeavesAPrefix) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    LogFixture t(Options(500, false), seed, GetParam());
    t.Open();
    Work work(t, 1 << 20);
    for (int i = 0; i < 12; ++i) work.Append(1, 1);
    Model model = work.model();
    t.Crash();
    ASSERT_TRUE(t.TryOpen());
    CheckFound(t, model, "seed " + std::to_string(seed));
    CheckGoesOn(t, "seed " + std::to_string(seed));
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace weir::log
