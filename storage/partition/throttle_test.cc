// SPDX-License-Identifier: Apache-2.0
// A replica that has much to fetch, and is throttled until it is in sync.
#include <gtest/gtest.h>

#include <string>

#include "storage/partition/cluster_fixture.h"

namespace weir::partition {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int64_t kRate = 2'000'000;
constexpr int kRecords = 200;

// Node 3 lacks twenty megabytes.
class Throttled : public testing::Test {
 protected:
  Throttled() {
    EXPECT_TRUE(cluster.Settle());
    cluster.Kill(3);
    cluster.world().RunFor(milliseconds(10));
    for (int i = 0; i < kRecords; ++i) {
      EXPECT_TRUE(cluster.Appended(1, std::string(100'000, 'x'), 1));
    }
  }
  int64_t Fetched() {
    return cluster.node(3).partition.is_open() ? cluster.node(3).partition.log()->end().value() : 0;
  }
  bool IsInSync() { return cluster.record().isr.contains(NodeId(3)); }
  // With a second's worth at once, and what the credit allows.
  void ExpectAboutTheRate() {
    cluster.Start(3);
    cluster.world().RunFor(seconds(4));
    EXPECT_FALSE(IsInSync());
    EXPECT_GE(Fetched(), 40);
    EXPECT_LE(Fetched(), 150);
    EXPECT_TRUE(cluster.world().RunUntil([&] { return IsInSync(); }, seconds(20)));
  }

  PartitionCluster cluster;
};

TEST_F(Throttled, ByTheLeader) {
  cluster.SetThrottle(kRate, ByteRate::kUnlimited);
  ExpectAboutTheRate();
}

TEST_F(Throttled, ByTheFollower) {
  cluster.SetThrottle(ByteRate::kUnlimited, kRate);
  ExpectAboutTheRate();
}

TEST_F(Throttled, NotAtAllWhileItIsNotSaid) {
  cluster.Start(3);
  EXPECT_TRUE(cluster.world().RunUntil([&] { return IsInSync(); }, seconds(3)));
}

TEST_F(Throttled, NeverWhileItIsInSync) {
  cluster.Start(3);
  ASSERT_TRUE(cluster.Settle());
  cluster.SetThrottle(1000, 1000);
  cluster.world().RunFor(milliseconds(10));
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(cluster.Appended(1, std::string(100'000, 'x'), -1, seconds(1)));
  }
}

TEST_F(Throttled, NoLongerWhenItIsTakenBack) {
  cluster.SetThrottle(0, ByteRate::kUnlimited);
  cluster.Start(3);
  cluster.world().RunFor(seconds(3));
  EXPECT_EQ(Fetched(), 0);
  cluster.SetThrottle(ByteRate::kUnlimited, ByteRate::kUnlimited);
  EXPECT_TRUE(cluster.world().RunUntil([&] { return IsInSync(); }, seconds(3)));
}

}  // namespace
}  // namespace weir::partition
