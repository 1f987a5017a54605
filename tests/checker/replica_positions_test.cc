// SPDX-License-Identifier: Apache-2.0
#include "tests/checker/replica_positions.h"

#include <gtest/gtest.h>

namespace weir::checker {
namespace {

const PartitionId kPartition{TopicId(), PartitionIndex(3)};

struct Fixture {
  KeptOffsets offsets;
  Findings findings;

  static ReplicaPositions At(int node, int64_t end, int64_t high_watermark, int leads = -1,
                             uint64_t life = 1) {
    return {.partition = kPartition,
            .node = NodeId(node),
            .life = life,
            .leads = LeaderEpoch(leads),
            .end = Offset(end),
            .durable = Offset(end),
            .high_watermark = Offset(high_watermark)};
  }
  void Saw(const ReplicaPositions& replica) { offsets.Saw(replica, findings); }
  bool SaysThat(const std::string& words) const {
    return !findings.empty() && findings.all().back().find(words) != std::string::npos;
  }
};

TEST(KeptOffsets, LetsALaggingReplicaBeCutAndANewLifeBeginAnew) {
  Fixture f;
  f.Saw(Fixture::At(1, 9, 5, 0));
  f.Saw(Fixture::At(2, 7, 3));
  f.Saw(Fixture::At(2, 5, 3));
  f.Saw(Fixture::At(2, 5, 0, -1, 2));
  f.Saw(Fixture::At(2, 5, 5, 1, 2));
  EXPECT_TRUE(f.findings.empty()) << f.findings.all().front();
}

TEST(KeptOffsets, LetsAReplicaThatHadLeftBeginAnew) {
  Fixture f;
  f.Saw(Fixture::At(2, 9, 5));
  ReplicaPositions back = Fixture::At(2, 3, 0);
  back.since = LogIndex(7);
  f.Saw(back);
  EXPECT_TRUE(f.findings.empty()) << f.findings.all().front();
  back.high_watermark = Offset(2);
  f.Saw(back);
  back.high_watermark = Offset(1);
  f.Saw(back);
  EXPECT_TRUE(f.SaysThat("the high watermark fell from 2 to 1"));
}

TEST(KeptOffsets, FindsAHighWatermarkThatFell) {
  Fixture f;
  f.Saw(Fixture::At(1, 9, 5));
  f.Saw(Fixture::At(1, 9, 4));
  EXPECT_TRUE(f.SaysThat("the high watermark fell from 5 to 4"));
}

TEST(KeptOffsets, FindsAHighWatermarkBeyondTheLog) {
  Fixture f;
  f.Saw(Fixture::At(1, 4, 5));
  EXPECT_TRUE(f.SaysThat("the high watermark is 5, and the log ends at 4"));
}

TEST(KeptOffsets, FindsALeaderWhoLacksWhatWasCommitted) {
  Fixture f;
  f.Saw(Fixture::At(1, 9, 5, 0));
  f.Saw(Fixture::At(2, 4, 2));
  EXPECT_TRUE(f.findings.empty());
  f.Saw(Fixture::At(2, 4, 2, 1));
  EXPECT_TRUE(f.SaysThat("node 2 leads partition"));
}

TEST(KeptOffsets, LetsAnEpochThatIsOverBeTakenUpLate) {
  Fixture f;
  f.Saw(Fixture::At(1, 9, 5, 3));
  f.Saw(Fixture::At(2, 4, 2, 2));
  EXPECT_TRUE(f.findings.empty());
  f.Saw(Fixture::At(2, 4, 2, 4));
  EXPECT_TRUE(f.SaysThat("in epoch 4"));
}

TEST(KeptOffsets, FindsAMemberInSyncWhoLacksWhatIsCommitted) {
  Fixture f;
  ReplicaPositions member = Fixture::At(2, 9, 2);
  member.durable = Offset(5);
  f.offsets.SawInSync(Fixture::At(1, 9, 5, 0), member, f.findings);
  EXPECT_TRUE(f.findings.empty());
  member.durable = Offset(4);
  f.offsets.SawInSync(Fixture::At(1, 9, 5, 0), member, f.findings);
  EXPECT_TRUE(f.SaysThat("has flushed up to 4"));
}

TEST(KeptOffsets, ForgetsAReplicaThatIsGone) {
  Fixture f;
  f.Saw(Fixture::At(1, 9, 5));
  f.offsets.Gone(kPartition, NodeId(1));
  f.Saw(Fixture::At(1, 0, 0));
  EXPECT_TRUE(f.findings.empty());
}

}  // namespace
}  // namespace weir::checker
