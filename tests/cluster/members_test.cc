// SPDX-License-Identifier: Apache-2.0
// Controllers that come and go while the cluster is at work.
#include <gtest/gtest.h>

#include "client/driver/admin.h"
#include "proto/raft/raft.pb.h"
#include "tests/cluster/cluster.h"

namespace weir::cluster {
namespace {

class Members : public testing::TestWithParam<int> {
 protected:
  Members() : cluster_(static_cast<uint64_t>(GetParam()), Shape()) { CHECK(cluster_.Boot()); }
  static ClusterShape Shape() {
    ClusterShape shape;
    shape.spares = 2;
    shape.compaction = {.after_entries = 20, .kept_entries = 5};
    return shape;
  }

  template <class Response, class Request>
  client::Outcome<Response> Ask(const std::string& method, Request request) {
    std::optional<client::Outcome<Response>> told;
    cluster_.admin().Call<Response>(method, request,
                                    [&](auto answer) { told = std::move(answer); });
    CHECK(cluster_.world().RunUntil([&] { return told.has_value(); }));
    return std::move(*told);
  }
  bool Await(const std::function<bool()>& holds) {
    return cluster_.world().RunUntil(holds, std::chrono::seconds(20));
  }

  // As `weir quorum add`; whether it was taken.
  bool Add(int number) {
    std::string name = "controller-" + std::to_string(number);
    std::optional<raft::v1::DescribeResponse> described;
    host::Host host = cluster_.client_process().host();
    host.network.Call(name + ":9190", "/weir.raft.v1.Birth/Describe", {}, std::chrono::seconds(1),
                      [&](host::CallStatus, Bytes bytes) {
                        described.emplace();
                        described->ParseFromString(bytes.ToString());
                      });
    if (!Await([&] { return described.has_value(); })) return false;
    admin::v1::AddControllerRequest request;
    request.set_controller_id(described->controller_id());
    request.set_directory_id(described->directory_id());
    request.set_endpoint(described->endpoint());
    auto added = Ask<admin::v1::AddControllerResponse>("Cluster/AddController", request);
    if (!added) LOG(ERROR) << added.error().message;
    return added.has_value();
  }
  bool Remove(int number, std::string* words = nullptr) {
    admin::v1::RemoveControllerRequest request;
    request.set_controller_id(number);
    auto removed = Ask<admin::v1::RemoveControllerResponse>("Cluster/RemoveController", request);
    if (!removed && words) *words = removed.error().message;
    return removed.has_value();
  }
  // And no change is on its way.
  bool Votes(int number) {
    auto* active = cluster_.active();
    if (!active || active->quorum()->Describe().is_changing) return false;
    for (const auto& known : active->quorum()->Describe().voters) {
      if (known.voter.id.controller == ControllerId(number)) return !known.voter.is_learner;
    }
    return false;
  }
  void CreateTopics(int count) {
    for (int i = 0; i < count; ++i) {
      ASSERT_TRUE(cluster_.CreateTopic("topic-" + std::to_string(++topics_), 1, 3, {}));
    }
  }

  Cluster cluster_;
  int topics_ = 0;
};

TEST_P(Members, AllAreReplacedOneByOne) {
  // More than the log keeps: who joins needs a snapshot.
  CreateTopics(40);
  EXPECT_GT(cluster_.active()->quorum()->Describe().begin, LogIndex(1));
  ASSERT_TRUE(Add(4));
  ASSERT_TRUE(Await([&] { return Votes(4); })) << "a learner that has the log votes";
  ASSERT_TRUE(Remove(1));
  ASSERT_TRUE(Await([&] { return Votes(4); }));
  cluster_.Kill("controller-1");
  ASSERT_TRUE(Add(5));
  ASSERT_TRUE(Await([&] { return Votes(5); }));
  ASSERT_TRUE(Remove(2));
  ASSERT_TRUE(Await([&] { return Votes(5); }));
  cluster_.Kill("controller-2");
  CreateTopics(3);
  // Whoever is left has all of it.
  cluster_.Kill("controller-3");
  CreateTopics(3);
  ASSERT_TRUE(Await([&] { return cluster_.Healthy(); })) << cluster_.Ailments();
  EXPECT_EQ(cluster_.active()->machine().committed().topics.size(), 46u);
  for (const std::string& failure : cluster_.failures()) ADD_FAILURE() << failure;
}

TEST_P(Members, ARemovedLeaderHandsOverAndDisturbsNobody) {
  CreateTopics(1);
  auto leader = cluster_.active()->quorum()->Describe().leader->id;
  ASSERT_TRUE(Remove(leader.value()));
  ASSERT_TRUE(Await([&] {
    auto* active = cluster_.active();
    return active && active->id() != leader && active->machine().is_active();
  }));
  Term term = cluster_.active()->quorum()->Describe().term;
  cluster_.world().RunFor(std::chrono::seconds(10));
  EXPECT_EQ(cluster_.active()->quorum()->Describe().term, term);
  CreateTopics(1);
}

TEST_P(Members, NobodyIsRemovedWithoutWhomTheQuorumWouldStandStill) {
  cluster_.Kill("controller-1");
  ASSERT_TRUE(Await([&] { return cluster_.active() && cluster_.active()->machine().is_active(); }));
  cluster_.world().RunFor(std::chrono::seconds(2));
  std::string words;
  EXPECT_FALSE(Remove(2, &words));
  EXPECT_NE(words.find("nothing could be decided"), std::string::npos) << words;
  // The dead one may go, and then a wiped one takes its place.
  EXPECT_TRUE(Remove(1));
  ASSERT_TRUE(Add(4));
  EXPECT_TRUE(Await([&] { return Votes(4); }));
  EXPECT_FALSE(Remove(9, &words));
  EXPECT_NE(words.find("not a member"), std::string::npos) << words;
}

TEST_P(Members, AVoterThatWasAwayForLongFetchesASnapshot) {
  CreateTopics(1);
  cluster_.Kill("controller-2");
  ASSERT_TRUE(Await([&] { return cluster_.active() && cluster_.active()->machine().is_active(); }));
  CreateTopics(60);
  cluster_.Restart("controller-2");
  LogIndex wanted = cluster_.active()->quorum()->commit();
  ASSERT_TRUE(Await([&] {
    auto* back = cluster_.controller("controller-2");
    return back && back->quorum() && back->quorum()->commit() >= wanted;
  }));
  EXPECT_EQ(cluster_.controller("controller-2")->machine().committed().topics.size(), 61u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Members, testing::Range(1, 9));

}  // namespace
}  // namespace weir::cluster
