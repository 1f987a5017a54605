// SPDX-License-Identifier: Apache-2.0
// Processes that are not of this cluster, or that take another's place: their sessions and streams
// end with words, and those of the cluster's own go on.
#include <gtest/gtest.h>

#include <functional>

#include "common/base/uuid.h"
#include "proto/node/replication.pb.h"
#include "proto/node/session.pb.h"
#include "proto/raft/raft.pb.h"
#include "tests/edges/caller.h"

namespace weir::edges {
namespace {

constexpr char kSession[] = "/weir.node.v1.Sessions/Open";
constexpr char kFollow[] = "/weir.node.v1.Replication/Follow";
constexpr char kExchange[] = "/weir.raft.v1.Peers/Exchange";

const std::string kSixteen(16, 'x');

class BadPeers : public CallerTest {
 protected:
  std::string cluster_id() { return cluster_.active()->machine().committed().cluster_id.ToBytes(); }
  node::v1::FromNode Hello() {
    node::v1::FromNode message;
    auto* hello = message.mutable_register_();
    hello->set_cluster_id(cluster_id());
    hello->set_node_id(9);
    hello->set_incarnation(kSixteen);
    hello->add_directories(kSixteen);
    auto* feature = hello->add_features();
    feature->set_name("metadata");
    feature->set_min_level(1);
    feature->set_max_level(1);
    return message;
  }
};

struct RegisterCase {
  std::string what;
  std::function<void(node::v1::FromNode&)> change;
  std::string reason;
  std::string phrase;
};

TEST_F(BadPeers, NodesThatCannotRegisterAreTold) {
  const std::vector<RegisterCase> cases = {
      {"another cluster", [](auto& m) { m.mutable_register_()->set_cluster_id(kSixteen); },
       "INCONSISTENT_CLUSTER_ID", "this is cluster"},
      {"a cluster id of 3 bytes", [](auto& m) { m.mutable_register_()->set_cluster_id("abc"); },
       "INCONSISTENT_CLUSTER_ID", "no cluster at all"},
      {"a negative id", [](auto& m) { m.mutable_register_()->set_node_id(-1); },
       "INVALID_REGISTRATION", "0 or more"},
      {"no directory", [](auto& m) { m.mutable_register_()->clear_directories(); },
       "INVALID_REGISTRATION", "directory"},
      {"a directory of 3 bytes", [](auto& m) { m.mutable_register_()->set_directories(0, "abc"); },
       "INVALID_REGISTRATION", "directory"},
      {"an incarnation of 3 bytes", [](auto& m) { m.mutable_register_()->set_incarnation("abc"); },
       "INVALID_REGISTRATION", "incarnation"},
      {"no features", [](auto& m) { m.mutable_register_()->clear_features(); },
       "UNSUPPORTED_VERSION", "metadata"},
      {"an id that is taken", [](auto& m) { m.mutable_register_()->set_node_id(1); },
       "DUPLICATE_BROKER_REGISTRATION", "alive in another process"},
      {"a heartbeat first", [](auto& m) { m.mutable_heartbeat()->set_ready(true); },
       "INVALID_REQUEST", "begins with Register"},
      {"nothing first", [](auto& m) { m.Clear(); }, "INVALID_REQUEST", "begins with Register"},
  };
  for (const RegisterCase& row : cases) {
    SCOPED_TRACE(row.what);
    node::v1::FromNode message = Hello();
    row.change(message);
    ExpectRefused(Stream(ActiveEndpoint(), kSession, {message.SerializeAsString()}), row.reason,
                  row.phrase);
  }
  EXPECT_EQ(cluster_.active()->machine().committed().nodes.size(), 3u);
}

TEST_F(BadPeers, ANodeThatKeepsItsIdKeepsItsEpoch) {
  const auto epoch_of_1 = [this] {
    return cluster_.active()->machine().committed().nodes.Find(NodeId(1))->epoch;
  };
  const NodeEpoch before = epoch_of_1();
  node::v1::FromNode message = Hello();
  message.mutable_register_()->set_node_id(1);
  for (int i = 0; i < 20; ++i) Stream(ActiveEndpoint(), kSession, {message.SerializeAsString()});
  EXPECT_EQ(epoch_of_1(), before);
}

struct FollowCase {
  std::string what;
  std::function<void(node::v1::FromFollower&)> change;
  std::string phrase;
};

TEST_F(BadPeers, FollowersOfAnotherClusterAreTold) {
  const std::vector<FollowCase> cases = {
      {"another cluster", [](auto& m) { m.set_cluster_id(kSixteen); }, "belongs to cluster"},
      {"no cluster", [](auto& m) { m.clear_cluster_id(); }, "not to no cluster"},
      {"a negative id", [](auto& m) { m.set_node_id(-1); }, "0 or more"},
      {"a topic id of 3 bytes", [](auto& m) { m.mutable_follow()->set_topic_id("abc"); },
       "16 bytes"},
  };
  for (const FollowCase& row : cases) {
    SCOPED_TRACE(row.what);
    node::v1::FromFollower message;
    message.set_cluster_id(cluster_id());
    message.set_node_id(9);
    message.mutable_follow()->set_topic_id(topic_id());
    row.change(message);
    ExpectRefused(Stream(leader() + ":9293", kFollow, {message.SerializeAsString()}), "",
                  row.phrase);
  }
}

TEST_F(BadPeers, AFollowerThatIsNoReplicaIsFedNothing) {
  for (int64_t offset : {int64_t{0}, int64_t{-1}, INT64_MAX}) {
    SCOPED_TRACE(offset);
    node::v1::FromFollower follow;
    follow.set_cluster_id(cluster_id());
    follow.set_node_id(9);
    follow.mutable_follow()->set_topic_id(topic_id());
    follow.mutable_follow()->set_leader_epoch(Offsets().leader_epoch());
    follow.mutable_follow()->set_offset(offset);
    follow.mutable_follow()->set_last_epoch(-1);
    node::v1::FromFollower ack;
    ack.mutable_ack()->set_topic_id(topic_id());
    ack.mutable_ack()->set_leader_epoch(Offsets().leader_epoch());
    ack.mutable_ack()->set_appended(INT64_MAX);
    ack.mutable_ack()->set_flushed(INT64_MAX);
    Answered answered =
        Stream(leader() + ":9293", kFollow, {follow.SerializeAsString(), ack.SerializeAsString()},
               std::chrono::seconds(1));
    ASSERT_EQ(answered.messages.size(), 1u);
    node::v1::FromLeader told;
    ASSERT_TRUE(told.ParseFromString(answered.messages[0]));
    EXPECT_TRUE(told.has_refused()) << told.ShortDebugString();
  }
}

struct PeerCase {
  std::string what;
  std::function<void(raft::v1::Message&)> change;
  std::string phrase;
};

TEST_F(BadPeers, ControllersOfAnotherClusterAreTold) {
  const std::string name = *cluster_.Resolve("active controller");
  const Term before = cluster_.active()->quorum()->Describe().term;
  Answered described = Call(ActiveEndpoint(), "/weir.raft.v1.Birth/Describe", "");
  raft::v1::DescribeResponse self;
  ASSERT_TRUE(self.ParseFromString(described.bytes));
  const std::vector<PeerCase> cases = {
      {"another cluster", [](auto& m) { m.set_cluster_id(kSixteen); }, "belongs to cluster"},
      {"a cluster id of 3 bytes", [](auto& m) { m.set_cluster_id("abc"); },
       "not a message between controllers"},
      {"for another disk", [](auto& m) { m.set_to_directory(kSixteen); }, "the message is for"},
      {"an answer of a stranger",
       [](auto& m) {
         m.set_term(1);
         m.mutable_vote_response()->set_granted(true);
       },
       "not a member"},
      {"of a term that cannot be", [](auto&) {}, "no term"},
      {"of no kind", [](auto& m) { m.clear_body(); }, "a kind that is not known"},
  };
  for (const PeerCase& row : cases) {
    SCOPED_TRACE(row.what);
    raft::v1::Message message;
    message.set_cluster_id(cluster_id());
    message.set_from(9);
    message.set_from_directory(kSixteen);
    message.set_to(self.controller_id());
    message.set_to_directory(self.directory_id());
    message.set_term(INT64_MAX);
    message.mutable_vote_request()->set_last_index(INT64_MAX);
    row.change(message);
    ExpectRefused(Stream(ActiveEndpoint(), kExchange, {message.SerializeAsString()}), "",
                  row.phrase);
  }
  EXPECT_EQ(*cluster_.Resolve("active controller"), name);
  EXPECT_EQ(cluster_.active()->quorum()->Describe().term, before);
}

TEST_F(BadPeers, AControllerIsFoundedOnce) {
  Answered described = Call(ActiveEndpoint(), "/weir.raft.v1.Birth/Describe", "");
  raft::v1::DescribeResponse self;
  ASSERT_TRUE(self.ParseFromString(described.bytes));
  raft::v1::FoundRequest request;
  request.set_cluster_id(kSixteen);
  request.set_controller_id(self.controller_id());
  request.set_directory_id(self.directory_id());
  Answered answered =
      Call(ActiveEndpoint(), "/weir.raft.v1.Birth/Found", request.SerializeAsString());
  EXPECT_EQ(answered.status.code, host::StatusCode::kAlreadyExists);
  ExpectRefused(answered, "", "belongs to cluster");
}

}  // namespace
}  // namespace weir::edges
