// SPDX-License-Identifier: Apache-2.0
// The only disk of the node that leads: one that cannot be written to ends the node with words, and
// the others go on; one that is full is waited for. Nothing that was acknowledged is lost.
#include <gtest/gtest.h>

#include "client/driver/consumer.h"
#include "tests/checker/history.h"
#include "tests/checker/replicas.h"
#include "tests/cluster/cluster.h"
#include "tests/workload/producing.h"

namespace weir::edges {
namespace {

constexpr int kBytesLeft = 4096;

uint64_t BytesOn(const sim::SimDisk& disk) {
  uint64_t bytes = 0;
  for (const std::string& path : disk.Files()) bytes += disk.Contents(path).size();
  return bytes;
}

void ReadBack(cluster::Cluster& cluster, checker::History& history) {
  std::optional<Answer<void>> ended;
  client::ConsumerConfig config;
  config.topic = "orders";
  config.until_end = true;
  client::Consumer consumer(
      cluster.client_process().host(), cluster.routing(), config,
      {.records =
           [&](PartitionIndex partition, std::vector<client::ReadRecord> records) {
             for (const client::ReadRecord& record : records) {
               history.Found(partition, record.offset, record.key ? record.key->ToString() : "",
                             record.value ? record.value->ToString() : "");
             }
           },
       .end = [&](Answer<void> how) { ended = std::move(how); }});
  consumer.Start();
  ASSERT_TRUE(cluster.world().RunUntil([&] { return ended.has_value(); }));
  ASSERT_TRUE(ended->has_value()) << ended->error().message;
}

struct Case {
  std::string what;
  void (*spoil)(sim::SimDisk&);
  std::string phrase;
};

class SpoiltDisk : public testing::TestWithParam<Case> {};

TEST_P(SpoiltDisk, EndsItsNodeAndLosesNothing) {
  cluster::Cluster cluster(/*seed=*/11, {});
  ASSERT_TRUE(cluster.Boot());
  ASSERT_TRUE(cluster.CreateTopic("orders", 3, 3, {{"min.insync.replicas", "2"}}));
  checker::History history;
  workload::Producing producing(cluster, cluster.routing(), {.topic = "orders"}, history);
  producing.Begin();
  cluster.world().RunFor(std::chrono::seconds(2));

  const std::string name = *cluster.Resolve("busiest node");
  sim::SimDisk& disk = cluster.world().process(name).disk();
  GetParam().spoil(disk);
  // As main() does it: who fails says why, and ends.
  ASSERT_TRUE(cluster.world().RunUntil([&] { return !cluster.failures().empty(); },
                                       std::chrono::seconds(30)));
  cluster.Kill(name);
  ASSERT_EQ(cluster.failures().size(), 1u);
  EXPECT_TRUE(cluster.failures()[0].starts_with(name + ": ")) << cluster.failures()[0];
  EXPECT_NE(cluster.failures()[0].find(GetParam().phrase), std::string::npos)
      << cluster.failures()[0];

  const size_t acknowledged = history.acknowledged();
  cluster.world().RunFor(std::chrono::seconds(5));
  EXPECT_GT(history.acknowledged(), acknowledged + 100) << "the others do not go on";

  disk.faults() = {};
  cluster.Restart(name);
  cluster.world().RunFor(std::chrono::seconds(2));
  producing.End();
  ASSERT_TRUE(cluster.world().RunUntil([&] { return producing.idle(); }));
  EXPECT_EQ(producing.failed(), 0u);
  ASSERT_TRUE(cluster.RunUntilHealthy(std::chrono::seconds(30))) << cluster.Ailments();
  ReadBack(cluster, history);
  for (const std::string& words : history.Judge()) ADD_FAILURE() << words;
  cluster.world().RunFor(std::chrono::seconds(2));
  for (const std::string& words : checker::CompareReplicas(cluster)) ADD_FAILURE() << words;
}

INSTANTIATE_TEST_SUITE_P(
    Disk, SpoiltDisk,
    testing::Values(
        Case{"read_only", [](sim::SimDisk& disk) { disk.faults().read_only = true; }, "read-only"},
        Case{"broken", [](sim::SimDisk& disk) { disk.faults().sync_failures = 1; }, "cannot sync"}),
    [](const auto& tested) { return tested.param.what; });

// Up to what producers must leave, and up to the last byte.
class FullDisk : public testing::TestWithParam<uint64_t> {};

TEST_P(FullDisk, IsReadAndWaitedFor) {
  cluster::Cluster cluster(/*seed=*/14, {.room = {.min_free = GetParam()}});
  ASSERT_TRUE(cluster.Boot());
  ASSERT_TRUE(cluster.CreateTopic("orders", 3, 3, {{"min.insync.replicas", "2"}}));
  checker::History history;
  workload::Producing producing(cluster, cluster.routing(), {.topic = "orders"}, history);
  producing.Begin();
  cluster.world().RunFor(std::chrono::seconds(2));

  const std::string name = *cluster.Resolve("busiest node");
  sim::SimDisk& disk = cluster.world().process(name).disk();
  disk.faults().capacity = BytesOn(disk) + kBytesLeft;
  cluster.world().RunFor(std::chrono::seconds(20));
  EXPECT_TRUE(cluster.failures().empty()) << cluster.failures().front();
  checker::History ignored;
  ReadBack(cluster, ignored);

  disk.faults() = {};
  const size_t acknowledged = history.acknowledged();
  cluster.world().RunFor(std::chrono::seconds(10));
  EXPECT_GT(history.acknowledged(), acknowledged + 1000) << "it does not recover alone";
  producing.End();
  ASSERT_TRUE(cluster.world().RunUntil([&] { return producing.idle(); }));
  EXPECT_EQ(producing.failed(), 0u);
  ASSERT_TRUE(cluster.RunUntilHealthy(std::chrono::seconds(30))) << cluster.Ailments();
  ReadBack(cluster, history);
  for (const std::string& words : history.Judge()) ADD_FAILURE() << words;
  cluster.world().RunFor(std::chrono::seconds(2));
  for (const std::string& words : checker::CompareReplicas(cluster)) ADD_FAILURE() << words;
}

INSTANTIATE_TEST_SUITE_P(Disk, FullDisk, testing::Values(0, 64 << 10));

// A controller's is waited for as well: it leads no longer, and goes on when there is room.
TEST(FullQuorumDisk, MakesTheActiveControllerStepBackUntilThereIsRoom) {
  cluster::Cluster cluster(/*seed=*/12, {});
  ASSERT_TRUE(cluster.Boot());
  const std::string name = *cluster.Resolve("active controller");
  cluster.quorum_disk(name).write_error = Error{Error::Kind::kFull, "No space left on device"};
  for (const char* topic : {"orders", "payments", "refunds"}) {
    EXPECT_TRUE(cluster.CreateTopic(topic, 3, 3, {})) << topic;
  }
  EXPECT_NE(cluster.Resolve("active controller"), name);
  cluster.world().RunFor(std::chrono::minutes(1));
  EXPECT_EQ(cluster.Ailments(), "");
  ASSERT_NE(cluster.controller(name), nullptr);
  EXPECT_LT(cluster.controller(name)->quorum()->Describe().last,
            cluster.active()->quorum()->Describe().commit);

  cluster.quorum_disk(name).write_error.reset();
  EXPECT_TRUE(cluster.world().RunUntil(
      [&] {
        return cluster.active() != nullptr &&
               cluster.controller(name)->quorum()->Describe().commit >=
                   cluster.active()->quorum()->Describe().commit;
      },
      std::chrono::seconds(10)));
  EXPECT_TRUE(cluster.CreateTopic("returns", 3, 3, {}));
  EXPECT_TRUE(cluster.RunUntilHealthy(std::chrono::seconds(10))) << cluster.Ailments();
  EXPECT_TRUE(cluster.failures().empty()) << cluster.failures().front();
}

// With two of three full nothing is decided, nobody ends, and all goes on with the first room.
TEST(FullQuorumDisk, OfAMajorityStopsDecisionsAndNoProcess) {
  cluster::Cluster cluster(/*seed=*/13, {});
  ASSERT_TRUE(cluster.Boot());
  for (const char* name : {"controller-1", "controller-2"}) {
    cluster.quorum_disk(name).write_error = Error{Error::Kind::kFull, "No space left on device"};
  }
  EXPECT_FALSE(cluster.CreateTopic("orders", 3, 3, {}));
  cluster.world().RunFor(std::chrono::seconds(30));
  cluster.quorum_disk("controller-2").write_error.reset();
  cluster.world().RunFor(std::chrono::seconds(5));
  EXPECT_TRUE(cluster.CreateTopic("payments", 3, 3, {}));
  EXPECT_TRUE(cluster.RunUntilHealthy(std::chrono::seconds(10))) << cluster.Ailments();
  EXPECT_TRUE(cluster.failures().empty()) << cluster.failures().front();
}

}  // namespace
}  // namespace weir::edges
