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

// One stream that stays open while the test goes on.
class Talk {
 public:
  Talk(cluster::Cluster& cluster, const std::string& endpoint, const std::string& method)
      : cluster_(cluster),
        heard_(std::make_shared<Heard>()),
        stream_(cluster.client_process().host().network.Open(endpoint, method, heard_)) {}
  ~Talk() { stream_->Finish({host::StatusCode::kCancelled, "the test is over", ""}); }

  void Say(const google::protobuf::Message& message) { Say(message.SerializeAsString()); }
  void Say(const std::string& bytes) { stream_->Send({Bytes::FromString(bytes)}); }
  bool Hears(size_t messages, Duration within = std::chrono::seconds(2)) {
    return cluster_.world().RunUntil(
        [&] { return heard_->answered.messages.size() >= messages || heard_->answered.ended; },
        within);
  }
  // How it ended, if it did within this time.
  const Answered& End(Duration within = std::chrono::milliseconds(100)) {
    cluster_.world().RunUntil([&] { return heard_->answered.ended; }, within);
    return heard_->answered;
  }

 private:
  struct Heard : host::StreamEvents {
    void OnMessage(Bytes message) override { answered.messages.push_back(message.ToString()); }
    void OnEnd(host::CallStatus status) override {
      answered.status = std::move(status);
      answered.ended = true;
    }
    Answered answered;
  };

  cluster::Cluster& cluster_;
  const std::shared_ptr<Heard> heard_;
  const std::shared_ptr<host::Stream> stream_;
};

TEST_F(BadPeers, NonsenseAfterRegisteringEndsTheSessionAtOnce) {
  node::v1::FromNode ahead;
  ahead.mutable_heartbeat()->set_applied_index(INT64_MAX);
  node::v1::FromNode behind;
  behind.mutable_heartbeat()->set_applied_index(-1);
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"\xff\xff", "not a weir.node.v1.FromNode"},
      {Hello().SerializeAsString(), "registers once"},
      {ahead.SerializeAsString(), "this session sent up to"},
      {behind.SerializeAsString(), "this session sent up to"},
  };
  char incarnation = 'a';
  for (const auto& [words, phrase] : cases) {
    SCOPED_TRACE(phrase);
    Talk talk(cluster_, ActiveEndpoint(), kSession);
    node::v1::FromNode hello = Hello();
    // Another process with this id is refused as long as the one before it counts as alive.
    hello.mutable_register_()->set_incarnation(std::string(16, ++incarnation));
    talk.Say(hello);
    ASSERT_TRUE(talk.Hears(2));
    ASSERT_FALSE(talk.End(Duration::zero()).ended) << talk.End().status.message;
    talk.Say(words);
    ExpectRefused(talk.End(), "INVALID_REQUEST", phrase);
  }
}

TEST_F(BadPeers, ANewerNodeIsTakenWithWhatIsKnownOfIt) {
  node::v1::FromNode hello = Hello();
  auto* listener = hello.mutable_register_()->add_listeners();
  listener->set_name("client");
  listener->GetReflection()->MutableUnknownFields(listener)->AddVarint(99, 1);
  Talk talk(cluster_, ActiveEndpoint(), kSession);
  talk.Say(hello);
  ASSERT_TRUE(talk.Hears(1));
  EXPECT_FALSE(talk.End().ended) << talk.End().status.message;
}

TEST_F(BadPeers, ARegistrationHasABound) {
  node::v1::FromNode hello = Hello();
  for (int i = 0; i < 10'000; ++i) hello.mutable_register_()->add_directories(kSixteen);
  ExpectRefused(Stream(ActiveEndpoint(), kSession, {hello.SerializeAsString()}),
                "INVALID_REGISTRATION", "it has at most 65536");
}

TEST_F(BadPeers, WhoOpensSessionsAndSaysNothingIsLetGoOf) {
  std::vector<std::unique_ptr<Talk>> talks;
  for (int i = 0; i < 1500; ++i) {
    talks.push_back(std::make_unique<Talk>(cluster_, ActiveEndpoint(), kSession));
    // Those that are opened together may arrive in any order: not so the first and the last.
    if (i == 0 || i == 1498) talks.front()->End(std::chrono::milliseconds(10));
  }
  // The oldest go first, when there are too many; all, when they have been silent for long.
  EXPECT_TRUE(talks.front()->End(std::chrono::milliseconds(500)).ended);
  EXPECT_FALSE(talks.back()->End(Duration::zero()).ended);
  for (const auto& talk : talks) {
    ExpectRefused(talk->End(std::chrono::seconds(4)), "", "begins with Register, at once");
  }
}

TEST_F(BadPeers, ANewerSessionEndsTheOlderOne) {
  Talk older(cluster_, ActiveEndpoint(), kSession);
  older.Say(Hello());
  ASSERT_TRUE(older.Hears(2));
  Talk newer(cluster_, ActiveEndpoint(), kSession);
  newer.Say(Hello());
  ASSERT_TRUE(newer.Hears(2));
  ExpectRefused(older.End(), "", "a newer session");
  EXPECT_FALSE(newer.End().ended);
}

TEST_F(BadPeers, AnIsrWithAnOlderEpochIsRefused) {
  Talk talk(cluster_, ActiveEndpoint(), kSession);
  talk.Say(Hello());
  ASSERT_TRUE(talk.Hears(2));
  node::v1::FromNode ask;
  ask.mutable_change_isr()->set_topic_id(topic_id());
  for (int32_t node : {1, 2, 3}) {
    auto* member = ask.mutable_change_isr()->add_isr();
    member->set_node_id(node);
    member->set_node_epoch(1);
  }
  talk.Say(ask);
  talk.Hears(100, std::chrono::milliseconds(200));
  node::v1::FromController last;
  ASSERT_FALSE(talk.End().messages.empty());
  ASSERT_TRUE(last.ParseFromString(talk.End().messages.back()));
  EXPECT_TRUE(last.has_isr_refused()) << last.ShortDebugString();
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
      {"of a term that cannot be", [](auto& m) { m.set_term(INT64_MAX); }, "no term"},
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
    message.set_term(int64_t{1} << 50);
    message.mutable_vote_request()->set_last_index(INT64_MAX);
    row.change(message);
    ExpectRefused(Stream(ActiveEndpoint(), kExchange, {message.SerializeAsString()}), "",
                  row.phrase);
  }
  EXPECT_EQ(*cluster_.Resolve("active controller"), name);
  EXPECT_EQ(cluster_.active()->quorum()->Describe().term, before);
}

// What a leader of an earlier term sends when it wakes: it is told of the later one, and nothing of
// it is kept.
TEST_F(BadPeers, ADeposedLeaderAppendsNothing) {
  const std::string active = *cluster_.Resolve("active controller");
  std::vector<raft::v1::DescribeResponse> voters;
  for (const std::string& name :
       {std::string("controller-1"), std::string("controller-2"), std::string("controller-3")}) {
    raft::v1::DescribeResponse voter;
    ASSERT_TRUE(
        voter.ParseFromString(Call(name + ":9190", "/weir.raft.v1.Birth/Describe", "").bytes));
    voters.push_back(voter);
  }
  const quorum::Quorum::Description before = cluster_.active()->quorum()->Describe();
  for (size_t to = 0; to < voters.size(); ++to) {
    const auto& from = voters[(to + 1) % voters.size()];
    raft::v1::Message message;
    message.set_cluster_id(cluster_id());
    message.set_from(from.controller_id());
    message.set_from_directory(from.directory_id());
    message.set_to(voters[to].controller_id());
    message.set_to_directory(voters[to].directory_id());
    message.set_term(before.term.value() - 1);
    auto& append = *message.mutable_append_request();
    append.set_previous_index(1);
    append.set_previous_term(1);
    append.set_commit(100);
    append.add_entries()->set_index(2);
    append.mutable_entries(0)->set_term(1);
    append.mutable_entries(0)->set_payload("of long ago");
    Talk talk(cluster_, "controller-" + std::to_string(to + 1) + ":9190", kExchange);
    talk.Say(message);
    talk.End();
  }
  const quorum::Quorum::Description after = cluster_.active()->quorum()->Describe();
  EXPECT_EQ(*cluster_.Resolve("active controller"), active);
  EXPECT_EQ(after.term, before.term);
  EXPECT_GE(after.commit, before.commit);
}

TEST_F(BadPeers, MegabytesOfNothingAreRefused) {
  const std::string much(8 << 20, '\x01');
  for (const auto& [endpoint, method] :
       {std::pair(ActiveEndpoint(), kSession), std::pair(ActiveEndpoint(), kExchange),
        std::pair(leader() + ":9293", kFollow)}) {
    SCOPED_TRACE(method);
    ExpectRefused(Stream(endpoint, method, {much}), "", "");
  }
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
