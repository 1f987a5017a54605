// SPDX-License-Identifier: Apache-2.0
#include "storage/partition/partition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/partition/cluster_fixture.h"

namespace weir::partition {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ThreeNodes : public testing::Test {
 protected:
  ThreeNodes() { EXPECT_TRUE(cluster.Settle()); }

  ErrorCode CodeOf(const Answer<AppendOutcome>& answer) {
    return answer ? ErrorCode::kNone : answer.error().code;
  }
  bool IsIsr(std::set<int> ids) {
    std::set<NodeId> isr;
    for (int id : ids) isr.insert(NodeId(id));
    return cluster.record().isr == isr;
  }
  void CutOff(int id) {
    for (int other = 1; other <= 3; ++other) {
      if (other == id) continue;
      cluster.world().network().Cut(cluster.NameOf(id), cluster.NameOf(other),
                                    sim::CutKind::kStalls);
    }
  }
  void ExpectEqualLogs() {
    const std::string first = cluster.LogOf(1);
    EXPECT_EQ(cluster.LogOf(2), first);
    EXPECT_EQ(cluster.LogOf(3), first);
  }

  PartitionCluster cluster;
};

TEST_F(ThreeNodes, AnAppendIsAnsweredWhenAllHaveItOnDisk) {
  auto outcome = cluster.Appended(1, "a", -1);
  ASSERT_TRUE(outcome) << outcome.error();
  EXPECT_EQ(outcome->first, Offset(0));
  for (int id = 1; id <= 3; ++id) {
    EXPECT_EQ(cluster.node(id).partition.log()->durable(), Offset(1)) << id;
  }
  EXPECT_EQ(cluster.node(1).partition.high_watermark(), Offset(1));
}

TEST_F(ThreeNodes, FollowersLearnWhatIsCommittedWithoutMoreRecords) {
  ASSERT_TRUE(cluster.Appended(1, "a", -1));
  EXPECT_TRUE(cluster.world().RunUntil(
      [&] {
        return cluster.node(2).raised_to == Offset(1) && cluster.node(3).raised_to == Offset(1);
      },
      milliseconds(100)));
}

TEST_F(ThreeNodes, ReplicasAreEqualByteForByte) {
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(cluster.Appended(1, std::to_string(i), -1));
  ASSERT_TRUE(cluster.Settle());
  EXPECT_FALSE(cluster.LogOf(1).empty());
  ExpectEqualLogs();
}

TEST_F(ThreeNodes, AcksOfOneAndNoneDoNotWaitForFollowers) {
  CutOff(1);
  auto all = cluster.Append(1, "all", -1);
  EXPECT_TRUE(cluster.Appended(1, "one", 1));
  EXPECT_EQ(cluster.node(1).partition.log()->durable(), Offset(2)) << "safe here, though";
  EXPECT_TRUE(cluster.Appended(1, "none", 0));
  EXPECT_FALSE(all->has_value());
  EXPECT_EQ(cluster.node(1).partition.high_watermark(), Offset(0));
}

TEST_F(ThreeNodes, AcksAreOneOfThree) {
  EXPECT_EQ(CodeOf(cluster.Appended(1, "a", 2)), ErrorCode::kInvalidRequiredAcks);
}

TEST_F(ThreeNodes, OnlyTheLeaderTakesAndShows) {
  auto refused = cluster.Appended(2, "a", 1);
  EXPECT_EQ(CodeOf(refused), ErrorCode::kNotLeaderOrFollower);
  EXPECT_THAT(refused.error().message, HasSubstr("node 1 does"));
  auto fetched = cluster.Fetched(2, 0);
  ASSERT_FALSE(fetched);
  EXPECT_EQ(fetched.error().code, ErrorCode::kNotLeaderOrFollower);
}

TEST_F(ThreeNodes, FollowersHaveWhatTheLeaderIsStillWriting) {
  cluster.process(1).disk().Stall();
  auto appending = cluster.Append(1, "a", -1);
  auto has_it = [&](int id) { return cluster.node(id).partition.log()->durable() == Offset(1); };
  EXPECT_TRUE(cluster.world().RunUntil([&] { return has_it(2) && has_it(3); }, milliseconds(100)));
  EXPECT_EQ(cluster.node(1).partition.log()->written(), Offset(0));
  cluster.world().RunFor(milliseconds(100));
  EXPECT_FALSE(appending->has_value()) << "the leader's own disk counts too";
  cluster.process(1).disk().Unstall();
  EXPECT_TRUE(cluster.world().RunUntil([&] { return appending->has_value(); }, milliseconds(100)));
  ExpectEqualLogs();
}

TEST_F(ThreeNodes, WhatALeaderLosesUnwrittenIsTheOthersToKeep) {
  cluster.process(1).disk().Stall();
  auto lost = cluster.Append(1, "a", -1);
  cluster.world().RunFor(milliseconds(100));
  cluster.Kill(1, /*power_lost=*/true);
  cluster.process(1).disk().Unstall();
  ASSERT_TRUE(cluster.world().RunUntil(
      [&] { return cluster.leader() > 1 && cluster.node(cluster.leader()).partition.leads(); }));
  ASSERT_TRUE(cluster.Appended(cluster.leader(), "b", -1));
  cluster.Start(1);
  ASSERT_TRUE(cluster.Settle());
  ExpectEqualLogs();
  EXPECT_THAT(cluster.ValuesOf(Bytes::FromString(cluster.LogOf(1))), ElementsAre("a", "b"));
}

TEST_F(ThreeNodes, AFollowerInSyncShowsWhatIsBelowItsHighWatermark) {
  ASSERT_TRUE(cluster.Appended(1, "a", -1));
  ASSERT_TRUE(cluster.Settle());
  auto fetched = cluster.Fetched(2, 0, {}, ReadFrom::kAnyInSync);
  ASSERT_TRUE(fetched) << fetched.error();
  EXPECT_THAT(cluster.ValuesOf(fetched->records), ElementsAre("a"));
  EXPECT_EQ(fetched->next, Offset(1));
}

TEST_F(ThreeNodes, AFollowerTellsWhatComesAsSoonAsItMayBeShown) {
  cluster.world().RunFor(milliseconds(50));
  auto fetching = cluster.Fetch(2, 0, seconds(5), 1 << 20, ReadFrom::kAnyInSync);
  ASSERT_TRUE(cluster.Appended(1, "a", -1));
  ASSERT_TRUE(cluster.world().RunUntil([&] { return fetching->has_value(); }, milliseconds(100)));
  ASSERT_TRUE(**fetching) << (*fetching)->error();
  EXPECT_THAT(cluster.ValuesOf((**fetching)->records), ElementsAre("a"));
}

TEST_F(ThreeNodes, AFollowerWithoutItsLeaderShowsNothing) {
  ASSERT_TRUE(cluster.Appended(1, "a", -1));
  ASSERT_TRUE(cluster.Settle());
  auto fetching = cluster.Fetch(2, 1, seconds(20), 1 << 20, ReadFrom::kAnyInSync);
  cluster.process(1).Kill();
  ASSERT_TRUE(cluster.world().RunUntil([&] { return fetching->has_value(); }, seconds(10)));
  ASSERT_FALSE(**fetching);
  EXPECT_EQ((*fetching)->error().code, ErrorCode::kOffsetNotAvailable);
  auto later = cluster.Fetched(2, 0, {}, ReadFrom::kAnyInSync);
  ASSERT_FALSE(later);
  EXPECT_EQ(later.error().code, ErrorCode::kOffsetNotAvailable);
}

TEST_F(ThreeNodes, AFollowerSendsToTheLeaderWhoAsksBeyondItsEnd) {
  auto fetched = cluster.Fetched(2, 7, {}, ReadFrom::kAnyInSync);
  ASSERT_FALSE(fetched);
  EXPECT_EQ(fetched.error().code, ErrorCode::kOffsetNotAvailable);
}

TEST_F(ThreeNodes, AReplicaBeginsWithTheHighWatermarkThatItHad) {
  ASSERT_TRUE(cluster.Appended(1, "a", -1));
  ASSERT_TRUE(cluster.Settle());
  cluster.known_high_watermark = Offset(1);
  for (int id = 1; id <= 3; ++id) cluster.Kill(id);
  cluster.Start(1);
  ASSERT_TRUE(cluster.world().RunUntil([&] { return cluster.node(1).partition.is_open(); }));
  EXPECT_EQ(cluster.node(1).partition.high_watermark(), Offset(1));
  cluster.known_high_watermark = Offset(9);
  cluster.Start(2);
  ASSERT_TRUE(cluster.world().RunUntil([&] { return cluster.node(2).partition.is_open(); }));
  EXPECT_EQ(cluster.node(2).partition.high_watermark(), Offset(1)) << "as far as its log goes";
}

TEST_F(ThreeNodes, ALostFollowerLeavesAndThenHoldsNothing) {
  CutOff(3);
  EXPECT_TRUE(cluster.Appended(1, "a", -1));
  EXPECT_TRUE(IsIsr({1, 2}));
  cluster.world().network().HealAll();
  EXPECT_TRUE(cluster.Settle());
  ExpectEqualLogs();
}

TEST_F(ThreeNodes, BelowMinIsrIsRefusedBeforeAnythingIsAppended) {
  cluster.Kill(2);
  cluster.Kill(3);
  cluster.world().RunFor(milliseconds(10));
  EXPECT_EQ(CodeOf(cluster.Appended(1, "a", -1)), ErrorCode::kNotEnoughReplicas);
  EXPECT_EQ(cluster.node(1).partition.log()->end(), Offset(0));
  EXPECT_TRUE(cluster.Appended(1, "b", 1)) << "who asks for less gets it";
  auto fetched = cluster.Fetched(1, 0, milliseconds(50));
  ASSERT_TRUE(fetched);
  EXPECT_TRUE(fetched->records.empty()) << "but nobody sees it before there are enough";
  cluster.Start(2);
  EXPECT_TRUE(cluster.Appended(1, "c", 1));
  ASSERT_TRUE(cluster.world().RunUntil(
      [&] { return cluster.node(1).partition.high_watermark() == Offset(2); }, seconds(5)));
}

TEST_F(ThreeNodes, BelowMinIsrAfterTheAppendIsToldAsSuch) {
  CutOff(1);
  auto waiting = cluster.Append(1, "a", -1, seconds(4));
  auto late = cluster.Append(1, "b", -1, milliseconds(100));
  ASSERT_TRUE(cluster.world().RunUntil([&] { return waiting->has_value(); }));
  EXPECT_EQ(CodeOf(**late), ErrorCode::kRequestTimedOut);
  EXPECT_EQ(CodeOf(**waiting), ErrorCode::kNotEnoughReplicasAfterAppend);
  EXPECT_TRUE(IsIsr({1}));
}

TEST_F(ThreeNodes, AnotherLeadsAfterTheLeaderIsKilled) {
  ASSERT_TRUE(cluster.Appended(1, "a", -1));
  auto lost = cluster.Append(1, "b", -1);
  cluster.Kill(1);
  ASSERT_TRUE(cluster.world().RunUntil([&] { return cluster.node(2).partition.leads(); }));
  ASSERT_TRUE(cluster.Appended(2, "c", -1));
  EXPECT_THAT(cluster.node(2).leadership, ElementsAre(cluster.record().leader_epoch));
  EXPECT_FALSE(lost->has_value());
  cluster.Start(1);
  ASSERT_TRUE(cluster.Settle());
  ExpectEqualLogs();
  EXPECT_THAT(PartitionCluster::ValuesOf(cluster.Fetched(2, 0)->records), ElementsAre("a", "c"));
}

TEST_F(ThreeNodes, ADeposedLeaderAnswersCutsItsTailAndFollows) {
  ASSERT_TRUE(cluster.Appended(1, "a", -1));
  CutOff(1);
  auto lost = cluster.Append(1, "lost", -1, seconds(60));
  ASSERT_TRUE(cluster.Appended(1, "lost too", 1));
  cluster.Fence(1);
  ASSERT_TRUE(cluster.world().RunUntil([&] { return cluster.node(2).partition.leads(); }));
  ASSERT_TRUE(cluster.Appended(2, "b", -1));
  EXPECT_TRUE(cluster.node(1).partition.leads()) << "it cannot know";
  EXPECT_FALSE(lost->has_value());

  cluster.world().network().HealAll();
  cluster.Unfence(1);
  ASSERT_TRUE(cluster.Settle());
  ASSERT_TRUE(lost->has_value());
  EXPECT_EQ(CodeOf(**lost), ErrorCode::kNotLeaderOrFollower);
  EXPECT_EQ(cluster.node(1).leadership.back(), std::nullopt);
  ExpectEqualLogs();
  EXPECT_THAT(PartitionCluster::ValuesOf(cluster.Fetched(2, 0)->records), ElementsAre("a", "b"));
}

TEST_F(ThreeNodes, LeadershipMovesToAndFroWithoutLoss) {
  std::vector<std::string> values;
  for (int round = 0; round < 12; ++round) {
    const int leader = round % 3 + 1;
    cluster.Lead(leader);
    ASSERT_TRUE(cluster.world().RunUntil([&] {
      auto offsets = cluster.node(leader).partition.Offsets();
      return offsets && offsets->leader_epoch == cluster.record().leader_epoch;
    }));
    values.push_back("round " + std::to_string(round));
    ASSERT_TRUE(cluster.Appended(leader, values.back(), -1)) << round;
  }
  ASSERT_TRUE(cluster.Settle());
  ExpectEqualLogs();
  EXPECT_EQ(PartitionCluster::ValuesOf(cluster.Fetched(cluster.leader(), 0)->records), values);
}

TEST_F(ThreeNodes, AFetchSeesOnlyWhatIsCommitted) {
  ASSERT_TRUE(cluster.Appended(1, "a", -1));
  CutOff(1);
  ASSERT_TRUE(cluster.Appended(1, "b", 1));
  auto fetched = cluster.Fetched(1, 0);
  ASSERT_TRUE(fetched);
  EXPECT_THAT(PartitionCluster::ValuesOf(fetched->records), ElementsAre("a"));
  EXPECT_EQ(fetched->next, Offset(1));
  EXPECT_EQ(fetched->high_watermark, Offset(1));
  EXPECT_THAT(cluster.Fetched(1, 1)->records.view(), IsEmpty());
  EXPECT_EQ(cluster.Fetched(1, 3).error().code, ErrorCode::kOffsetOutOfRange);
}

TEST_F(ThreeNodes, AFetchWaitsForTheFirstRecordOrItsTime) {
  auto early = cluster.Fetch(1, 0, milliseconds(20));
  auto fetch = cluster.Fetch(1, 0, seconds(10));
  cluster.world().RunFor(milliseconds(500));
  ASSERT_TRUE(early->has_value());
  EXPECT_TRUE((**early)->records.empty());
  EXPECT_FALSE(fetch->has_value());
  ASSERT_TRUE(cluster.Appended(1, "a", -1));
  ASSERT_TRUE(cluster.world().RunUntil([&] { return fetch->has_value(); }, milliseconds(50)));
  EXPECT_THAT(PartitionCluster::ValuesOf((**fetch)->records), ElementsAre("a"));
}

TEST_F(ThreeNodes, AWaitingFetchHearsThatLeadershipIsLost) {
  auto fetch = cluster.Fetch(1, 0, seconds(10));
  cluster.world().RunFor(milliseconds(5));
  cluster.Lead(2);
  ASSERT_TRUE(cluster.world().RunUntil([&] { return fetch->has_value(); }, milliseconds(50)));
  ASSERT_FALSE(**fetch);
  EXPECT_EQ((**fetch).error().code, ErrorCode::kNotLeaderOrFollower);
}

TEST_F(ThreeNodes, AStreamOfAnotherClusterFollowsNothing) {
  ASSERT_TRUE(cluster.Appended(1, "a", -1));
  const ClusterId right = cluster.cluster_id;
  // All of its streams break, and are opened again in the name of no cluster.
  cluster.cluster_id = ClusterId();
  cluster.world().network().BreakStreams("node-1", "node-2");
  cluster.world().network().BreakStreams("node-1", "node-3");
  cluster.world().RunFor(seconds(1));
  auto waiting = cluster.Append(1, "b", -1);
  cluster.world().RunFor(seconds(1));
  EXPECT_FALSE(waiting->has_value());
  EXPECT_EQ(cluster.node(2).partition.log()->end(), Offset(1));
  cluster.cluster_id = right;
  ASSERT_TRUE(cluster.world().RunUntil([&] { return waiting->has_value(); }, seconds(1)));
  EXPECT_TRUE(**waiting);
}

TEST_F(ThreeNodes, ABacklogOfManyStreamWindowsIsCaughtUp) {
  cluster.Kill(3);
  cluster.world().RunFor(milliseconds(10));
  const std::string value(900'000, 'x');
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(cluster.Appended(1, value, -1));
  cluster.process(3).disk().faults().slowness = 20;
  cluster.Start(3);
  ASSERT_TRUE(cluster.Settle());
  EXPECT_EQ(cluster.node(3).partition.log()->end(), Offset(30));
  ExpectEqualLogs();
}

TEST_F(ThreeNodes, AFailedDiskEndsTheReplicaNotThePartition) {
  ASSERT_TRUE(cluster.Appended(1, "a", -1));
  cluster.process(1).disk().faults().write_failures = 1;
  auto lost = cluster.Append(1, "b", -1);
  ASSERT_TRUE(cluster.world().RunUntil([&] { return cluster.node(1).failure.has_value(); }));
  ASSERT_TRUE(lost->has_value());
  EXPECT_EQ(CodeOf(**lost), ErrorCode::kKafkaStorageError);
  EXPECT_FALSE(cluster.node(1).partition.leads());
  cluster.Fence(1);
  ASSERT_TRUE(cluster.world().RunUntil([&] { return cluster.node(2).partition.leads(); }));
  EXPECT_TRUE(cluster.Appended(2, "c", -1));
}

TEST_F(ThreeNodes, AnAskThatWasLostIsRepeatedOnANewSession) {
  cluster.SetGranting(false);
  CutOff(3);
  auto waiting = cluster.Append(1, "a", -1);
  cluster.world().RunFor(seconds(5));
  EXPECT_EQ(cluster.node(1).asks, 1);
  EXPECT_FALSE(waiting->has_value());
  cluster.SetGranting(true);
  cluster.node(1).partition.SessionRenewed();
  ASSERT_TRUE(cluster.world().RunUntil([&] { return waiting->has_value(); }, milliseconds(100)));
  EXPECT_TRUE(IsIsr({1, 2}));
}

TEST_F(ThreeNodes, AFailedReplicaAsksForNothingMore) {
  cluster.SetGranting(false);
  CutOff(3);
  ASSERT_TRUE(cluster.Appended(1, "a", 1));
  cluster.world().RunFor(seconds(5));
  ASSERT_EQ(cluster.node(1).asks, 1);
  cluster.process(1).disk().faults().write_failures = 1;
  cluster.Append(1, "b", 1);
  ASSERT_TRUE(cluster.world().RunUntil([&] { return cluster.node(1).failure.has_value(); }));
  cluster.node(1).partition.SessionRenewed();
  cluster.world().RunFor(seconds(5));
  EXPECT_EQ(cluster.node(1).asks, 1);
}

TEST_F(ThreeNodes, CloseAnswersAllAndLeavesACleanLog) {
  ASSERT_TRUE(cluster.Appended(1, "a", -1));
  auto fetch = cluster.Fetch(1, 1, seconds(10));
  CutOff(1);
  auto append = cluster.Append(1, "b", -1);
  cluster.world().RunFor(milliseconds(10));
  std::optional<Result<void>> closed;
  cluster.node(1).partition.Close([&](Result<void> done) { closed = done; });
  ASSERT_TRUE(cluster.world().RunUntil([&] { return closed.has_value(); }));
  EXPECT_TRUE(*closed) << closed->error();
  ASSERT_TRUE(append->has_value() && fetch->has_value());
  EXPECT_EQ(CodeOf(**append), ErrorCode::kNotLeaderOrFollower);
  EXPECT_FALSE(**fetch);
}

TEST(Partition, WhatCacheLeftBehindIsSyncedBeforeFlushBegins) {
  PartitionCluster cluster({.flush = false});
  ASSERT_TRUE(cluster.Settle());
  ASSERT_TRUE(cluster.Appended(1, "a", -1));
  EXPECT_EQ(cluster.node(1).partition.log()->durable(), Offset(0));
  cluster.SetFlush(true);
  ASSERT_TRUE(cluster.Settle());
  for (int id = 1; id <= 3; ++id) {
    EXPECT_EQ(cluster.node(id).partition.log()->durable(), Offset(1)) << id;
  }
  EXPECT_TRUE(cluster.Appended(1, "b", -1));
}

TEST(Partition, ALoneReplicaCommitsAlone) {
  PartitionCluster cluster({.nodes = 1});
  ASSERT_TRUE(cluster.Settle());
  ASSERT_TRUE(cluster.Appended(1, "a", -1));
  cluster.Kill(1, true);
  cluster.Start(1);
  ASSERT_TRUE(cluster.world().RunUntil([&] { return cluster.node(1).partition.leads(); }));
  EXPECT_THAT(PartitionCluster::ValuesOf(cluster.Fetched(1, 0, seconds(1))->records),
              ElementsAre("a"));
}

}  // namespace
}  // namespace weir::partition
