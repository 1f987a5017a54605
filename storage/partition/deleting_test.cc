// SPDX-License-Identifier: Apache-2.0
// What a leader deletes from the front of its log all in sync delete before it is answered; and
// what is found by time is what can be read.
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "storage/partition/cluster_fixture.h"

namespace weir::partition {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kRecords = 10;

class Deleting : public testing::Test {
 protected:
  Deleting() {
    EXPECT_TRUE(cluster.Settle());
    for (int i = 0; i < kRecords; ++i) EXPECT_TRUE(cluster.Appended(1, std::to_string(i), -1));
    EXPECT_TRUE(cluster.Settle());
  }

  Answer<Offset> Delete(int id, std::optional<Offset> before, Duration timeout = seconds(30)) {
    std::optional<Answer<Offset>> answer;
    cluster.node(id).host.strand.Post([&] {
      cluster.node(id).partition.DeleteRecords(
          before, timeout, [&](Answer<Offset> told) { answer = std::move(told); });
    });
    EXPECT_TRUE(cluster.world().RunUntil([&] { return answer.has_value(); }, seconds(60)));
    return *answer;
  }
  Offset StartOf(int id) { return cluster.node(id).partition.log()->start(); }

  PartitionCluster cluster;
};

TEST_F(Deleting, IsDoneByAllInSyncWhenItIsAnswered) {
  auto deleted = Delete(1, Offset(5));
  ASSERT_TRUE(deleted) << deleted.error();
  EXPECT_EQ(*deleted, Offset(5));
  for (int id : {1, 2, 3}) EXPECT_EQ(StartOf(id), Offset(5)) << id;
  EXPECT_EQ(cluster.Fetched(1, 4).error().code, ErrorCode::kOffsetOutOfRange);
  EXPECT_TRUE(cluster.Fetched(1, 5));
  // Again, and less, is nothing new.
  EXPECT_EQ(*Delete(1, Offset(5)), Offset(5));
  EXPECT_EQ(*Delete(1, Offset(2)), Offset(5));
  EXPECT_EQ(*Delete(1, std::nullopt), Offset(kRecords));
  EXPECT_TRUE(cluster.Appended(1, "more", -1));
  EXPECT_TRUE(cluster.Settle());
}

TEST_F(Deleting, OutlivesTheProcesses) {
  ASSERT_TRUE(Delete(1, Offset(7)));
  for (int id : {1, 2, 3}) cluster.Kill(id, true);
  for (int id : {1, 2, 3}) cluster.Start(id);
  ASSERT_TRUE(cluster.Settle());
  for (int id : {1, 2, 3}) EXPECT_EQ(StartOf(id), Offset(7)) << id;
}

TEST_F(Deleting, WaitsForWhoIsInSyncUntilItIsOut) {
  cluster.process(3).Pause();
  auto late = Delete(1, Offset(5), milliseconds(300));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kRequestTimedOut);
  EXPECT_EQ(StartOf(1), Offset(5));
  cluster.Fence(3);
  auto deleted = Delete(1, Offset(6));
  ASSERT_TRUE(deleted) << deleted.error();
  EXPECT_EQ(*deleted, Offset(6));
  cluster.process(3).Resume();
  cluster.Unfence(3);
  ASSERT_TRUE(cluster.Settle());
  EXPECT_TRUE(cluster.world().RunUntil([&] { return StartOf(3) == Offset(6); }, seconds(10)));
}

TEST_F(Deleting, IsRefusedWhereItCannotBe) {
  EXPECT_EQ(Delete(1, Offset(kRecords + 1)).error().code, ErrorCode::kOffsetOutOfRange);
  EXPECT_EQ(Delete(1, Offset(-1)).error().code, ErrorCode::kOffsetOutOfRange);
  EXPECT_EQ(Delete(2, Offset(1)).error().code, ErrorCode::kNotLeaderOrFollower);
  for (int id : {1, 2, 3}) EXPECT_EQ(StartOf(id), Offset(0)) << id;
}

TEST_F(Deleting, WhatIsLeftIsFoundByTime) {
  using Found = Answer<std::optional<log::TimedOffset>>;
  auto find = [&](int id, int64_t ms) {
    std::optional<Found> answer;
    cluster.node(id).partition.OffsetForTime(WallTime{ms},
                                             [&](Found told) { answer = std::move(told); });
    EXPECT_TRUE(cluster.world().RunUntil([&] { return answer.has_value(); }));
    return *answer;
  };
  // All of the fixture's records are of the first millisecond.
  EXPECT_EQ((*find(1, 1))->offset, Offset(0));
  EXPECT_FALSE(find(1, 2)->has_value());
  EXPECT_EQ(find(2, 1).error().code, ErrorCode::kNotLeaderOrFollower);
  ASSERT_TRUE(Delete(1, Offset(3)));
  EXPECT_EQ((*find(1, 0))->offset, Offset(3));
}

}  // namespace
}  // namespace weir::partition
