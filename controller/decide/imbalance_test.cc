// SPDX-License-Identifier: Apache-2.0
#include "controller/decide/imbalance.h"

#include <gtest/gtest.h>

namespace weir::decide {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

PartitionId Numbered(int32_t number) { return {TopicId(), PartitionIndex(number)}; }

// On nodes 1 and 2, of which 1 is preferred.
metadata::Partition LedBy(int32_t leader, std::vector<NodeId> isr = {NodeId(1), NodeId(2)}) {
  metadata::Partition partition;
  partition.replicas = {{NodeId(1), {}}, {NodeId(2), {}}};
  partition.isr = std::move(isr);
  partition.leader = NodeId(leader);
  return partition;
}

Instant At(Duration time) { return Instant() + time; }

class ImbalanceOf : public testing::Test {
 protected:
  void Change(int32_t number, const metadata::Partition& partition, Duration when) {
    imbalance.Changed(Numbered(number), &partition, At(when));
  }
  Imbalance imbalance{{.patience = seconds(60), .pass_most = 2, .pause = seconds(1)}};
};

TEST_F(ImbalanceOf, NothingWaitsForNothing) {
  Change(0, LedBy(1), seconds(0));
  EXPECT_EQ(imbalance.NextDeadline(), Instant::Never());
  EXPECT_TRUE(imbalance.Due(At(seconds(1000))).empty());
}

TEST_F(ImbalanceOf, APreferredReplicaWaitsUntilItHasBeenInSyncForAWhile) {
  Change(0, LedBy(2, {NodeId(2)}), seconds(0));
  EXPECT_EQ(imbalance.NextDeadline(), Instant::Never());
  Change(0, LedBy(2), seconds(10));
  // Another change of the partition does not begin the wait anew.
  Change(0, LedBy(2), seconds(30));
  EXPECT_EQ(imbalance.NextDeadline(), At(seconds(70)));
  EXPECT_TRUE(imbalance.Due(At(seconds(69))).empty());
  EXPECT_EQ(imbalance.Due(At(seconds(70))), std::vector{Numbered(0)});
}

TEST_F(ImbalanceOf, WhoFallsOutOfSyncWaitsFromTheBeginning) {
  Change(0, LedBy(2), seconds(0));
  Change(0, LedBy(2, {NodeId(2)}), seconds(59));
  EXPECT_EQ(imbalance.NextDeadline(), Instant::Never());
  Change(0, LedBy(2), seconds(61));
  EXPECT_EQ(imbalance.NextDeadline(), At(seconds(121)));
}

TEST_F(ImbalanceOf, LeadershipGoesBackAFewAtATime) {
  for (int32_t i = 0; i < 5; ++i) Change(i, LedBy(2), milliseconds(i));
  EXPECT_EQ(imbalance.Due(At(seconds(61))), (std::vector{Numbered(0), Numbered(1)}));
  EXPECT_TRUE(imbalance.Due(At(seconds(61))).empty());
  EXPECT_EQ(imbalance.NextDeadline(), At(seconds(62)));
  EXPECT_EQ(imbalance.Due(At(seconds(62))), (std::vector{Numbered(2), Numbered(3)}));
  EXPECT_EQ(imbalance.Due(At(seconds(63))), std::vector{Numbered(4)});
  // Nothing came of it: each waits anew.
  EXPECT_EQ(imbalance.NextDeadline(), At(seconds(121)));
}

TEST_F(ImbalanceOf, WhatIsInBalanceOrGoneIsForgotten) {
  Change(0, LedBy(2), seconds(0));
  Change(1, LedBy(2), seconds(0));
  Change(2, LedBy(2), seconds(0));
  Change(0, LedBy(1), seconds(1));
  imbalance.Changed(Numbered(1), nullptr, At(seconds(1)));
  Change(2, LedBy(-1, {}), seconds(1));
  EXPECT_EQ(imbalance.NextDeadline(), Instant::Never());
}

TEST_F(ImbalanceOf, ANewActiveControllerBeginsToWait) {
  Change(7, LedBy(2), seconds(0));
  metadata::Image image;
  image.partitions.Set(Numbered(3), LedBy(2));
  image.partitions.Set(Numbered(4), LedBy(1));
  imbalance.Activate(image, At(seconds(100)));
  EXPECT_EQ(imbalance.NextDeadline(), At(seconds(160)));
  EXPECT_EQ(imbalance.Due(At(seconds(160))), std::vector{Numbered(3)});
}

}  // namespace
}  // namespace weir::decide
