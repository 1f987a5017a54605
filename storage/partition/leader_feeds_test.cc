// SPDX-License-Identifier: Apache-2.0
// What a leader's node says to whoever calls itself a follower.
#include "storage/partition/leader_feeds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/codec/payload.h"
#include "proto/node/replication.pb.h"
#include "storage/partition/cluster_fixture.h"

namespace weir::partition {
namespace {

using host::StatusCode;
using node::v1::FromFollower;
using node::v1::FromLeader;
using std::chrono::seconds;
using testing::HasSubstr;

struct Heard {
  std::vector<FromLeader> messages;
  std::vector<std::string> values;
  std::optional<host::CallStatus> end;
};

class Ear : public host::StreamEvents {
 public:
  explicit Ear(std::shared_ptr<Heard> heard) : heard_(std::move(heard)) {}
  void OnMessage(Bytes message) override {
    FromLeader header;
    auto records = codec::SplitPayload(message, FromLeader::kRecordsFieldNumber, &header);
    ASSERT_TRUE(records);
    heard_->messages.push_back(header);
    for (std::string& value : PartitionCluster::ValuesOf(*records)) {
      heard_->values.push_back(std::move(value));
    }
  }
  void OnEnd(host::CallStatus status) override { heard_->end = std::move(status); }

 private:
  std::shared_ptr<Heard> heard_;
};

// Node 1 leads with three records; the test speaks for node 2, which is dead.
class Feeds : public testing::Test {
 protected:
  Feeds() : cluster({.nodes = 2, .min_isr = 1}) {
    EXPECT_TRUE(cluster.Settle());
    cluster.Kill(2);
    cluster.world().RunFor(std::chrono::milliseconds(10));
    for (const char* value : {"a", "b", "c"}) EXPECT_TRUE(cluster.Appended(1, value, -1));
    Open();
  }

  void Open() {
    heard = std::make_shared<Heard>();
    stream = peer.host().network.Open("node-1:9000", kFollowMethod, std::make_shared<Ear>(heard));
  }
  FromFollower Following(int64_t offset, int last_epoch) {
    FromFollower message;
    message.set_cluster_id(cluster.cluster_id.ToBytes());
    message.set_node_id(2);
    auto* follow = message.mutable_follow();
    const PartitionId& id = cluster.node(1).partition.id();
    follow->set_topic_id(id.topic.ToBytes());
    follow->set_partition(id.index.value());
    follow->set_leader_epoch(cluster.record().leader_epoch.value());
    follow->set_node_epoch(2);
    follow->set_offset(offset);
    follow->set_last_epoch(last_epoch);
    follow->set_flushed(offset);
    follow->set_follow_id(77);
    return message;
  }
  void Acknowledge(int64_t end) {
    FromFollower message;
    auto* ack = message.mutable_ack();
    const PartitionId& id = cluster.node(1).partition.id();
    ack->set_topic_id(id.topic.ToBytes());
    ack->set_partition(id.index.value());
    ack->set_leader_epoch(cluster.record().leader_epoch.value());
    ack->set_appended(end);
    Send(message);
  }
  void Send(const FromFollower& message) { SendBytes(message.SerializeAsString()); }
  void SendBytes(std::string bytes) { stream->Send({Bytes::FromString(std::move(bytes))}); }
  void Listen() { cluster.world().RunFor(seconds(1)); }
  bool IsOpen() { return !heard->end.has_value(); }
  FromLeader First() { return heard->messages.empty() ? FromLeader() : heard->messages.front(); }
  ErrorCode FirstRefusal() { return static_cast<ErrorCode>(First().refused().error_code()); }

  PartitionCluster cluster;
  sim::Process& peer = cluster.world().AddProcess("peer");
  std::shared_ptr<Heard> heard;
  std::shared_ptr<host::Stream> stream;
};

TEST_F(Feeds, AFollowIsAnsweredAtOnceAndThenFed) {
  Send(Following(1, 0));
  Listen();
  ASSERT_TRUE(First().has_high_watermark());
  EXPECT_EQ(First().high_watermark().high_watermark(), 3);
  EXPECT_EQ(First().high_watermark().follow_id(), 77);
  EXPECT_EQ(heard->values, (std::vector<std::string>{"b", "c"}));
  ASSERT_TRUE(cluster.Appended(1, "d", 1));
  Listen();
  EXPECT_EQ(heard->values.back(), "d");
  EXPECT_TRUE(IsOpen());
}

TEST_F(Feeds, WhatFollowsBeyondTheEndHearsWhereItParts) {
  Send(Following(9, 0));
  Listen();
  ASSERT_TRUE(First().has_diverging());
  EXPECT_EQ(First().diverging().end(), 3);
  EXPECT_EQ(First().diverging().epoch(), 0);
  EXPECT_TRUE(heard->values.empty());
}

TEST_F(Feeds, AnotherEpochIsRefusedAndTheStreamGoesOn) {
  FromFollower later = Following(0, -1);
  later.mutable_follow()->set_leader_epoch(9);
  Send(later);
  Listen();
  EXPECT_EQ(FirstRefusal(), ErrorCode::kUnknownLeaderEpoch);
  Send(Following(0, -1));
  Listen();
  EXPECT_EQ(heard->values.size(), 3u);
}

TEST_F(Feeds, APartitionThatIsNotHereIsRefused) {
  FromFollower other = Following(0, -1);
  other.mutable_follow()->set_partition(5);
  Send(other);
  Listen();
  EXPECT_EQ(FirstRefusal(), ErrorCode::kNotLeaderOrFollower);
  EXPECT_EQ(First().refused().partition(), 5);
  EXPECT_TRUE(IsOpen());
}

TEST_F(Feeds, WhoDoesNotReplicateIsRefused) {
  FromFollower stranger = Following(0, -1);
  stranger.set_node_id(8);
  Send(stranger);
  Listen();
  EXPECT_EQ(FirstRefusal(), ErrorCode::kUnknownLeaderEpoch);
  EXPECT_TRUE(heard->values.empty());
}

TEST_F(Feeds, UnfollowEndsTheFeed) {
  Send(Following(3, 0));
  Listen();
  FromFollower unfollow;
  const PartitionId& id = cluster.node(1).partition.id();
  unfollow.mutable_unfollow()->set_topic_id(id.topic.ToBytes());
  unfollow.mutable_unfollow()->set_partition(id.index.value());
  Send(unfollow);
  Listen();
  ASSERT_TRUE(cluster.Appended(1, "d", 1));
  Listen();
  EXPECT_TRUE(heard->values.empty());
}

TEST_F(Feeds, ASecondStreamOfANodeTakesItsFeedOver) {
  Send(Following(3, 0));
  Listen();
  auto first = heard;
  auto first_stream = stream;
  Open();
  Send(Following(3, 0));
  Listen();
  ASSERT_TRUE(cluster.Appended(1, "d", 1));
  Listen();
  EXPECT_TRUE(first->values.empty());
  EXPECT_TRUE(first->messages.back().has_refused());
  EXPECT_EQ(heard->values, (std::vector<std::string>{"d"}));
}

TEST_F(Feeds, ALostLeadershipIsTold) {
  Send(Following(3, 0));
  Listen();
  cluster.Lead(2);
  Listen();
  ASSERT_TRUE(heard->messages.back().has_refused());
  EXPECT_EQ(heard->messages.back().refused().error_code(),
            static_cast<int>(ErrorCode::kNotLeaderOrFollower));
}

TEST_F(Feeds, AnotherClusterIsRefusedInWords) {
  FromFollower message = Following(0, -1);
  const ClusterId other(Uuid::FromRandom(8, 9));
  message.set_cluster_id(other.ToBytes());
  Send(message);
  Listen();
  ASSERT_FALSE(IsOpen());
  EXPECT_EQ(heard->end->code, StatusCode::kFailedPrecondition);
  EXPECT_THAT(heard->end->message, HasSubstr(other.ToString()));
  EXPECT_THAT(heard->end->message, HasSubstr(cluster.cluster_id.ToString()));
}

TEST_F(Feeds, ANodeWithoutAClusterIsNotAvailable) {
  FromFollower message = Following(0, -1);
  cluster.cluster_id = ClusterId();
  Send(message);
  Listen();
  ASSERT_FALSE(IsOpen());
  EXPECT_EQ(heard->end->code, StatusCode::kUnavailable);
}

TEST_F(Feeds, WhatIsNoMessageEndsTheStream) {
  FromFollower short_topic = Following(0, -1);
  short_topic.mutable_follow()->set_topic_id("short");
  FromFollower negative = Following(0, -1);
  negative.set_node_id(-3);
  for (const std::string& bytes : {std::string("\xff\xff\xff"), short_topic.SerializeAsString(),
                                   negative.SerializeAsString()}) {
    Open();
    SendBytes(bytes);
    Listen();
    ASSERT_FALSE(IsOpen());
    EXPECT_EQ(heard->end->code, StatusCode::kInvalidArgument) << heard->end->message;
  }
}

TEST_F(Feeds, WhoReadsSlowlyIsFedByBoundedMemory) {
  const std::string value(900'000, 'x');
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(cluster.Appended(1, value, 1));
  stream->PauseReading();
  Send(Following(3, 0));
  const uint64_t before = cluster.process(1).disk().operations();
  Listen();
  const uint64_t reads = cluster.process(1).disk().operations() - before;
  EXPECT_LT(reads, 20u) << "it reads ahead of who does not take it";
  stream->ResumeReading();
  for (int i = 0; i < 20; ++i) {
    Listen();
    Acknowledge(3 + static_cast<int64_t>(heard->values.size()));
  }
  EXPECT_EQ(heard->values.size(), 20u);
}

}  // namespace
}  // namespace weir::partition
