// SPDX-License-Identifier: Apache-2.0
// The workloads on clusters whose processes die, are cut off and stand still: what they were told
// can be explained.
#include <gtest/gtest.h>

#include <memory>

#include "tests/checker/everything.h"
#include "tests/checker/liveness.h"
#include "tests/workload/administering.h"
#include "tests/workload/consuming.h"
#include "tests/workload/producing.h"
#include "tests/workload/recreating.h"

namespace weir::workload {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Fixture {
  explicit Fixture(uint64_t seed) : cluster(seed, {}), everything(cluster) {
    cluster.world().Observe([this] { everything.Look(); });
    EXPECT_TRUE(cluster.Boot());
  }

  void Run(Duration time) { cluster.world().RunFor(time); }
  void Recover() {
    cluster.world().network().HealAll();
    for (const std::string& words : checker::RecoverWithin(cluster, seconds(10), histories)) {
      ADD_FAILURE() << words;
    }
  }
  void ExpectStateHolds() {
    everything.LookInFull();
    for (const std::string& words : everything.findings().all()) ADD_FAILURE() << words;
  }
  void KillAndRestart(const std::string& who) {
    auto name = cluster.Resolve(who);
    if (!name) return;
    cluster.Kill(*name);
    Run(milliseconds(700));
    cluster.Restart(*name);
    Run(milliseconds(800));
  }
  // The active controller is alone on its side, and does not know it yet.
  void CutOffActiveController() {
    auto name = cluster.Resolve("active controller");
    if (!name) return;
    for (const std::string& other : cluster.controller_names()) {
      if (other != *name) cluster.world().network().Cut(*name, other, sim::CutKind::kStalls);
    }
    Run(milliseconds(1500));
    cluster.world().network().HealAll();
    Run(milliseconds(700));
  }

  // It wakes to find that another leads, and has questions in its hands.
  void PauseActiveController() {
    auto name = cluster.Resolve("active controller");
    if (!name) return;
    cluster.world().process(*name).Pause();
    Run(milliseconds(1400));
    cluster.world().process(*name).Resume();
    Run(milliseconds(700));
  }

  cluster::Cluster cluster;
  checker::Everything everything;
  std::map<std::string, checker::History> histories;
};

TEST(Administering, CanBeExplainedWhileControllersDie) {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    Fixture f(seed);
    checker::AdminHistory history;
    Administering administering(f.cluster, {}, history);
    administering.Begin();
    for (int i = 0; i < 3; ++i) {
      f.Run(milliseconds(500));
      f.KillAndRestart("active controller");
    }
    administering.End();
    ASSERT_TRUE(f.cluster.world().RunUntil([&] { return administering.idle(); }, seconds(30)));
    checker::Judgement judgement = history.Judge();
    EXPECT_EQ(judgement.verdict, checker::Verdict::kHolds)
        << "seed " << seed << ": " << judgement.words;
    EXPECT_GT(history.size(), 150u);
    f.ExpectStateHolds();
  }
}

TEST(Administering, CanBeExplainedWhileControllersAreCutOff) {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    Fixture f(seed);
    checker::AdminHistory history;
    Administering administering(f.cluster, {}, history);
    administering.Begin();
    for (int i = 0; i < 3; ++i) {
      f.Run(milliseconds(300));
      f.CutOffActiveController();
    }
    administering.End();
    ASSERT_TRUE(f.cluster.world().RunUntil([&] { return administering.idle(); }, seconds(30)));
    checker::Judgement judgement = history.Judge();
    EXPECT_EQ(judgement.verdict, checker::Verdict::kHolds)
        << "seed " << seed << ": " << judgement.words;
    f.ExpectStateHolds();
  }
}

TEST(Administering, CanBeExplainedWhileControllersStandStill) {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    Fixture f(seed);
    checker::AdminHistory history;
    Administering administering(f.cluster, {}, history);
    administering.Begin();
    for (int i = 0; i < 3; ++i) {
      f.Run(milliseconds(300));
      f.PauseActiveController();
    }
    administering.End();
    ASSERT_TRUE(f.cluster.world().RunUntil([&] { return administering.idle(); }, seconds(30)));
    checker::Judgement judgement = history.Judge();
    EXPECT_EQ(judgement.verdict, checker::Verdict::kHolds)
        << "seed " << seed << ": " << judgement.words;
    f.ExpectStateHolds();
  }
}

TEST(Consuming, SeesAllInOrderWhileNodesDie) {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    Fixture f(seed);
    ASSERT_TRUE(f.cluster.CreateTopic("orders", 3, 3, {{"min.insync.replicas", "2"}}));
    checker::History& history = f.histories["orders"];
    Producing producing(f.cluster, f.cluster.routing(), {.topic = "orders"}, history);
    Consuming first(f.cluster, f.cluster.routing(), {.topic = "orders", .name = "first"}, history);
    Consuming second(f.cluster, f.cluster.routing(), {.topic = "orders", .name = "second"},
                     history);
    producing.Begin();
    first.Begin();
    f.Run(milliseconds(500));
    second.Begin();
    for (int i = 0; i < 3; ++i) f.KillAndRestart("busiest node");
    producing.End();
    f.Recover();
    ASSERT_TRUE(f.cluster.world().RunUntil(
        [&] {
          return producing.idle() && first.records() >= history.acknowledged() &&
                 second.records() >= history.acknowledged();
        },
        seconds(30)))
        << "seed " << seed << ": " << history.acknowledged() << " acknowledged, " << first.records()
        << " and " << second.records() << " read";
    EXPECT_EQ(first.failure() + second.failure(), "");
    first.End();
    second.End();
    for (const std::string& words : history.Judge()) {
      // Nobody has read it back in the end: what was acknowledged is not found.
      if (words.find("and is lost") == std::string::npos) {
        ADD_FAILURE() << "seed " << seed << ": " << words;
      }
    }
    f.ExpectStateHolds();
  }
}

TEST(Producing, KeepsItsOrderWithFewerAcknowledgements) {
  for (int acks : {0, 1}) {
    for (uint64_t seed = 1; seed <= 2; ++seed) {
      Fixture f(seed);
      ASSERT_TRUE(f.cluster.CreateTopic("orders", 3, 3, {{"min.insync.replicas", "2"}}));
      checker::History& history = f.histories["orders"];
      history.AllowLoss();
      Producing producing(f.cluster, f.cluster.routing(), {.topic = "orders", .acks = acks},
                          history);
      Consuming consuming(f.cluster, f.cluster.routing(), {.topic = "orders"}, history);
      producing.Begin();
      consuming.Begin();
      for (int i = 0; i < 3; ++i) f.KillAndRestart("busiest node");
      producing.End();
      f.Recover();
      f.cluster.world().RunUntil([&] { return producing.idle(); }, seconds(30));
      f.Run(seconds(1));
      EXPECT_EQ(consuming.failure(), "");
      EXPECT_GT(consuming.records(), history.sent() / 2);
      consuming.End();
      for (const std::string& words : history.Judge()) {
        ADD_FAILURE() << "acks " << acks << ", seed " << seed << ": " << words;
      }
      f.ExpectStateHolds();
    }
  }
}

TEST(Recreating, ServesNothingOfTheTopicsBefore) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    Fixture f(seed);
    Recreating recreating(f.cluster, f.cluster.routing(), {});
    recreating.Begin();
    for (int i = 0; i < 3; ++i) {
      f.KillAndRestart("busiest node");
      f.KillAndRestart("active controller");
    }
    f.Run(seconds(3));
    recreating.End();
    ASSERT_TRUE(f.cluster.world().RunUntil([&] { return recreating.idle(); }, seconds(60)));
    EXPECT_GT(recreating.judged(), 2);
    for (const std::string& words : recreating.wrong()) {
      ADD_FAILURE() << "seed " << seed << ": " << words;
    }
    f.ExpectStateHolds();
  }
}

}  // namespace
}  // namespace weir::workload
