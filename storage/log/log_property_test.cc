// SPDX-License-Identifier: Apache-2.0
// A log against a vector of batches: random appends, cuts, deletions, retention, replacements,
// clean stops and crashes; after each, both hold the same.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "storage/log/log_fixture.h"

namespace weir::log {
namespace {

struct ModelBatch {
  int64_t base = 0;
  int count = 0;
  int epoch = 0;
  int64_t time_ms = 0;
  std::string value;

  int64_t end() const { return base + count; }
};

using Records = std::vector<std::pair<int64_t, std::string>>;

// The dumb model: what a log of everything durable holds.
class Model {
 public:
  void Append(ModelBatch batch) {
    batches_.push_back(batch);
    end_ = batch.end();
  }
  // At the boundary at or below.
  void Truncate(int64_t end) {
    while (!batches_.empty() && batches_.back().end() > end) {
      end = std::min(end, batches_.back().base);
      batches_.pop_back();
    }
    end_ = std::min(end_, std::max(end, start_));
  }
  void DeleteBefore(int64_t start) {
    start_ = std::max(start_, start);
    std::erase_if(batches_, [&](const ModelBatch& batch) { return batch.end() <= start_; });
  }
  void Drop(int64_t base) {
    std::erase_if(batches_, [&](const ModelBatch& batch) { return batch.base == base; });
  }
  Records All() const {
    Records records;
    for (const ModelBatch& batch : batches_) {
      for (int i = 0; i < batch.count; ++i) {
        if (batch.base + i >= start_) records.emplace_back(batch.base + i, batch.value);
      }
    }
    return records;
  }
  std::optional<int64_t> FirstAt(int64_t time_ms) const {
    for (const ModelBatch& batch : batches_) {
      if (batch.time_ms >= time_ms) return std::max(batch.base, start_);
    }
    return std::nullopt;
  }
  int64_t start() const { return start_; }
  int64_t end() const { return end_; }
  const std::vector<ModelBatch>& batches() const { return batches_; }

 private:
  int64_t start_ = 0;
  int64_t end_ = 0;
  std::vector<ModelBatch> batches_;
};

class Play {
 public:
  Play(uint64_t seed, Flush flush)
      : random_(static_cast<unsigned>(seed)), t_(DrawOptions(), seed, flush) {
    t_.world.wall_now = WallTime{1'000'000};
    t_.Open();
  }

  void Step() {
    switch (random_() % 14) {
      case 0:
        return Truncate();
      case 1:
        return DeleteBefore();
      case 2:
        return Upkeep();
      case 3:
        return Replace();
      case 4:
        t_.Close();
        return t_.Open();
      case 5:
        t_.Crash();
        return t_.Open();
      case 6:
        t_.world.Pass(std::chrono::seconds(random_() % 90));
        return;
      default:
        return Append();
    }
  }

  void Check(const std::string& where) {
    ASSERT_TRUE(t_.log->damages().empty()) << where << t_.log->damages()[0].what;
    ASSERT_EQ(t_.log->start().value(), model_.start()) << where;
    ASSERT_EQ(t_.log->end().value(), model_.end()) << where;
    ASSERT_EQ(t_.Records(), model_.All()) << where;
    const auto at = static_cast<int64_t>(1'000'000 + random_() % 400'000);
    auto found = t_.OffsetForTime(at);
    auto expected = model_.FirstAt(at);
    ASSERT_EQ(found.has_value(), expected.has_value()) << where << " at " << at;
    if (found) {
      ASSERT_EQ(found->offset.value(), *expected) << where;
    }
    for (const ModelBatch& batch : model_.batches()) {
      ASSERT_EQ(t_.log->epochs().EpochAt(Offset(std::max(batch.base, model_.start()))),
                LeaderEpoch(batch.epoch))
          << where;
    }
  }

 private:
  LogOptions DrawOptions() {
    LogOptions options;
    options.roll.bytes = 300 + random_() % 3000;
    options.roll.ms = 60'000;
    options.roll.jitter_ms = 20'000;
    options.index_interval_bytes = 100 + random_() % 400;
    options.recovery_bytes = 500 + random_() % 3000;
    // Replacing leaves gaps.
    options.compacted = true;
    if (random_() % 2 == 0) options.retention.ms = 200'000;
    if (random_() % 2 == 0) options.retention.bytes = 4000;
    return options;
  }

  void Append() {
    for (size_t i = 0; i <= random_() % 6; ++i) {
      ModelBatch batch;
      batch.base = t_.log->end().value();
      batch.count = static_cast<int>(1 + random_() % 4);
      batch.epoch = epoch_ += static_cast<int>(random_() % 8 == 0);
      batch.time_ms = t_.world.wall_now.ms - static_cast<int64_t>(random_() % 5000);
      batch.value = std::to_string(++written_);
      records::BatchBuilder builder;
      for (int k = 0; k < batch.count; ++k) {
        builder.Add(WallTime{batch.time_ms}, std::nullopt, batch.value);
      }
      ASSERT_TRUE(t_.Append(builder.Build(), batch.epoch));
      model_.Append(batch);
    }
    t_.world.RunAll();
  }
  void Truncate() {
    if (model_.end() == model_.start()) return;
    const auto span = static_cast<uint64_t>(model_.end() - model_.start());
    // Mostly a little.
    const uint64_t cut =
        random_() % 4 == 0 ? random_() % (span + 1) : random_() % std::min<uint64_t>(span + 1, 6);
    const int64_t end = model_.end() - static_cast<int64_t>(cut);
    ASSERT_TRUE(t_.Truncate(end));
    model_.Truncate(end);
    ++epoch_;
  }
  void DeleteBefore() {
    const auto span = static_cast<uint64_t>(model_.end() - model_.start());
    const int64_t start = model_.start() + static_cast<int64_t>(random_() % (span / 3 + 1));
    ASSERT_TRUE(t_.DeleteBefore(start));
    model_.DeleteBefore(start);
  }
  // What goes is the log's own matter; that it may go, retention_test says.
  void Upkeep() {
    t_.Upkeep(model_.end());
    ASSERT_GE(t_.log->start().value(), model_.start());
    model_.DeleteBefore(t_.log->start().value());
  }
  void Replace() {
    std::vector<ClosedSegment> closed = t_.log->ClosedSegments();
    if (closed.size() < 2) return;
    const size_t first = random_() % (closed.size() - 1);
    const size_t last = first + random_() % std::min<size_t>(3, closed.size() - first);
    std::vector<Offset> bases;
    for (size_t i = first; i <= last; ++i) bases.push_back(closed[i].base);
    std::string cleaned;
    std::vector<int64_t> dropped;
    for (const ModelBatch& batch : model_.batches()) {
      if (batch.base < closed[first].base.value() || batch.end() > closed[last].end.value())
        continue;
      // One that the log's start cuts in two stays.
      const bool stays = random_() % 2 == 0 || batch.base < model_.start();
      if (!stays) {
        dropped.push_back(batch.base);
        continue;
      }
      const int64_t from = std::max(batch.base, model_.start());
      cleaned += t_.Read(from, batch.end(), 1)->ToString();
    }
    t_.Put(t_.log->CleanedPath(bases.front()), cleaned);
    auto replaced = t_.Replace(bases);
    // Where the recovery point lags behind, later is soon enough.
    if (!replaced) {
      ASSERT_EQ(replaced.error().kind, Error::Kind::kUnavailable) << replaced.error();
      return;
    }
    for (int64_t base : dropped) model_.Drop(base);
  }

  std::mt19937 random_;
  LogFixture t_;
  Model model_;
  int epoch_ = 1;
  int written_ = 0;
};

void RunSeeds(Flush flush) {
  for (uint64_t seed = 1; seed <= 120; ++seed) {
    Play play(seed, flush);
    for (int step = 0; step < 120; ++step) {
      play.Step();
      if (step % 3 == 0)
        play.Check("seed " + std::to_string(seed) + " step " + std::to_string(step) + " ");
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

TEST(LogProperty, HoldsWhatAVectorOfBatchesHolds) { RunSeeds(Flush::kFiles); }

TEST(LogProperty, HoldsTheSameOverAJournal) { RunSeeds(Flush::kJournal); }

}  // namespace
}  // namespace weir::log
