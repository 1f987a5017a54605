// SPDX-License-Identifier: Apache-2.0
// On a whole cluster: it holds while processes die, and what is spoilt in the cluster, it finds.
#include "tests/checker/everything.h"

#include <gtest/gtest.h>

#include "tests/checker/history.h"
#include "tests/checker/liveness.h"
#include "tests/workload/producing.h"

namespace weir::checker {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Fixture {
  explicit Fixture(uint64_t seed) : cluster(seed, {}), everything(cluster) {
    cluster.world().Observe([this] { everything.Look(); });
    EXPECT_TRUE(cluster.Boot());
    EXPECT_TRUE(cluster.CreateTopic("orders", 4, 3, {{"min.insync.replicas", "2"}}));
    producing = std::make_unique<workload::Producing>(cluster, cluster.routing(),
                                                      workload::ProducingShape{.topic = "orders"},
                                                      histories["orders"]);
    producing->Begin();
    Run(seconds(1));
  }

  void Run(Duration time) { cluster.world().RunFor(time); }
  quorum::MemoryQuorumDisk& disk(int number) {
    return cluster.quorum_disk("controller-" + std::to_string(number));
  }
  std::string First() {
    everything.LookInFull();
    return everything.findings().empty() ? "" : everything.findings().all().front();
  }

  cluster::Cluster cluster;
  Everything everything;
  std::map<std::string, History> histories;
  std::unique_ptr<workload::Producing> producing;
};

TEST(Everything, HoldsWhileProcessesDie) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    Fixture f(seed);
    for (const char* who : {"busiest node", "active controller", "busiest node"}) {
      auto name = f.cluster.Resolve(who);
      ASSERT_TRUE(name);
      f.cluster.PowerLoss(*name);
      f.Run(milliseconds(1500));
      f.cluster.Restart(*name);
      f.Run(seconds(1));
    }
    f.producing->End();
    for (const std::string& words : RecoverWithin(f.cluster, seconds(10), f.histories)) {
      ADD_FAILURE() << words;
    }
    EXPECT_EQ(f.First(), "") << "seed " << seed;
  }
}

TEST(Everything, FindsAPromiseTakenBack) {
  Fixture f(1);
  f.disk(1).hard_state.term = Term(0);
  EXPECT_NE(f.First().find("and its disk now says 0"), std::string::npos) << f.First();
}

TEST(Everything, FindsOtherBytesInAQuorumLog) {
  Fixture f(1);
  ASSERT_FALSE(f.disk(2).entries.empty());
  f.disk(2).entries.front().payload = Bytes::FromString("spoilt");
  EXPECT_NE(f.First().find("its log differs from another"), std::string::npos) << f.First();
}

TEST(Everything, FindsWhatCommitsWithoutAMajority) {
  Fixture f(1);
  auto active = f.cluster.Resolve("active controller");
  ASSERT_TRUE(active);
  // The others say that they have saved what then is not there.
  std::map<std::string, size_t> sizes;
  for (const std::string& name : f.cluster.controller_names()) {
    if (name != *active) sizes[name] = f.cluster.quorum_disk(name).entries.size();
  }
  f.cluster.world().Observe([&] {
    f.everything.Look();
    for (auto& [name, size] : sizes) f.cluster.quorum_disk(name).entries.resize(size);
  });
  std::optional<bool> answered;
  f.cluster.admin().CreateTopic(
      [] {
        admin::v1::CreateTopicRequest request;
        request.set_topic("lost");
        request.set_partition_count(1);
        return request;
      }(),
      [&](const auto& answer) { answered = answer.has_value(); });
  f.cluster.world().RunUntil([&] { return answered.has_value(); }, milliseconds(50));
  EXPECT_EQ(answered, true);
  EXPECT_NE(f.First().find("is on 1 of 3 voters' disks"), std::string::npos) << f.First();
}

TEST(Liveness, FindsWhatDoesNotComeBack) {
  Fixture f(1);
  f.cluster.Kill("node-1");
  f.producing->End();
  f.Run(seconds(1));
  auto wrong = RecoverWithin(f.cluster, seconds(10), f.histories);
  ASSERT_EQ(wrong.size(), 1u);
  EXPECT_NE(wrong.front().find("not whole again 10 s after the last fault"), std::string::npos);
}

TEST(Liveness, FindsAPartitionThatTakesNoRecord) {
  Fixture f(1);
  f.producing->End();
  f.Run(seconds(1));
  for (const std::string& name : f.cluster.node_names()) {
    f.cluster.world().process(name).disk().Stall();
  }
  auto wrong = RecoverWithin(f.cluster, seconds(3), f.histories);
  EXPECT_EQ(wrong.size(), 4u) << "one for each partition";
}

}  // namespace
}  // namespace weir::checker
