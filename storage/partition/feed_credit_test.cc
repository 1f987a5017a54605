// SPDX-License-Identifier: Apache-2.0
// One stream with many partitions: what a follower does not acknowledge holds up that partition
// alone, all together keep to the stream's credit, and they take turns.
#include <glog/logging.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/codec/payload.h"
#include "common/records/batch_builder.h"
#include "proto/node/replication.pb.h"
#include "storage/partition/batch_end.h"
#include "storage/partition/leader_feeds.h"
#include "storage/partition/partition.h"
#include "storage/partition/proto_ids.h"
#include "tests/sim/world.h"

namespace weir::partition {
namespace {

using node::v1::FromFollower;
using node::v1::FromLeader;
using std::chrono::seconds;

constexpr size_t kRecordBytes = 100'000;
constexpr int64_t kMiB = 1 << 20;
const ClusterId kCluster{Uuid::FromRandom(1, 2)};

PartitionId Id(int index) { return {TopicId(Uuid::FromRandom(3, 4)), PartitionIndex(index)}; }

// Node 1: leads all partitions, alone in their ISRs; node 2 is to follow.
class LeadingNode : public PartitionHooks {
 public:
  LeadingNode(host::Host host, int count)
      : streams_(
            host, [] { return kCluster; }, NodeId(1),
            [](NodeId) -> std::optional<host::Endpoint> { return std::nullopt; }),
        feeds_(host, [] { return kCluster; }, [this](const PartitionId& id) { return Find(id); }) {
    PartitionState state;
    state.assignment.leader = NodeId(1);
    state.assignment.leader_epoch = LeaderEpoch(0);
    state.assignment.partition_epoch = PartitionEpoch(0);
    state.assignment.replicas = {{NodeId(1), {NodeEpoch(1), true}}, {NodeId(2), {}}};
    state.assignment.isr = {NodeId(1)};
    state.assignment.flush = false;
    for (int i = 0; i < count; ++i) {
      auto& partition = partitions_[Id(i)];
      partition = std::make_unique<Partition>(host, Id(i), NodeId(1), "p" + std::to_string(i), this,
                                              &streams_);
      partition->Apply(state);
    }
    CHECK(host.network.Listen("leader:9000", {{kFollowMethod, feeds_.Method()}}));
  }

  void AskIsr(const node::v1::ChangeIsr&) override {}
  void HighWatermarkRaised(const PartitionId&, Offset) override {}
  void LeadershipChanged(const PartitionId&, std::optional<LeaderEpoch>) override {}
  void Failed(const PartitionId&, const Error& error) override { FAIL() << error; }

  Partition* Find(const PartitionId& id) {
    auto found = partitions_.find(id);
    return found == partitions_.end() ? nullptr : found->second.get();
  }

 private:
  FollowerStreams streams_;
  std::map<PartitionId, std::unique_ptr<Partition>> partitions_;
  LeaderFeeds feeds_;
};

// Node 2, as far as the stream shows it.
struct Following : host::StreamEvents {
  void OnMessage(Bytes message) override {
    FromLeader header;
    auto records = codec::SplitPayload(message, FromLeader::kRecordsFieldNumber, &header);
    ASSERT_TRUE(records);
    if (!header.has_data()) return;
    const int index = header.data().partition();
    order.push_back(index);
    bytes[index] += static_cast<int64_t>(records->size());
    end[index] = EndOfBatches(records->view()).value_or(Offset(0));
    if (acknowledges.contains(index)) Acknowledge(index);
  }
  void OnEnd(host::CallStatus status) override { ADD_FAILURE() << status.message; }

  void Acknowledge(int index) {
    FromFollower message;
    PutId(Id(index), message.mutable_ack());
    message.mutable_ack()->set_leader_epoch(0);
    message.mutable_ack()->set_appended(end[index].value());
    stream->Send({Bytes::FromString(message.SerializeAsString())});
  }
  int64_t total() const {
    int64_t sum = 0;
    for (const auto& [index, each] : bytes) sum += each;
    return sum;
  }

  std::set<int> acknowledges;
  std::vector<int> order;
  std::map<int, int64_t> bytes;
  std::map<int, Offset> end;
  std::shared_ptr<host::Stream> stream;
};

class FeedCredit : public testing::Test {
 protected:
  void Lead(int partitions, int records) {
    leader_.Start([&](host::Host host) {
      auto made = std::make_shared<LeadingNode>(host, partitions);
      node_ = made.get();
      return made;
    });
    world_.RunFor(seconds(1));
    for (int i = 0; i < partitions; ++i) {
      for (int n = 0; n < records; ++n) {
        records::BatchBuilder batch;
        batch.Add(WallTime{1}, std::nullopt, std::string(kRecordBytes, 'x'));
        ASSERT_TRUE(node_->Find(Id(i))->AppendNow(batch.Build(), log::Origin::kClient));
      }
    }
    world_.RunFor(seconds(5));
    follower_->stream =
        world_.AddProcess("follower").host().network.Open("leader:9000", kFollowMethod, follower_);
  }
  void Follow(int index, int64_t credit) {
    FromFollower message;
    message.set_cluster_id(kCluster.ToBytes());
    message.set_node_id(2);
    message.set_credit_bytes(credit);
    PutId(Id(index), message.mutable_follow());
    message.mutable_follow()->set_last_epoch(-1);
    follower_->stream->Send({Bytes::FromString(message.SerializeAsString())});
  }
  // All that partition `index` has.
  bool HasAll(int index, int records) { return follower_->end[index] == Offset(records); }

  sim::World world_{1};
  sim::Process& leader_ = world_.AddProcess("leader");
  LeadingNode* node_ = nullptr;
  std::shared_ptr<Following> follower_ = std::make_shared<Following>();
};

TEST_F(FeedCredit, WhatIsNotAcknowledgedHoldsUpItsPartitionAlone) {
  Lead(/*partitions=*/2, /*records=*/60);
  follower_->acknowledges = {1};
  Follow(0, 4 * kMiB);
  Follow(1, 4 * kMiB);
  world_.RunFor(seconds(5));
  EXPECT_TRUE(HasAll(1, 60));
  EXPECT_GT(follower_->bytes[0], 0);
  EXPECT_LT(follower_->bytes[0], kMiB);
}

TEST_F(FeedCredit, GoesOnWithTheNextAcknowledgement) {
  Lead(/*partitions=*/1, /*records=*/40);
  Follow(0, kMiB);
  world_.RunFor(seconds(1));
  const int64_t before = follower_->bytes[0];
  EXPECT_LT(before, kMiB);
  follower_->acknowledges = {0};
  follower_->Acknowledge(0);
  world_.RunFor(seconds(5));
  EXPECT_TRUE(HasAll(0, 40));
}

TEST_F(FeedCredit, ManyThatStandStillLeaveSomethingToAnother) {
  Lead(/*partitions=*/31, /*records=*/15);
  for (int stuck = 0; stuck < 30; ++stuck) Follow(stuck, 16 * kMiB);
  world_.RunFor(seconds(2));
  EXPECT_LT(follower_->total(), 16 * kMiB);
  follower_->acknowledges = {30};
  Follow(30, 16 * kMiB);
  world_.RunFor(seconds(5));
  EXPECT_TRUE(HasAll(30, 15));
}

TEST_F(FeedCredit, AllTogetherKeepToTheCredit) {
  Lead(/*partitions=*/40, /*records=*/2);
  for (int each = 0; each < 40; ++each) Follow(each, kMiB);
  world_.RunFor(seconds(2));
  EXPECT_GE(follower_->total(), kMiB / 2);
  EXPECT_LT(follower_->total(), kMiB + 2 * static_cast<int64_t>(kRecordBytes));
  // Whoever waited for the others' credit has it when they are acknowledged.
  for (int each = 0; each < 40; ++each) follower_->acknowledges.insert(each);
  for (int each : std::set<int>(follower_->order.begin(), follower_->order.end())) {
    follower_->Acknowledge(each);
  }
  world_.RunFor(seconds(5));
  for (int each = 0; each < 40; ++each) EXPECT_TRUE(HasAll(each, 2)) << each;
}

TEST_F(FeedCredit, MoreCreditIsUsedAtOnce) {
  Lead(/*partitions=*/20, /*records=*/2);
  for (int each = 0; each < 20; ++each) Follow(each, kMiB / 2);
  world_.RunFor(seconds(2));
  const int64_t before = follower_->total();
  FromFollower more;
  more.set_credit_bytes(64 * kMiB);
  follower_->stream->Send({Bytes::FromString(more.SerializeAsString())});
  world_.RunFor(seconds(2));
  EXPECT_GT(follower_->total(), before);
}

TEST_F(FeedCredit, PartitionsTakeTurns) {
  Lead(/*partitions=*/3, /*records=*/40);
  follower_->acknowledges = {0, 1, 2};
  for (int each = 0; each < 3; ++each) Follow(each, 32 * kMiB);
  world_.RunFor(seconds(10));
  ASSERT_GE(follower_->order.size(), 9u);
  for (int each = 0; each < 3; ++each) {
    EXPECT_TRUE(HasAll(each, 40)) << each;
    EXPECT_GE(std::count(follower_->order.begin(), follower_->order.begin() + 9, each), 2) << each;
  }
}

}  // namespace
}  // namespace weir::partition
