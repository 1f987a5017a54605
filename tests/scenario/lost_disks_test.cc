// SPDX-License-Identifier: Apache-2.0
#include "tests/scenario/lost_disks.h"

#include <gtest/gtest.h>

namespace weir::scenario {
namespace {

using std::chrono::seconds;

class LosingDisks : public testing::Test {
 protected:
  LosingDisks() : cluster_(1, {}), everything_(cluster_), lost_(cluster_, everything_) {
    cluster_.world().Observe([this] { everything_.Look(); });
    EXPECT_TRUE(cluster_.Boot());
  }

  void MakeTopic(int min_insync) {
    ASSERT_TRUE(cluster_.CreateTopic("orders", 4, 3,
                                     {{"min.insync.replicas", std::to_string(min_insync)}}));
    ASSERT_TRUE(cluster_.RunUntilHealthy(seconds(5)));
  }
  void LoseAndReplace(const std::string& process) {
    lost_.Lose(process);
    cluster_.Kill(process);
    lost_.Replace(process);
  }
  void Heal(const std::string& process) {
    cluster_.Restart(process);
    cluster_.world().RunFor(std::chrono::milliseconds(500));
    EXPECT_TRUE(cluster_.RunUntilHealthy(seconds(10))) << cluster_.Ailments();
    EXPECT_TRUE(cluster_.world().RunUntil([this] { return lost_.idle(); }, seconds(10)));
  }
  void ExpectStateHolds() {
    everything_.LookInFull();
    for (const std::string& words : everything_.findings().all()) ADD_FAILURE() << words;
  }

  cluster::Cluster cluster_;
  checker::Everything everything_;
  LostDisks lost_;
};

TEST_F(LosingDisks, TakesOneOfTwoThatMustBeInSync) {
  MakeTopic(2);
  ASSERT_TRUE(lost_.MayLose("node-1"));
  LoseAndReplace("node-1");
  EXPECT_FALSE(lost_.MayLose("node-2"));
  Heal("node-1");
  EXPECT_TRUE(lost_.MayLose("node-2"));
  ExpectStateHolds();
}

TEST_F(LosingDisks, TakesNoneThatMayBeAlone) {
  MakeTopic(1);
  EXPECT_FALSE(lost_.MayLose("node-1"));
}

TEST_F(LosingDisks, TakesOneControllerUntilItsSuccessorVotes) {
  ASSERT_TRUE(lost_.MayLose("controller-1"));
  LoseAndReplace("controller-1");
  EXPECT_FALSE(lost_.MayLose("controller-2"));
  Heal("controller-1");
  EXPECT_TRUE(lost_.MayLose("controller-2"));
  LoseAndReplace("controller-2");
  Heal("controller-2");
  ExpectStateHolds();
}

}  // namespace
}  // namespace weir::scenario
