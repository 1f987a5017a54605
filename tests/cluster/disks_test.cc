// SPDX-License-Identifier: Apache-2.0
// Nodes with two disks each, one of which fails, is missing or fills up while records are written:
// only what lies on it is touched, nothing acknowledged is lost, and all comes back with the disk.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>

#include "client/driver/consumer.h"
#include "common/identity/data_folder.h"
#include "tests/checker/history.h"
#include "tests/checker/replicas.h"
#include "tests/cluster/cluster.h"
#include "tests/workload/producing.h"

namespace weir::cluster {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr size_t kSecond = 1;

class Disks : public testing::TestWithParam<uint64_t> {
 protected:
  explicit Disks(broker::RoomConfig room = {})
      : cluster_(GetParam(), {.controllers = 3, .nodes = 3, .disks = 2, .room = room}) {
    EXPECT_TRUE(cluster_.Boot()) << cluster_.Ailments();
  }

  void BeginWriting(int replicas = 3) {
    ASSERT_TRUE(cluster_.CreateTopic("orders", 8, replicas,
                                     {{"min.insync.replicas", replicas > 1 ? "2" : "1"}}));
    producing_ = std::make_unique<workload::Producing>(
        cluster_, cluster_.routing(), workload::ProducingShape{.topic = "orders"}, history_);
    producing_->Begin();
    world().RunFor(seconds(2));
  }

  sim::World& world() { return cluster_.world(); }
  sim::Process& process(int node) { return world().process("node-" + std::to_string(node)); }
  metadata::Image image() {
    EXPECT_TRUE(world().RunUntil([this] { return cluster_.active() != nullptr; }, seconds(30)));
    return cluster_.active()->machine().committed();
  }
  metadata::Node NodeOf(int node) { return *image().nodes.Find(NodeId(node)); }
  // As the folder itself says it.
  DirectoryId DirectoryOn(int node, size_t disk) {
    std::string text = process(node).disk(disk).Contents("identity");
    size_t at = text.find("directory=") + std::string("directory=").size();
    return *DirectoryId::Parse(text.substr(at, text.find('\n', at) - at));
  }
  // The partitions of which `node` has a replica in `directory`.
  std::set<PartitionId> Under(int node, const DirectoryId& directory) {
    std::set<PartitionId> under;
    for (const auto& [id, partition] : image().partitions) {
      const metadata::Replica* replica = partition.ReplicaOn(NodeId(node));
      if (replica && replica->directory == directory) under.insert(id);
    }
    return under;
  }
  bool KnowsFailure(int node) {
    controller::Controller* active = cluster_.active();
    if (!active) return false;
    const metadata::Node* known = active->machine().committed().nodes.Find(NodeId(node));
    return known && known->is_active() && known->failed_directories.size() == 1;
  }
  void Crash(int node, const std::function<void(sim::Process&)>& meanwhile) {
    cluster_.Kill(process(node).name());
    meanwhile(process(node));
    cluster_.Restart(process(node).name());
  }

  // Exactly what lies in `lost` is neither led nor in sync on the node; the rest is, undisturbed.
  void ExpectOnlyThatIsOut(int node, const DirectoryId& lost) {
    for (const auto& [id, partition] : image().partitions) {
      const metadata::Replica* replica = partition.ReplicaOn(NodeId(node));
      if (!replica) continue;
      EXPECT_EQ(partition.IsInSync(NodeId(node)), replica->directory != lost) << id;
      if (replica->directory == lost) EXPECT_NE(partition.leader, NodeId(node)) << id;
      EXPECT_NE(partition.leader, kNoNode) << id;
    }
  }
  void ExpectProgress() {
    const size_t acknowledged = history_.acknowledged();
    world().RunFor(seconds(5));
    EXPECT_GT(history_.acknowledged(), acknowledged + 200);
  }

  size_t ReadBack(checker::History& history) {
    size_t found = 0;
    std::optional<Answer<void>> ended;
    client::Consumer consumer(
        cluster_.client_process().host(), cluster_.routing(),
        {.topic = "orders", .until_end = true},
        {.records =
             [&](PartitionIndex partition, std::vector<client::ReadRecord> records) {
               found += records.size();
               for (const client::ReadRecord& record : records) {
                 history.Found(partition, record.offset, record.key->ToString(),
                               record.value->ToString());
               }
             },
         .end = [&](Answer<void> how) { ended = std::move(how); }});
    consumer.Start();
    EXPECT_TRUE(world().RunUntil([&] { return ended.has_value(); }));
    EXPECT_TRUE(ended && ended->has_value());
    return found;
  }

  // Ends the writing, reads all of it back, and looks at the replicas.
  void Finish() {
    producing_->End();
    EXPECT_TRUE(world().RunUntil([this] { return producing_->idle(); }, seconds(130)));
    EXPECT_EQ(producing_->failed(), 0u);
    EXPECT_TRUE(cluster_.RunUntilHealthy(seconds(60))) << cluster_.Ailments();
    world().RunFor(seconds(2));
    ReadBack(history_);
    EXPECT_GT(history_.acknowledged(), 100u);
    for (const std::string& words : history_.Judge()) ADD_FAILURE() << words;
    for (const std::string& words : checker::CompareReplicas(cluster_)) ADD_FAILURE() << words;
    for (const std::string& words : cluster_.failures()) ADD_FAILURE() << words;
    ExpectEachWhereItsRecordSays();
    producing_.reset();
  }

  void ExpectEachWhereItsRecordSays() {
    for (int node = 1; node <= 3; ++node) {
      for (size_t disk : {0u, 1u}) {
        std::set<std::string> expected;
        for (const PartitionId& id : Under(node, DirectoryOn(node, disk))) {
          expected.insert(id.topic.ToString() + "-" + std::to_string(id.index.value()));
        }
        for (const std::string& file : process(node).disk(disk).Files()) {
          constexpr std::string_view kFolder = "partitions/";
          if (!file.starts_with(kFolder)) continue;
          std::string name = file.substr(kFolder.size());
          EXPECT_TRUE(expected.contains(name.substr(0, name.find('/'))))
              << "node " << node << ", disk " << disk << " has " << file;
        }
      }
    }
  }

  Cluster cluster_;
  checker::History history_;
  std::unique_ptr<workload::Producing> producing_;
};

TEST_P(Disks, ShareTheReplicasOfTheirNode) {
  BeginWriting();
  for (int node = 1; node <= 3; ++node) {
    EXPECT_EQ(NodeOf(node).directories.size(), 2u);
    for (size_t disk : {0u, 1u}) EXPECT_EQ(Under(node, DirectoryOn(node, disk)).size(), 4u);
  }
  Finish();
}

TEST_P(Disks, OneThatFailsTakesOnlyItsOwnReplicas) {
  BeginWriting();
  const DirectoryId lost = DirectoryOn(1, kSecond);
  sim::DiskFaults& faults = process(1).disk(kSecond).faults();
  switch (GetParam() % 3) {
    case 0:
      faults.sync_failures = 1;
      break;
    case 1:
      faults.write_failures = 1;
      break;
    default:
      faults.read_only = true;
  }
  ASSERT_TRUE(world().RunUntil([this] { return KnowsFailure(1); }, seconds(20)));
  world().RunFor(seconds(1));
  ExpectOnlyThatIsOut(1, lost);
  ExpectProgress();

  // A disk that failed is not believed again, whatever it does.
  process(1).disk(kSecond).faults() = {};
  const uint64_t operations = process(1).disk(kSecond).operations();
  world().RunFor(seconds(20));
  ExpectOnlyThatIsOut(1, lost);
  EXPECT_EQ(process(1).disk(kSecond).operations(), operations);
  Crash(1, [](sim::Process&) {});
  Finish();
}

// The sync that fails is one of many: the later ones go well, and must not count.
TEST_P(Disks, OneFailedSyncIsEnough) {
  BeginWriting();
  process(2).disk(kSecond).FailNext(sim::DiskOperation::kSync);
  ASSERT_TRUE(world().RunUntil([this] { return KnowsFailure(2); }, seconds(20)));
  world().RunFor(seconds(1));
  ExpectOnlyThatIsOut(2, DirectoryOn(2, kSecond));
  ExpectProgress();
  process(2).PowerLoss();
  cluster_.Restart("node-2");
  Finish();
}

// It is still in the page cache, where the next life of the process finds it.
TEST_P(Disks, WhatAFailedSyncLostIsWrittenAgain) {
  BeginWriting();
  for (int round = 0; round < 3; ++round) {
    process(2).disk(kSecond).FailNext(sim::DiskOperation::kSync);
    ASSERT_TRUE(world().RunUntil([this] { return KnowsFailure(2); }, seconds(20)));
    Crash(2, [](sim::Process&) {});
    ASSERT_TRUE(cluster_.RunUntilHealthy(seconds(60))) << cluster_.Ailments();
    process(2).PowerLoss();
    cluster_.Restart("node-2");
    ASSERT_TRUE(cluster_.RunUntilHealthy(seconds(60))) << cluster_.Ailments();
  }
  Finish();
}

TEST_P(Disks, AFailureIsToldToTheNextController) {
  BeginWriting();
  for (const std::string& name : cluster_.controller_names()) cluster_.Kill(name);
  process(3).disk(kSecond).FailNext(sim::DiskOperation::kSync);
  world().RunFor(seconds(2));
  for (const std::string& name : cluster_.controller_names()) cluster_.Restart(name);
  ASSERT_TRUE(world().RunUntil([this] { return KnowsFailure(3); }, seconds(30)));
  world().RunFor(seconds(1));
  ExpectOnlyThatIsOut(3, DirectoryOn(3, kSecond));
  Crash(3, [](sim::Process&) {});
  Finish();
}

TEST_P(Disks, AStopWasCleanIfAllOfThemSaySo) {
  BeginWriting();
  ASSERT_TRUE(cluster_.Stop({"node-1"}));
  cluster_.Restart("node-1");
  EXPECT_TRUE(cluster_.RunUntilHealthy(seconds(30))) << cluster_.Ailments();
  EXPECT_GT(NodeOf(1).previous_epoch, NodeEpoch(0));

  process(1).disk(kSecond).FailNext(sim::DiskOperation::kSync);
  ASSERT_TRUE(world().RunUntil([this] { return KnowsFailure(1); }, seconds(20)));
  ASSERT_TRUE(cluster_.Stop({"node-1"}));
  cluster_.Restart("node-1");
  EXPECT_TRUE(cluster_.RunUntilHealthy(seconds(30))) << cluster_.Ailments();
  EXPECT_EQ(NodeOf(1).previous_epoch, NodeEpoch(0));
  Finish();
}

TEST_P(Disks, OneThatIsMissingAtTheStartIsWaitedFor) {
  BeginWriting();
  const DirectoryId lost = DirectoryOn(2, kSecond);
  const auto under = Under(2, lost);
  EXPECT_FALSE(under.empty());
  Crash(2, [](sim::Process& process) { process.disk(kSecond).faults().read_failures = 1; });
  ASSERT_TRUE(world().RunUntil([this] { return KnowsFailure(2); }, seconds(30)));
  world().RunFor(seconds(5));
  ExpectOnlyThatIsOut(2, lost);
  EXPECT_EQ(Under(2, lost), under) << "what lies there is not put elsewhere";
  Crash(2, [](sim::Process& process) { process.disk(kSecond).faults() = {}; });
  Finish();
}

TEST_P(Disks, AnEmptyOneIsTakenOnlyWhenItReplaces) {
  BeginWriting();
  const DirectoryId lost = DirectoryOn(2, kSecond);
  const auto under = Under(2, lost);
  Crash(2, [](sim::Process& process) { process.disk(kSecond).Wipe(); });
  ASSERT_TRUE(world().RunUntil([this] { return KnowsFailure(2); }, seconds(30)));
  world().RunFor(seconds(5));
  ExpectOnlyThatIsOut(2, lost);
  EXPECT_EQ(Under(2, lost), under);
  EXPECT_TRUE(process(2).disk(kSecond).Files().empty());

  Crash(2, [this](sim::Process& process) {
    process.Restart();
    bool put = false;
    host::Spawn<Result<void>>(identity::ReplaceFile(process.host_disk(kSecond), "replaced", ""),
                              [&](Result<void> done) { put = done.has_value(); });
    EXPECT_TRUE(world().RunUntil([&] { return put; }));
    process.Kill();
  });
  EXPECT_TRUE(cluster_.RunUntilHealthy(seconds(60))) << cluster_.Ailments();
  EXPECT_TRUE(Under(2, lost).empty());
  Finish();
}

TEST_P(Disks, TheLastOneEndsItsNode) {
  BeginWriting();
  for (size_t disk : {0u, 1u}) {
    EXPECT_TRUE(cluster_.failures().empty());
    process(1).disk(disk).faults().sync_failures = 1;
    world().RunFor(seconds(5));
  }
  ASSERT_EQ(cluster_.failures().size(), 1u);
  EXPECT_NE(cluster_.failures()[0].find("no data folder works any more"), std::string::npos)
      << cluster_.failures()[0];
  cluster_.Kill("node-1");
  ExpectProgress();
}

constexpr uint64_t kFloor = 1 << 20;

class FullDisks : public Disks {
 protected:
  FullDisks() : Disks({.min_free = kFloor}) {}

  // What node 1 leads and has on its second disk.
  std::set<PartitionId> Led() {
    std::set<PartitionId> led;
    metadata::Image now = image();
    for (const PartitionId& id : Under(1, DirectoryOn(1, kSecond))) {
      if (now.partitions.Find(id)->leader == NodeId(1)) led.insert(id);
    }
    return led;
  }
  std::optional<Refusal> Admits(const PartitionId& id) {
    auto admitted = cluster_.node("node-1")->partitions()->AdmitAppend(id, 1);
    if (admitted) return std::nullopt;
    return admitted.error();
  }
};

TEST_P(FullDisks, RefusesAppendsAndReadsAndRecovers) {
  BeginWriting();
  sim::SimDisk& disk = process(1).disk(kSecond);
  const auto led = Led();
  ASSERT_FALSE(led.empty());
  EXPECT_FALSE(Admits(*led.begin()));
  disk.faults().capacity = disk.TotalSize() + kFloor + 1000;
  world().RunFor(seconds(20));
  EXPECT_EQ(Led(), led) << "a full disk is no reason to lead nothing";
  for (const PartitionId& id : led) {
    auto refusal = Admits(id);
    ASSERT_TRUE(refusal);
    EXPECT_EQ(refusal->code, ErrorCode::kKafkaStorageError);
    EXPECT_NE(refusal->message.find("no space left"), std::string::npos) << refusal->message;
  }
  // What is refused to producers is left for what must go on.
  EXPECT_GT(disk.space().free, 0u);
  checker::History ignored;
  EXPECT_GT(ReadBack(ignored), 100u) << "reads go on";
  const metadata::Node node = NodeOf(1);
  EXPECT_TRUE(node.is_active());
  EXPECT_TRUE(node.failed_directories.empty());

  disk.faults() = {};
  world().RunFor(seconds(3));
  EXPECT_FALSE(Admits(*led.begin()));
  ExpectProgress();
  Finish();
}

// Somebody else fills the disk to the last byte: then writes fail after all.
TEST_P(FullDisks, RecoversFromWritesThatFailed) {
  BeginWriting();
  sim::SimDisk& disk = process(1).disk(kSecond);
  const auto led = Led();
  disk.faults().capacity = disk.TotalSize();
  world().RunFor(seconds(20));
  checker::History ignored;
  EXPECT_GT(ReadBack(ignored), 100u) << "reads go on";
  EXPECT_TRUE(NodeOf(1).failed_directories.empty());
  disk.faults() = {};
  world().RunFor(seconds(10));
  ExpectProgress();
  Finish();
}

INSTANTIATE_TEST_SUITE_P(Seeds, Disks, testing::Range<uint64_t>(1, 7));
INSTANTIATE_TEST_SUITE_P(Seeds, FullDisks, testing::Range<uint64_t>(1, 5));

}  // namespace
}  // namespace weir::cluster
