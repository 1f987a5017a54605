// SPDX-License-Identifier: Apache-2.0
#include "controller/quorum/founding.h"

#include <gtest/gtest.h>

namespace weir::quorum {
namespace {

using weir::raft::v1::DescribeResponse;

const ClusterId kFresh(Uuid::FromRandom(1, 2));

DescribeResponse Empty(int id, uint64_t directory = 0) {
  DescribeResponse answer;
  answer.set_controller_id(id);
  uint64_t low = directory != 0 ? directory : static_cast<uint64_t>(id) + 100;
  answer.set_directory_id(DirectoryId(Uuid::FromRandom(4, low)).ToBytes());
  answer.set_endpoint("host" + std::to_string(id) + ":9");
  return answer;
}

DescribeResponse Member(DescribeResponse answer, ClusterId cluster, const std::string& snapshot) {
  answer.set_cluster_id(cluster.ToBytes());
  answer.set_founding_snapshot(snapshot);
  return answer;
}

std::string WhyNot(const std::vector<DescribeResponse>& answers) {
  auto plan = PlanInit(answers, kFresh, WallTime{1});
  return plan ? "" : plan.error().message;
}

TEST(PlanInit, FoundsAClusterOfEmptyControllers) {
  auto plan = PlanInit({Empty(1), Empty(2), Empty(3)}, kFresh, WallTime{1});
  ASSERT_TRUE(plan) << plan.error();
  EXPECT_EQ(plan->cluster, kFresh);
  EXPECT_EQ(plan->found, (std::vector<size_t>{0, 1, 2}));
  EXPECT_FALSE(plan->completes);
  auto founding = ParseFounding(plan->snapshot);
  ASSERT_TRUE(founding) << founding.error();
  EXPECT_EQ(founding->cluster, kFresh);
  ASSERT_EQ(founding->voters.size(), 3u);
  EXPECT_EQ(founding->voters[1].endpoint, "host2:9");
}

TEST(PlanInit, CompletesAHalfDoneFoundingWithTheSameSnapshot) {
  auto begun = PlanInit({Empty(1), Empty(2), Empty(3)}, kFresh, WallTime{1});
  ClusterId other(Uuid::FromRandom(9, 9));
  auto plan =
      PlanInit({Empty(1), Member(Empty(2), kFresh, begun->snapshot), Empty(3)}, other, WallTime{2});
  ASSERT_TRUE(plan) << plan.error();
  EXPECT_EQ(plan->cluster, kFresh);
  EXPECT_EQ(plan->snapshot, begun->snapshot);
  EXPECT_EQ(plan->found, (std::vector<size_t>{0, 2}));
  EXPECT_TRUE(plan->completes);
}

TEST(PlanInit, HasNothingToDoWhereAllIsDone) {
  auto begun = PlanInit({Empty(1)}, kFresh, WallTime{1});
  auto plan = PlanInit({Member(Empty(1), kFresh, begun->snapshot)}, kFresh, WallTime{2});
  ASSERT_TRUE(plan);
  EXPECT_TRUE(plan->found.empty());
}

TEST(PlanInit, RefusesWhatCannotBeOneCluster) {
  auto begun = PlanInit({Empty(1), Empty(2)}, kFresh, WallTime{1});
  ClusterId other(Uuid::FromRandom(9, 9));
  struct Case {
    std::vector<DescribeResponse> answers;
    std::string words;
  };
  DescribeResponse nowhere = Empty(4);
  nowhere.clear_endpoint();
  DescribeResponse same_place = Empty(5);
  same_place.set_endpoint("host1:9");
  for (const Case& c :
       std::vector<Case>{{{}, "at least one controller"},
                         {{Empty(1), Empty(1, 55)}, "same id"},
                         {{Empty(1), Empty(1)}, "one data folder"},
                         {{Empty(1, 7), Empty(2, 7)}, "one data folder"},
                         {{Empty(1), same_place}, "same endpoint"},
                         {{nowhere}, "where its peers reach it"},
                         {{Member(Empty(1), kFresh, begun->snapshot),
                           Member(Empty(2), other, MakeFoundingSnapshot(other, {}, WallTime{1}))},
                          "to cluster"},
                         {{Member(Empty(1), kFresh, begun->snapshot), Empty(2, 77)}, "not a voter"},
                         {{Member(Empty(1), kFresh, begun->snapshot), Empty(3)}, "not a voter"},
                         {{Member(Empty(1), kFresh, ""), Empty(2)}, "outgrown"}}) {
    std::string why = WhyNot(c.answers);
    EXPECT_NE(why.find(c.words), std::string::npos) << "wanted \"" << c.words << "\": " << why;
  }
}

TEST(ParseFounding, RefusesASnapshotThatNamesNoCluster) {
  EXPECT_FALSE(ParseFounding(""));
  EXPECT_FALSE(ParseFounding("nonsense"));
  EXPECT_FALSE(ParseFounding(MakeFoundingSnapshot(kFresh, {}, WallTime{1})));
}

}  // namespace
}  // namespace weir::quorum
