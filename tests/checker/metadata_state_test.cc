// SPDX-License-Identifier: Apache-2.0
// Each test plants one violation in images made by hand.
#include <gtest/gtest.h>

#include <functional>

#include "tests/checker/equal_images.h"
#include "tests/checker/lawful_changes.h"

namespace weir::checker {
namespace {

using metadata::Image;
using metadata::Partition;
using Depth = EqualImages::Depth;

TopicId Topic(uint64_t number) { return TopicId(Uuid::FromRandom(number, number)); }
const PartitionId kPartition{Topic(1), PartitionIndex(0)};

// A topic with one partition on nodes 1 to 3, led by node 1.
Image Begin() {
  Image image;
  image.index = LogIndex(10);
  image.term = Term(1);
  image.topics.Set(Topic(1), {Topic(1), "t", {}});
  image.topic_ids.Set("t", Topic(1));
  Partition partition;
  for (int node = 1; node <= 3; ++node) {
    partition.replicas.push_back({NodeId(node), DirectoryId()});
  }
  partition.isr = {NodeId(1), NodeId(2)};
  partition.leader = NodeId(1);
  partition.leader_epoch = LeaderEpoch(4);
  partition.partition_epoch = PartitionEpoch(7);
  image.partitions.Set(kPartition, partition);
  return image;
}

// The next image, with the partition as `change` leaves it.
Image Next(Image image, const std::function<void(Partition&)>& change) {
  image.index += 1;
  Partition partition = *image.partitions.Find(kPartition);
  partition.partition_epoch += 1;
  change(partition);
  image.partitions.Set(kPartition, partition);
  return image;
}

std::string FirstFinding(const std::vector<Image>& images) {
  LawfulChanges changes;
  Findings findings;
  for (const Image& image : images) changes.Committed(image, findings);
  return findings.empty() ? "" : findings.all().front();
}

void Elect(Partition& partition, int node) {
  partition.leader = NodeId(node);
  partition.leader_epoch += 1;
}

TEST(LawfulChanges, AreLawful) {
  Image first = Begin();
  Image second = Next(first, [](Partition& p) { p.isr = {NodeId(1), NodeId(2), NodeId(3)}; });
  Image third = Next(second, [](Partition& p) { Elect(p, 3); });
  EXPECT_EQ(FirstFinding({first, second, third, second}), "");
}

TEST(LawfulChanges, FindsAPartitionEpochThatDidNotGrow) {
  Image first = Begin();
  Image second = Next(first, [](Partition& p) {
    p.isr = {NodeId(1)};
    p.partition_epoch = PartitionEpoch(7);
  });
  EXPECT_NE(FirstFinding({first, second}).find("its epoch went from 7 to 7"), std::string::npos);
}

TEST(LawfulChanges, FindsALeaderEpochThatFell) {
  Image first = Begin();
  Image second = Next(first, [](Partition& p) { p.leader_epoch = LeaderEpoch(3); });
  EXPECT_NE(FirstFinding({first, second}).find("leader epoch fell from 4 to 3"), std::string::npos);
}

TEST(LawfulChanges, FindsTwoLeadersInOneEpoch) {
  Image first = Begin();
  Image second = Next(first, [](Partition& p) { p.leader = NodeId(2); });
  EXPECT_NE(FirstFinding({first, second}).find("in the same epoch 4"), std::string::npos);
}

TEST(LawfulChanges, FindsALeaderWhoWasNotInSync) {
  auto elect_third = [](Partition& p) {
    p.isr = {NodeId(3)};
    Elect(p, 3);
  };
  Image first = Begin();
  EXPECT_NE(FirstFinding({first, Next(first, elect_third)}).find("was neither in sync"),
            std::string::npos);
  // A topic that allows it may lose what was committed.
  first.configs.Set(
      {metadata::ConfigScope::kTopic, Topic(1).ToString(), "unclean.leader.election.enable"},
      "true");
  EXPECT_EQ(FirstFinding({first, Next(first, elect_third)}), "");
}

TEST(LawfulChanges, AllowsALeaderWhoComesInSyncAsAMoveEnds) {
  Image first = Next(Begin(), [](Partition& p) {
    p.adding = {NodeId(3)};
    p.isr = {NodeId(1), NodeId(2)};
  });
  Image second = Next(first, [](Partition& p) {
    p.adding.clear();
    p.isr = {NodeId(3)};
    Elect(p, 3);
  });
  EXPECT_EQ(FirstFinding({first, second}), "");
}

TEST(LawfulChanges, FindsWhoIsInSyncWithoutAReplica) {
  Image first = Begin();
  Image second = Next(first, [](Partition& p) { p.isr = {NodeId(1), NodeId(2), NodeId(9)}; });
  EXPECT_NE(FirstFinding({first, second}).find("node 9 is in sync, and has no replica"),
            std::string::npos);
}

TEST(LawfulChanges, FindsALeaderOutOfSync) {
  Image first = Begin();
  Image second = Next(first, [](Partition& p) { p.isr = {NodeId(2)}; });
  EXPECT_NE(FirstFinding({first, second}).find("node 1 leads, and is not in sync"),
            std::string::npos);
}

TEST(LawfulChanges, FindsATopicThatComesBack) {
  Image first = Begin();
  Image second = first;
  second.index += 1;
  second.topics.Erase(Topic(1));
  second.partitions.Erase(kPartition);
  Image third = first;
  third.index += 2;
  EXPECT_EQ(FirstFinding({first, second}), "");
  EXPECT_NE(FirstFinding({first, second, third}).find("was deleted, and is there again"),
            std::string::npos);
}

TEST(LawfulChanges, SaysWhetherPartitionsCameOrWent) {
  LawfulChanges changes;
  Findings findings;
  Image first = Begin();
  EXPECT_TRUE(changes.Committed(first, findings));
  EXPECT_FALSE(changes.Committed(Next(first, [](Partition&) {}), findings));
}

TEST(EqualImages, HoldForThoseWhoComeTheSameWay) {
  EqualImages images;
  Findings findings;
  Image first = Begin();
  Image second = Next(first, [](Partition& p) { p.isr = {NodeId(1)}; });
  for (const char* process : {"a", "b"}) {
    images.Saw(process, first, Depth::kChanges, findings);
    images.Saw(process, second, Depth::kChanges, findings);
    images.Saw(process, second, Depth::kBytes, findings);
  }
  images.Saw("c", second, Depth::kChanges, findings);
  EXPECT_TRUE(findings.empty());
}

TEST(EqualImages, FindsAChangeThatCameOutDifferently) {
  EqualImages images;
  Findings findings;
  Image first = Begin();
  images.Saw("a", first, Depth::kChanges, findings);
  images.Saw("b", first, Depth::kChanges, findings);
  images.Saw("a", Next(first, [](Partition& p) { p.isr = {NodeId(1)}; }), Depth::kChanges,
             findings);
  EXPECT_TRUE(findings.empty());
  images.Saw("b", Next(first, [](Partition& p) { p.isr = {NodeId(2)}; }), Depth::kChanges,
             findings);
  ASSERT_FALSE(findings.empty());
  EXPECT_EQ(findings.all().front().find("b: its image of index 11"), 0u);
}

TEST(EqualImages, FindsAnImageThatWasSpoiltInItsPlace) {
  EqualImages images;
  Findings findings;
  Image first = Begin();
  images.Saw("a", first, Depth::kChanges, findings);
  images.Saw("b", first, Depth::kChanges, findings);
  Image spoilt = first;
  spoilt.configs.Set({metadata::ConfigScope::kCluster, "", "retention.ms"}, "7");
  images.Saw("b", spoilt, Depth::kChanges, findings);
  EXPECT_TRUE(findings.empty()) << "nothing was looked at: it is the same index";
  images.Saw("b", spoilt, Depth::kAll, findings);
  EXPECT_FALSE(findings.empty());
}

TEST(EqualImages, FindsAProcessThatBeginsWithAnotherImage) {
  EqualImages images;
  Findings findings;
  images.Saw("a", Begin(), Depth::kChanges, findings);
  Image other = Begin();
  other.term = Term(9);
  images.Saw("b", other, Depth::kChanges, findings);
  EXPECT_FALSE(findings.empty());
}

}  // namespace
}  // namespace weir::checker
