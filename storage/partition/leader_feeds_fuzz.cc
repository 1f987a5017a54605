// SPDX-License-Identifier: Apache-2.0
// A leader, and a follower that says whatever it likes: a stranger, or one that has the place of a
// replica. What it says of others' logs is its own fault; the leader neither ends nor shows more
// than it has.
#include <glog/logging.h>

#include "proto/node/replication.pb.h"
#include "storage/partition/cluster_fixture.h"
#include "tests/fuzz/target.h"

namespace weir::fuzz {
namespace {

using node::v1::FromFollower;
using partition::PartitionCluster;

struct Deaf : host::StreamEvents {
  void OnMessage(Bytes) override {}
  void OnEnd(host::CallStatus) override {}
};

const std::string kTopic = TopicId(Uuid::FromRandom(3, 4)).ToBytes();
const std::string kCluster = ClusterId(Uuid::FromRandom(1, 2)).ToBytes();

// Node 2 is a replica, active, and dead; the input speaks in its name.
void Feed(std::string_view bytes) {
  PartitionCluster cluster({.nodes = 2, .min_isr = 1});
  CHECK(cluster.Settle());
  cluster.Kill(2);
  CHECK(cluster.Appended(1, "one record", 1));
  cluster.Unfence(2);
  sim::Process& stranger = cluster.world().AddProcess("stranger");
  auto stream = stranger.host().network.Open("node-1:9000", partition::kFollowMethod,
                                             std::make_shared<Deaf>());
  for (std::string& message : Unframed(bytes)) {
    stream->Send({Bytes::FromString(std::move(message))});
    cluster.world().RunFor(std::chrono::milliseconds(2));
  }
  cluster.world().RunFor(std::chrono::milliseconds(20));
  auto& leader = cluster.node(1);
  CHECK(!leader.failure) << *leader.failure;
  CHECK(leader.partition.high_watermark() <= leader.partition.log()->end());
}

std::string Follow(int32_t node, int32_t epoch, int64_t offset) {
  FromFollower message;
  message.set_cluster_id(kCluster);
  message.set_node_id(node);
  auto& follow = *message.mutable_follow();
  follow.set_topic_id(kTopic);
  follow.set_leader_epoch(epoch);
  follow.set_node_epoch(2);
  follow.set_offset(offset);
  follow.set_last_epoch(offset == 0 ? -1 : epoch);
  follow.set_follow_id(1);
  return message.SerializeAsString();
}

std::string Ack(int32_t epoch, int64_t end) {
  FromFollower message;
  message.mutable_ack()->set_topic_id(kTopic);
  message.mutable_ack()->set_leader_epoch(epoch);
  message.mutable_ack()->set_appended(end);
  message.mutable_ack()->set_flushed(end);
  return message.SerializeAsString();
}

}  // namespace

Target MakeTarget() {
  FromFollower unfollow;
  unfollow.mutable_unfollow()->set_topic_id(kTopic);
  return {.seeds = {Framed({Follow(2, 0, 0), Ack(0, 1), unfollow.SerializeAsString()}),
                    Framed({Follow(2, 1, 0), Ack(1, 1), Ack(1, 1)}),
                    Framed({Follow(2, 0, 1), Ack(0, INT64_MAX), Ack(0, -5)}),
                    Framed({Follow(9, 0, 0), Ack(0, 1)}),
                    Framed({Follow(2, 0, INT64_MAX), Follow(2, 0, 0)})},
          .feed = Feed,
          // A feed reads a megabyte at a time.
          .bytes_max = size_t{8} << 20,
          .bytes_per_byte_max = 1000,
          .inputs = 2'000};
}

}  // namespace weir::fuzz
