// SPDX-License-Identifier: Apache-2.0
// A log in memory that a run cleans through a disk in memory, and a world whose time a test moves.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "storage/compaction/core/core_fixture.h"
#include "storage/compaction/driver/cleanable_log.h"
#include "storage/log/memory_disk.h"

namespace weir::compaction {

class TimedWorld : public log::MemoryWorld {
 public:
  explicit TimedWorld(uint64_t seed = 1) : MemoryWorld(seed) {}

  Instant Now() const override { return now; }
  WallTime WallNow() const override { return {wall_ms}; }
  TimerId RunAt(Instant when, Task task) override {
    timers_.emplace(std::pair(when, ++last_timer_), std::move(task));
    return last_timer_;
  }
  void Cancel(TimerId timer) override {
    std::erase_if(timers_, [&](const auto& entry) { return entry.first.second == timer; });
  }
  // Runs what is to be run until then.
  void Pass(Duration duration) {
    Instant until = now + duration;
    RunAll();
    while (!timers_.empty() && timers_.begin()->first.first <= until) {
      auto timer = timers_.extract(timers_.begin());
      now = std::max(now, timer.key().first);
      timer.mapped()();
      RunAll();
    }
    now = until;
  }

  Instant now;
  int64_t wall_ms = 1'000'000;

 private:
  std::map<std::pair<Instant, TimerId>, Task> timers_;
  TimerId last_timer_ = 0;
};

class FakeLog : public CleanableLog {
 public:
  struct Segment {
    Offset base;
    std::string bytes;
  };

  // Makes the folder that what is cleaned lies in.
  explicit FakeLog(TimedWorld& world) : world_(world) {
    world_.MakeFolder("log", [](Result<void>) {});
    world_.SyncFolder("", [](Result<void>) {});
    world_.RunAll();
  }

  void AppendBatch(const Bytes& batch) {
    auto header = records::ParseBatch(batch.view());
    ASSERT_TRUE(header);
    ASSERT_EQ(header->base_offset, end_);
    segments.back().bytes += batch.view();
    end_ = header->end_offset();
  }
  void Append(const std::vector<KeyValue>& records, int epoch = 1) {
    AppendBatch(BatchAt(end_, records, epoch));
  }
  void Roll() {
    if (!segments.back().bytes.empty()) segments.push_back({end_, ""});
  }
  BatchLog Batches() const {
    BatchLog log{.batches = {}, .end = end_};
    for (const Segment& segment : segments) {
      records::BatchRun run(Bytes::FromString(segment.bytes));
      auto batch = run.Next();
      for (; batch && *batch; batch = run.Next()) log.batches.push_back((*batch)->bytes);
      EXPECT_TRUE(batch) << batch.error().message;
    }
    return log;
  }

  Offset start() const override { return segments.front().base; }
  Offset end() const override { return end_; }
  Offset stable_end() const override { return std::min(stable, end_); }
  std::vector<ClosedSegment> Closed() const override {
    std::vector<ClosedSegment> closed;
    for (size_t i = 0; i + 1 < segments.size(); ++i) closed.push_back(ClosedAt(i));
    return closed;
  }
  ProducerBatches Producers() const override { return producers; }

  void Read(Offset from, Offset limit, size_t max_bytes,
            Callback<void(Result<Bytes>)> done) override {
    world_.Post([this, from, limit, max_bytes, done = std::move(done)]() mutable {
      Bytes found = Find(from, limit, max_bytes);
      bytes_read += found.size();
      done(std::move(found));
    });
  }
  std::string CleanedPath(Offset) const override { return "log/cleaned"; }
  void Replace(std::vector<Offset> bases, Callback<void(Result<void>)> done) override {
    world_.Post([this, bases, done = std::move(done)]() mutable {
      ++replaced;
      std::string* file = world_.Find("log/cleaned");
      ASSERT_NE(file, nullptr);
      std::vector<Segment> now;
      size_t taken = 0;
      for (const Segment& segment : segments) {
        if (segment.base == bases.front()) now.push_back({segment.base, *file});
        if (std::ranges::count(bases, segment.base) == 0) {
          now.push_back(segment);
        } else {
          EXPECT_EQ(segment.base, bases[taken++]);
        }
      }
      EXPECT_EQ(taken, bases.size());
      segments = std::move(now);
      world_.Remove("log/cleaned", [](Result<void>) {});
      done({});
    });
  }

  // Oldest first; the last one is written.
  std::vector<Segment> segments = {{Offset(0), ""}};
  Offset stable = Offset::Max();
  ProducerBatches producers;
  uint64_t bytes_read = 0;
  int replaced = 0;

 private:
  ClosedSegment ClosedAt(size_t i) const {
    ClosedSegment closed{.base = segments[i].base,
                         .end = segments[i + 1].base,
                         .bytes = segments[i].bytes.size(),
                         .index_bytes = segments[i].bytes.size() / 512,
                         .first_timestamp = {-1},
                         .max_timestamp = {-1}};
    records::BatchRun run(Bytes::FromString(segments[i].bytes), records::BatchRun::Check::kHeaders);
    for (auto batch = run.Next(); batch && *batch; batch = run.Next()) {
      WallTime timestamp = (*batch)->header.max_timestamp;
      if (closed.first_timestamp.ms < 0) closed.first_timestamp = timestamp;
      closed.max_timestamp = std::max(closed.max_timestamp, timestamp);
    }
    return closed;
  }

  // What is no batch is returned as it lies there.
  Bytes Find(Offset from, Offset limit, size_t max_bytes) const {
    for (const Segment& segment : segments) {
      std::string_view rest = segment.bytes;
      size_t taken = 0;
      while (taken < rest.size()) {
        auto header = records::ParseHeader(rest.substr(taken));
        bool is_whole = header && header->size() <= rest.size() - taken;
        if (is_whole && taken == 0 && header->end_offset() <= from) {
          rest.remove_prefix(header->size());
          continue;
        }
        if (is_whole && header->base_offset >= limit) break;
        size_t next = is_whole ? header->size() : rest.size() - taken;
        if (taken > 0 && taken + next > max_bytes) break;
        taken += next;
      }
      if (taken > 0) return Bytes::FromString(std::string(rest.substr(0, taken)));
    }
    return {};
  }

  TimedWorld& world_;
  Offset end_;
};

}  // namespace weir::compaction
