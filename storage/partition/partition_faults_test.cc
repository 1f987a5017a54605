// SPDX-License-Identifier: Apache-2.0
// Random faults against three replicas: what was acknowledged by all stays, and all agree.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "storage/partition/cluster_fixture.h"
#include "tests/sim/faults.h"

namespace weir::partition {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Trial {
 public:
  Trial(uint64_t seed, bool flush) : cluster_({.seed = seed, .flush = flush}), flush_(flush) {}

  void Faults(Duration time) {
    sim::FaultBudget budget;
    for (int id = 1; id <= 3; ++id) budget.processes.push_back(cluster_.NameOf(id));
    budget.time = time;
    budget.gap_min = milliseconds(100);
    budget.gap_max = seconds(2);
    budget.length_max = seconds(4);
    if (!flush_) std::erase(budget.kinds, sim::FaultKind::kPowerLoss);
    sim::ScheduleFaults(
        cluster_.world(), sim::DrawFaults(cluster_.world().chance(), budget),
        [this](sim::Process& process) { cluster_.Start(process.name().back() - '0'); });
    cluster_.WatchFor(time + seconds(1));
    cluster_.world().network().SetStreamBreaks(0.001);
    Produce(time);
    MoveLeader(time);
    cluster_.world().RunFor(time + seconds(1));
    cluster_.world().network().SetStreamBreaks(0);
  }

  // Balances, now and then, to anyone who is in sync.
  void MoveLeader(Duration time) {
    const auto& record = cluster_.record();
    auto next = record.isr.begin();
    std::advance(next, cluster_.world().chance().Below(record.isr.size()));
    if (record.replicas.at(*next).active) cluster_.Lead(next->value());
    const Duration pause = cluster_.world().chance().Between(milliseconds(50), seconds(4));
    if (time > pause) {
      cluster_.world().After(pause, [this, time, pause] { MoveLeader(time - pause); });
    }
  }

  // Whoever believes to lead is given records.
  void Produce(Duration time) {
    for (int id = 1; id <= 3; ++id) {
      if (!cluster_.is_up(id) || !cluster_.node(id).partition.leads()) continue;
      appends_.push_back({std::to_string(appends_.size()), nullptr});
      appends_.back().answer = cluster_.Append(id, appends_.back().value, -1, seconds(5));
    }
    const Duration pause = cluster_.world().chance().Between(milliseconds(1), milliseconds(40));
    if (time > pause) {
      cluster_.world().After(pause, [this, time, pause] { Produce(time - pause); });
    }
  }

  void Check() {
    ASSERT_TRUE(cluster_.Settle());
    const std::string log = cluster_.LogOf(1);
    EXPECT_EQ(cluster_.LogOf(2), log);
    EXPECT_EQ(cluster_.LogOf(3), log);
    const auto values = PartitionCluster::ValuesOf(Bytes::FromString(log));
    const std::set<std::string> found(values.begin(), values.end());
    EXPECT_EQ(found.size(), values.size()) << "a record is there twice";
    for (const Append& append : appends_) {
      if (!append.answer->has_value() || !(*append.answer)->has_value()) continue;
      ++acknowledged;
      const auto at = static_cast<size_t>((**append.answer)->first.value());
      ASSERT_LT(at, values.size());
      EXPECT_EQ(values[at], append.value);
    }
    appended = appends_.size();
  }

  uint64_t trace() { return cluster_.world().TraceHash(); }

  size_t acknowledged = 0;
  size_t appended = 0;

 private:
  struct Append {
    std::string value;
    PartitionCluster::Appending answer;
  };
  PartitionCluster cluster_;
  const bool flush_;
  std::vector<Append> appends_;
};

void RunSeeds(uint64_t first, uint64_t count, bool flush) {
  size_t acknowledged = 0;
  size_t appended = 0;
  for (uint64_t seed = first; seed < first + count; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Trial run(seed, flush);
    run.Faults(seconds(20));
    run.Check();
    ASSERT_FALSE(testing::Test::HasFailure());
    acknowledged += run.acknowledged;
    appended += run.appended;
  }
  // The world was neither idle nor kind.
  EXPECT_GT(acknowledged, 300 * count);
  EXPECT_LT(acknowledged, appended);
}

TEST(PartitionFaults, NothingAcknowledgedIsLostWithFlush) { RunSeeds(1, 20, true); }

TEST(PartitionFaults, NothingAcknowledgedIsLostWithCacheWhileMachinesKeepTheirPower) {
  RunSeeds(101, 20, false);
}

TEST(PartitionFaults, TheSameSeedGivesTheSameRun) {
  auto trace_of = [](uint64_t seed) {
    Trial run(seed, true);
    run.Faults(seconds(5));
    run.Check();
    return run.trace();
  };
  const uint64_t once = trace_of(7);
  EXPECT_EQ(trace_of(7), once);
  EXPECT_NE(trace_of(8), once);
}

}  // namespace
}  // namespace weir::partition
