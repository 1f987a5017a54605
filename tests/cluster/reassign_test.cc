// SPDX-License-Identifier: Apache-2.0
// Partitions move between the nodes of a simulated cluster while records are written to them: with
// all their data, with nothing acknowledged lost, and with nothing left behind.
#include <gtest/gtest.h>

#include <algorithm>

#include "client/driver/consumer.h"
#include "tests/checker/history.h"
#include "tests/checker/replicas.h"
#include "tests/cluster/cluster.h"
#include "tests/workload/producing.h"

namespace weir::cluster {
namespace {

using std::chrono::seconds;

namespace admin = weir::admin::v1;

std::string NameOf(NodeId node) { return "node-" + std::to_string(node.value()); }

class Moves : public testing::TestWithParam<uint64_t> {
 protected:
  Moves() : cluster_(GetParam(), {.controllers = 3, .nodes = 4}) {
    EXPECT_TRUE(cluster_.Boot()) << cluster_.Ailments();
  }

  sim::World& world() { return cluster_.world(); }
  Duration SomeTime() { return world().chance().Between(std::chrono::milliseconds(1), seconds(1)); }

  // What the active controller knows; null while there is none.
  const metadata::Image* Known() {
    controller::Controller* active = cluster_.active();
    return active && active->machine().is_active() ? &active->machine().committed() : nullptr;
  }
  metadata::Image image() {
    EXPECT_TRUE(world().RunUntil([this] { return Known() != nullptr; }, seconds(30)));
    return *Known();
  }

  void MakeTopic(const std::string& name, int partitions, int replicas) {
    int min_insync = replicas > 1 ? 2 : 1;
    ASSERT_TRUE(cluster_.CreateTopic(name, partitions, replicas,
                                     {{"min.insync.replicas", std::to_string(min_insync)}}));
    auto& writing = writing_[name];
    writing.producing = std::make_unique<workload::Producing>(
        cluster_, cluster_.routing(), workload::ProducingShape{.topic = name}, writing.history);
    writing.producing->Begin();
  }

  // One admin call; the words of a refusal, or "".
  template <class Response, class Request>
  std::string Ask(const std::string& method, Request request) {
    request.set_request_id(cluster_.client_process().host().random.NextUuid().ToBytes());
    std::optional<client::Outcome<Response>> told;
    cluster_.admin().Call<Response>(
        method, request, [&](client::Outcome<Response> answer) { told = std::move(answer); });
    world().RunUntil([&] { return told.has_value(); }, seconds(60));
    if (!told) return "no answer";
    return *told ? "" : (*told).error().message;
  }

  std::string Move(const std::string& topic, const std::vector<std::vector<int>>& places) {
    admin::ReassignPartitionsRequest request;
    for (size_t i = 0; i < places.size(); ++i) {
      auto* move = request.add_moves();
      move->set_name("topics/" + topic + "/partitions/" + std::to_string(i));
      for (int node : places[i]) move->add_replicas(node);
    }
    return Ask<admin::ReassignPartitionsResponse>("Partitions/ReassignPartitions", request);
  }

  // The nodes of each partition of a topic.
  std::vector<std::vector<int>> PlacesOf(const std::string& topic) {
    metadata::Image now = image();
    std::vector<std::vector<int>> places;
    now.ForEachPartition(now.TopicNamed(topic)->id, [&](const PartitionId&, const auto& partition) {
      auto& nodes = places.emplace_back();
      for (const auto& replica : partition.replicas) nodes.push_back(replica.node.value());
    });
    return places;
  }

  // Nothing moves, and all replicas are in sync.
  bool IsSettled() {
    const metadata::Image* known = Known();
    if (!known) return false;
    for (const auto& [id, partition] : known->partitions) {
      if (partition.is_moving() || partition.leader == kNoNode ||
          partition.isr.size() != partition.replicas.size()) {
        return false;
      }
    }
    return true;
  }

  int ReplicasOn(int node) {
    const metadata::Image* known = Known();
    if (!known) return -1;
    int replicas = 0;
    for (const auto& [id, partition] : known->partitions) {
      replicas += partition.ReplicaOn(NodeId(node)) ? 1 : 0;
    }
    return replicas;
  }

  // Ends the writing, reads all of it back, and looks at disks and replicas.
  void Finish() {
    auto settled = [this] {
      return std::ranges::all_of(writing_,
                                 [](auto& each) { return each.second.producing->idle(); });
    };
    for (auto& [topic, writing] : writing_) writing.producing->End();
    EXPECT_TRUE(world().RunUntil(settled, seconds(130))) << "records wait for ever";
    EXPECT_TRUE(world().RunUntil([this] { return IsSettled(); }, seconds(60)));
    world().RunFor(seconds(2));
    for (auto& [topic, writing] : writing_) {
      ReadBack(topic, writing.history);
      EXPECT_GT(writing.history.acknowledged(), 100u);
      for (const std::string& words : writing.history.Judge()) {
        if (!keys_may_move_ || !words.starts_with("key ")) ADD_FAILURE() << topic << ": " << words;
      }
    }
    for (const std::string& words : checker::CompareReplicas(cluster_)) ADD_FAILURE() << words;
    for (const std::string& words : metadata::Violations(image())) ADD_FAILURE() << words;
    for (const std::string& words : cluster_.failures()) ADD_FAILURE() << words;
    ExpectNothingLeftBehind();
    for (auto& [topic, writing] : writing_) writing.producing.reset();
  }

  void ReadBack(const std::string& topic, checker::History& history) {
    std::optional<Answer<void>> ended;
    client::Consumer consumer(
        cluster_.client_process().host(), cluster_.routing(), {.topic = topic, .until_end = true},
        {.records =
             [&](PartitionIndex partition, std::vector<client::ReadRecord> records) {
               for (const client::ReadRecord& record : records) {
                 history.Found(partition, record.offset, record.key->ToString(),
                               record.value->ToString());
               }
             },
         .end = [&](Answer<void> how) { ended = std::move(how); }});
    consumer.Start();
    world().RunUntil([&] { return ended.has_value(); }, std::chrono::minutes(2));
    ASSERT_TRUE(ended) << "reading " << topic << " back does not end";
    EXPECT_TRUE(*ended) << ended->error().message;
  }

  // A node keeps files of the partitions that it has replicas of, and of no others.
  void ExpectNothingLeftBehind() {
    metadata::Image now = image();
    for (const std::string& name : cluster_.node_names()) {
      if (!cluster_.node(name)) continue;
      for (const auto& [id, partition] : now.partitions) {
        NodeId node(std::stoi(name.substr(name.rfind('-') + 1)));
        if (partition.ReplicaOn(node)) continue;
        std::string folder = id.topic.ToString() + "-" + std::to_string(id.index.value()) + "/";
        for (const std::string& file : world().process(name).disk().Files()) {
          EXPECT_EQ(file.find(folder), std::string::npos) << file << " is still on " << name;
          EXPECT_EQ(file.find(".removed"), std::string::npos) << file << " is still on " << name;
        }
      }
    }
  }

  struct Writing {
    checker::History history;
    std::unique_ptr<workload::Producing> producing;
  };

  Cluster cluster_;
  std::map<std::string, Writing> writing_;
  // Where partitions are added, a key's records may lie in two.
  bool keys_may_move_ = false;
};

TEST_P(Moves, TakeAllDataAlongUnderLoad) {
  MakeTopic("t", 3, 2);
  world().RunFor(seconds(5));
  // To exactly the nodes where each is not.
  std::vector<std::vector<int>> target;
  for (const auto& nodes : PlacesOf("t")) {
    auto& others = target.emplace_back();
    for (int node = 1; node <= 4; ++node) {
      if (!std::ranges::count(nodes, node)) others.push_back(node);
    }
  }
  EXPECT_EQ(Move("t", target), "");
  EXPECT_TRUE(world().RunUntil([this] { return IsSettled(); }, seconds(20)));
  EXPECT_EQ(PlacesOf("t"), target);
  world().RunFor(seconds(2));
  Finish();
}

TEST_P(Moves, GoBackWhenTheyAreCancelled) {
  MakeTopic("t", 2, 2);
  world().RunFor(seconds(3));
  auto origin = PlacesOf("t");
  // Nobody can copy anything to it.
  std::vector<std::vector<int>> target;
  for (auto nodes : origin) {
    for (int node = 1; node <= 4 && nodes.size() < 3; ++node) {
      if (!std::ranges::count(nodes, node)) nodes.insert(nodes.begin(), node);
    }
    nodes.pop_back();
    target.push_back(nodes);
  }
  std::string joining = NameOf(NodeId(target[0][0]));
  for (const std::string& name : cluster_.node_names()) {
    if (name != joining) world().network().Cut(name, joining, sim::CutKind::kStalls);
  }
  EXPECT_EQ(Move("t", target), "");
  world().RunFor(seconds(4));
  EXPECT_FALSE(IsSettled());
  admin::CancelReassignmentsRequest cancel;
  cancel.add_names("topics/t/partitions/0");
  EXPECT_EQ(Ask<admin::CancelReassignmentsResponse>("Partitions/CancelReassignments", cancel), "");
  EXPECT_NE(Ask<admin::CancelReassignmentsResponse>("Partitions/CancelReassignments", cancel), "");
  world().network().HealAll();
  EXPECT_TRUE(world().RunUntil([this] { return IsSettled(); }, seconds(20)));
  std::vector<int> back = PlacesOf("t")[0];
  std::ranges::sort(back);
  std::ranges::sort(origin[0]);
  EXPECT_EQ(back, origin[0]);
  Finish();
}

// The power goes at every step of leaving, and the replica is back before it can be gone on with.
TEST_P(Moves, FindAllOrNothingWhereTheyCameFrom) {
  MakeTopic("t", 1, 2);
  world().RunFor(seconds(2));
  for (uint64_t step = 1; step <= 24; ++step) {
    const std::vector<int> home = PlacesOf("t")[0];
    const int leaving = home.back();
    int joining = 1;
    while (std::ranges::count(home, joining)) ++joining;
    sim::Process& process = world().process(NameOf(NodeId(leaving)));
    ASSERT_EQ(Move("t", {{home.front(), joining}}), "");
    ASSERT_TRUE(world().RunUntil([&] { return ReplicasOn(leaving) == 0; }, seconds(20)));
    process.disk().CallAfter(process.disk().operations() + step, [&] { process.PowerLoss(); });
    world().RunUntil([&] { return !process.alive(); }, seconds(1));
    if (process.alive()) process.PowerLoss();
    ASSERT_EQ(Move("t", {{home.front(), leaving}}), "");
    cluster_.Restart(process.name());
    auto is_back = [&] { return ReplicasOn(leaving) == 1 && IsSettled(); };
    ASSERT_TRUE(world().RunUntil(is_back, seconds(20))) << "step " << step;
    const metadata::Image now = image();
    const auto* held = cluster_.node(process.name())
                           ->partitions()
                           ->Find({now.TopicNamed("t")->id, PartitionIndex(0)});
    ASSERT_TRUE(held && held->log()) << "step " << step;
    EXPECT_TRUE(held->log()->damages().empty()) << "step " << step;
  }
  Finish();
}

TEST_P(Moves, EmptyANodeThatIsDecommissioned) {
  MakeTopic("t", 6, 3);
  MakeTopic("single", 4, 1);
  world().RunFor(seconds(3));
  admin::DecommissionNodeRequest decommission;
  decommission.set_name("nodes/4");
  EXPECT_EQ(Ask<admin::DecommissionNodeResponse>("Nodes/DecommissionNode", decommission), "");
  admin::RemoveNodeRequest remove;
  remove.set_name("nodes/4");
  EXPECT_NE(Ask<admin::RemoveNodeResponse>("Nodes/RemoveNode", remove), "");
  EXPECT_TRUE(world().RunUntil([this] { return ReplicasOn(4) == 0; }, seconds(30)));
  world().RunFor(seconds(2));
  ExpectNothingLeftBehind();
  EXPECT_TRUE(cluster_.Stop({"node-4"}));
  auto is_fenced = [this] {
    const metadata::Image* known = Known();
    const metadata::Node* node = known ? known->nodes.Find(NodeId(4)) : nullptr;
    return node && node->state == metadata::NodeState::kFenced;
  };
  EXPECT_TRUE(world().RunUntil(is_fenced, seconds(10)));
  EXPECT_EQ(Ask<admin::RemoveNodeResponse>("Nodes/RemoveNode", remove), "");
  EXPECT_FALSE(image().nodes.Contains(NodeId(4)));
  world().RunFor(seconds(2));
  Finish();
}

TEST_P(Moves, GoOnWhileProcessesDie) {
  MakeTopic("t", 6, 3);
  world().RunFor(seconds(3));
  admin::DrainNodeRequest drain;
  drain.set_name("nodes/2");
  EXPECT_EQ(Ask<admin::DrainNodeResponse>("Nodes/DrainNode", drain), "");
  world().RunFor(SomeTime());
  std::string controller = *cluster_.Resolve("active controller");
  cluster_.Kill(controller);
  world().RunFor(SomeTime());
  std::string node = world().chance().Coin() ? "node-2" : "node-3";
  cluster_.Kill(node);
  world().RunFor(seconds(2));
  cluster_.Restart(node);
  cluster_.Restart(controller);
  EXPECT_TRUE(world().RunUntil([this] { return ReplicasOn(2) == 0 && IsSettled(); }, seconds(60)))
      << ReplicasOn(2) << " replicas are left; " << cluster_.Ailments();
  Finish();
}

TEST_P(Moves, AreNotNeededForMorePartitions) {
  keys_may_move_ = true;
  MakeTopic("t", 2, 3);
  world().RunFor(seconds(3));
  admin::AddPartitionsRequest add;
  add.set_name("topics/t");
  add.set_partition_count(8);
  EXPECT_EQ(Ask<admin::AddPartitionsResponse>("Topics/AddPartitions", add), "");
  // Until the producer asks again where its topic lies.
  world().RunFor(seconds(40));
  metadata::Image now = image();
  int written = 0;
  now.ForEachPartition(now.TopicNamed("t")->id, [&](const PartitionId& id, const auto& partition) {
    auto* held = cluster_.node(NameOf(partition.leader))->partitions()->Find(id);
    written += held && held->high_watermark() > Offset(0) ? 1 : 0;
  });
  EXPECT_GT(written, 3) << "the producer writes to new partitions";
  Finish();
}

TEST_P(Moves, OfLeadershipGoBackToWhoIsPreferred) {
  MakeTopic("t", 8, 3);
  world().RunFor(seconds(2));
  auto all_preferred = [this] {
    const metadata::Image* known = Known();
    if (!known) return false;
    return std::ranges::all_of(known->partitions, [](const auto& each) {
      return each.second.leader == each.second.replicas.front().node;
    });
  };
  EXPECT_TRUE(all_preferred());
  cluster_.Kill("node-1");
  world().RunFor(seconds(5));
  cluster_.Restart("node-1");
  world().RunFor(seconds(30));
  EXPECT_FALSE(all_preferred());
  EXPECT_TRUE(world().RunUntil(all_preferred, seconds(60)));
  Finish();
}

TEST_P(Moves, AreNotNeededForADiskThatWasReplaced) {
  MakeTopic("t", 4, 3);
  world().RunFor(seconds(3));
  cluster_.Kill("node-3");
  world().RunFor(seconds(2));
  world().process("node-3").disk().Wipe();
  cluster_.Restart("node-3");
  EXPECT_TRUE(world().RunUntil([this] { return IsSettled(); }, seconds(60))) << cluster_.Ailments();
  Finish();
}

INSTANTIATE_TEST_SUITE_P(Seeds, Moves, testing::Range<uint64_t>(1, 6));

}  // namespace
}  // namespace weir::cluster
