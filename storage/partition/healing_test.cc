// SPDX-License-Identifier: Apache-2.0
// A bit flips on some replicas: it is never shown, never spread, and mended by those that are
// whole.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "common/edge/refusal_status.h"
#include "proto/node/replication.pb.h"
#include "storage/partition/cluster_fixture.h"
#include "storage/partition/healer.h"

namespace weir::partition {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kRecords = 30;
constexpr char kFirstFile[] = "partition/00000000000000000000.log";

PartitionCluster::Options SmallSegments() {
  PartitionCluster::Options options;
  options.log.roll.bytes = 1000;
  return options;
}

class Healing : public testing::Test {
 protected:
  Healing() : cluster(SmallSegments()) {
    EXPECT_TRUE(cluster.Settle());
    for (int i = 0; i < kRecords; ++i) {
      EXPECT_TRUE(cluster.Appended(1, "record " + std::to_string(i) + std::string(50, '.'), -1));
    }
    EXPECT_TRUE(cluster.Settle());
    whole = cluster.LogOf(1);
  }

  std::string FileOf(int id) { return cluster.process(id).disk().Contents(kFirstFile); }
  void Flip(int id, uint64_t at = 100) { cluster.process(id).disk().CorruptByte(kFirstFile, at); }
  // Looks through the first file, as scrubbing does.
  void Scrub(int id) {
    std::optional<Result<log::Scrubbed>> scrubbed;
    const_cast<log::Log*>(cluster.node(id).partition.log())
        ->Scrub(Offset(0), 1 << 20,
                [&](Result<log::Scrubbed> done) { scrubbed = std::move(done); });
    ASSERT_TRUE(cluster.world().RunUntil([&] { return scrubbed.has_value(); }));
    ASSERT_TRUE(*scrubbed && (*scrubbed)->damage);
  }
  const std::vector<log::Damage>& DamagesOf(int id) {
    return cluster.node(id).partition.log()->damages();
  }
  bool IsMended(int id, Duration within = seconds(20)) {
    return cluster.world().RunUntil(
        [&] { return cluster.node(id).healer.ailing() == 0 && DamagesOf(id).empty(); }, within);
  }

  PartitionCluster cluster;
  std::string whole;
};

TEST_F(Healing, AFollowerIsMendedByItsLeader) {
  const std::string file = FileOf(2);
  Flip(2);
  EXPECT_NE(FileOf(2), file);
  Scrub(2);
  ASSERT_TRUE(IsMended(2));
  EXPECT_EQ(FileOf(2), file);
  // It was in sync all the time, for it never had less than it said.
  EXPECT_EQ(cluster.record().isr.size(), 3u);
  EXPECT_EQ(cluster.record().leader_epoch, LeaderEpoch(0));
  cluster.Lead(2);
  ASSERT_TRUE(cluster.Settle());
  EXPECT_EQ(cluster.LogOf(2), whole);
}

TEST_F(Healing, ALeaderIsMendedByAFollower) {
  Flip(1);
  auto refused = cluster.Fetched(1, 0);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kKafkaStorageError);
  EXPECT_NE(refused.error().message.find(kFirstFile), std::string::npos) << refused.error();
  ASSERT_TRUE(IsMended(1));
  EXPECT_EQ(cluster.leader(), 1);
  EXPECT_EQ(cluster.LogOf(1), whole);
  EXPECT_TRUE(cluster.Fetched(1, 0));
}

TEST_F(Healing, WhoIsDamagedWhereOthersAreWholeMendsOthersWhereItIsWhole) {
  Flip(1, 100);
  Flip(2, 300);
  Flip(3, 500);
  for (int id : {1, 2, 3}) Scrub(id);
  for (int id : {1, 2, 3}) EXPECT_TRUE(IsMended(id, seconds(60)));
  for (int id : {1, 2, 3}) EXPECT_EQ(cluster.LogOf(id), whole);
}

TEST_F(Healing, TheLastReplicaRefusesWhatIsDamagedAndServesTheRest) {
  cluster.Kill(2);
  cluster.Kill(3);
  cluster.world().RunFor(seconds(1));
  Flip(1);
  ASSERT_FALSE(cluster.Fetched(1, 0));
  cluster.world().RunFor(seconds(5));
  auto refused = cluster.Fetched(1, 0);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kKafkaStorageError);
  EXPECT_NE(refused.error().message.find("offsets 0 to 1"), std::string::npos) << refused.error();
  auto rest = cluster.Fetched(1, 1);
  ASSERT_TRUE(rest);
  EXPECT_FALSE(rest->records.empty());
  EXPECT_TRUE(cluster.Appended(1, "more", 1));
  // When another comes back, it is whole again.
  cluster.Start(2);
  cluster.Start(3);
  ASSERT_TRUE(IsMended(1, seconds(60)));
  EXPECT_TRUE(cluster.Fetched(1, 0));
}

// Records that nobody else has yet, or that are of another leader's log, are not what is lost.
TEST_F(Healing, OnlyALogThatIsKnownToBeTheSameIsAsked) {
  auto refusal_of = [&](int id, LeaderEpoch epoch, int64_t from, int64_t to) {
    std::optional<Answer<Bytes>> answer;
    cluster.node(id).partition.CopyFor(epoch, Offset(from), Offset(to), 1 << 20,
                                       [&](Answer<Bytes> told) { answer = std::move(told); });
    EXPECT_TRUE(cluster.world().RunUntil([&] { return answer.has_value(); }));
    return *answer ? ErrorCode::kNone : answer->error().code;
  };
  const LeaderEpoch epoch = cluster.record().leader_epoch;
  EXPECT_EQ(refusal_of(1, epoch, 3, 5), ErrorCode::kNone);
  EXPECT_EQ(refusal_of(2, epoch, 3, 5), ErrorCode::kNone);
  EXPECT_EQ(refusal_of(2, LeaderEpoch(epoch.value() + 1), 3, 5), ErrorCode::kUnknownLeaderEpoch);
  EXPECT_EQ(refusal_of(2, LeaderEpoch(epoch.value() - 1), 3, 5), ErrorCode::kFencedLeaderEpoch);
  EXPECT_EQ(refusal_of(2, epoch, 3, kRecords + 1), ErrorCode::kOffsetOutOfRange);
  EXPECT_EQ(refusal_of(2, epoch, 5, 5), ErrorCode::kOffsetOutOfRange);
  cluster.Kill(1);
  cluster.Kill(3);
  cluster.Kill(2);
  cluster.Start(2);
  cluster.world().RunFor(milliseconds(5));
  EXPECT_NE(refusal_of(2, epoch, 3, 5), ErrorCode::kNone);
}

}  // namespace
}  // namespace weir::partition
