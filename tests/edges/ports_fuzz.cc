// SPDX-License-Identifier: Apache-2.0
// Any bytes on any port of a whole cluster: the first byte of an input chooses the method, the rest
// is a request, or the messages of a stream. No process ends, and at the end the cluster is well.
#include <glog/logging.h>

#include <memory>

#include "common/records/batch_builder.h"
#include "proto/admin/admin.pb.h"
#include "proto/log/log.pb.h"
#include "proto/node/replication.pb.h"
#include "proto/node/session.pb.h"
#include "proto/raft/raft.pb.h"
#include "tests/cluster/cluster.h"
#include "tests/fuzz/target.h"

namespace weir::fuzz {
namespace {

const std::string kSixteen(16, 'x');

struct Port {
  const char* endpoint;
  const char* method;
  bool is_stream;
};

// An input of a port begins with its number here.
constexpr Port kPorts[] = {
    {"controller-1:9190", "/weir.node.v1.Sessions/Open", true},
    {"controller-2:9190", "/weir.node.v1.Sessions/Open", true},
    {"controller-3:9190", "/weir.node.v1.Sessions/Open", true},
    {"controller-1:9190", "/weir.raft.v1.Peers/Exchange", true},
    {"node-1:9293", "/weir.node.v1.Replication/Follow", true},
    {"controller-1:9190", "/weir.raft.v1.Birth/Found", false},
    {"node-1:9292", "/weir.log.v1.Log/Append", false},
    {"node-1:9292", "/weir.log.v1.Log/AppendStream", true},
    {"node-1:9292", "/weir.log.v1.Log/Fetch", false},
    {"node-1:9292", "/weir.log.v1.Log/FetchStream", true},
    {"node-1:9292", "/weir.log.v1.Log/Offsets", false},
    {"node-1:9292", "/weir.log.v1.Log/Locate", false},
    {"node-1:9292", "/weir.admin.v1.Topics/CreateTopic", false},
    {"node-1:9292", "/weir.admin.v1.Topics/DeleteTopic", false},
    {"node-1:9292", "/weir.admin.v1.Topics/ListTopics", false},
    {"node-1:9293", "/weir.node.v1.Replication/Copy", false},
};

struct Deaf : host::StreamEvents {
  void OnMessage(Bytes) override {}
  void OnEnd(host::CallStatus) override {}
};

// Booted once: what one input leaves behind the next one finds.
cluster::Cluster& TheCluster() {
  static const auto cluster = [] {
    auto made = std::make_unique<cluster::Cluster>(/*seed=*/7, cluster::ClusterShape{});
    CHECK(made->Boot());
    CHECK(made->CreateTopic("orders", 1, 3, {}));
    CHECK(made->RunUntilHealthy(std::chrono::seconds(10))) << made->Ailments();
    return made;
  }();
  return *cluster;
}

void CheckIsWell(cluster::Cluster& cluster) {
  CHECK(cluster.failures().empty()) << cluster.failures().front();
  for (const auto& name : cluster.controller_names()) CHECK(cluster.controller(name)) << name;
  for (const auto& name : cluster.node_names()) CHECK(cluster.node(name)) << name;
}

void Feed(std::string_view bytes) {
  if (bytes.empty()) return;
  cluster::Cluster& cluster = TheCluster();
  host::Network& network = cluster.client_process().host().network;
  const Port& port = kPorts[static_cast<unsigned char>(bytes[0]) % std::size(kPorts)];
  bytes.remove_prefix(1);
  if (port.is_stream) {
    auto stream = network.Open(port.endpoint, port.method, std::make_shared<Deaf>());
    for (std::string& message : Unframed(bytes)) {
      stream->Send({Bytes::FromString(std::move(message))});
      cluster.world().RunFor(std::chrono::milliseconds(1));
    }
    cluster.world().RunFor(std::chrono::milliseconds(5));
    stream->Finish({host::StatusCode::kCancelled, "enough", ""});
  } else {
    network.Call(port.endpoint, port.method, {Bytes::FromString(std::string(bytes))},
                 std::chrono::seconds(1), [](host::CallStatus, Bytes) {});
  }
  cluster.world().RunFor(std::chrono::milliseconds(5));
  CheckIsWell(cluster);
}

// A request, or the messages of a stream, for each port of that method.
void AddSeed(Target& target, std::string_view method, const std::vector<std::string>& messages) {
  for (size_t i = 0; i < std::size(kPorts); ++i) {
    if (!std::string_view(kPorts[i].method).ends_with(method)) continue;
    std::string input(1, static_cast<char>(i));
    input += kPorts[i].is_stream ? Framed(messages) : messages.front();
    target.seeds.push_back(std::move(input));
  }
}

std::string Hello(const std::string& cluster) {
  node::v1::FromNode message;
  auto* hello = message.mutable_register_();
  hello->set_cluster_id(cluster);
  hello->set_node_id(9);
  hello->set_incarnation(kSixteen);
  hello->add_directories(kSixteen);
  auto* feature = hello->add_features();
  feature->set_name("metadata");
  feature->set_min_level(1);
  feature->set_max_level(1);
  auto* listener = hello->add_listeners();
  listener->set_name("client");
  listener->set_host("nowhere");
  listener->set_port(1);
  return message.SerializeAsString();
}

void AddSessions(Target& target, const std::string& cluster, const std::string& topic) {
  node::v1::FromNode heartbeat;
  heartbeat.mutable_heartbeat()->set_ready(true);
  node::v1::FromNode isr;
  isr.mutable_change_isr()->set_topic_id(topic);
  isr.mutable_change_isr()->add_isr()->set_node_id(1);
  node::v1::FromNode ids;
  ids.mutable_allocate_producer_ids();
  node::v1::FromNode stop;
  stop.mutable_stop();
  AddSeed(target, "Sessions/Open",
          {Hello(cluster), heartbeat.SerializeAsString(), isr.SerializeAsString(),
           ids.SerializeAsString(), stop.SerializeAsString()});
}

// From a stranger: between voters Raft believes what it is told.
void AddPeers(Target& target, const std::string& cluster) {
  raft::v1::Message message;
  message.set_cluster_id(cluster);
  message.set_from(9);
  message.set_from_directory(kSixteen);
  message.set_to(1);
  message.set_to_directory(kSixteen);
  message.set_term(7);
  message.mutable_append_request()->add_entries()->set_index(1);
  AddSeed(target, "Exchange", {message.SerializeAsString()});
  raft::v1::FoundRequest found;
  found.set_cluster_id(kSixteen);
  found.set_controller_id(1);
  found.set_directory_id(kSixteen);
  AddSeed(target, "Found", {found.SerializeAsString()});
}

void AddReplication(Target& target, const std::string& cluster, const std::string& topic) {
  node::v1::FromFollower follow;
  follow.set_cluster_id(cluster);
  follow.set_node_id(2);
  follow.mutable_follow()->set_topic_id(topic);
  follow.mutable_follow()->set_last_epoch(-1);
  node::v1::FromFollower ack;
  ack.mutable_ack()->set_topic_id(topic);
  ack.mutable_ack()->set_appended(1);
  node::v1::FromFollower unfollow;
  unfollow.mutable_unfollow()->set_topic_id(topic);
  AddSeed(target, "Follow",
          {follow.SerializeAsString(), ack.SerializeAsString(), unfollow.SerializeAsString()});
}

void AddLog(Target& target, const std::string& topic) {
  records::BatchBuilder builder;
  builder.Add({0}, "key", "value");
  log::v1::AppendRequest append;
  append.set_topic_id(topic);
  append.set_acks(1);
  append.set_timeout_ms(100);
  append.set_records(builder.Build().ToString());
  AddSeed(target, "Append", {append.SerializeAsString()});
  AddSeed(target, "AppendStream", {append.SerializeAsString(), append.SerializeAsString()});
  log::v1::FetchRequest fetch;
  fetch.set_topic_id(topic);
  fetch.set_max_bytes(1000);
  fetch.set_max_wait_ms(10);
  AddSeed(target, "Fetch", {fetch.SerializeAsString()});
  AddSeed(target, "FetchStream", {fetch.SerializeAsString()});
  log::v1::OffsetsRequest offsets;
  offsets.set_topic_id(topic);
  AddSeed(target, "Offsets", {offsets.SerializeAsString()});
  log::v1::LocateRequest locate;
  locate.add_topics("orders");
  AddSeed(target, "Locate", {locate.SerializeAsString()});
}

void AddAdmin(Target& target) {
  admin::v1::CreateTopicRequest create;
  create.set_topic("fresh");
  create.set_partition_count(2);
  create.set_replication_factor(2);
  AddSeed(target, "CreateTopic", {create.SerializeAsString()});
  admin::v1::DeleteTopicRequest remove;
  remove.set_name("fresh");
  AddSeed(target, "DeleteTopic", {remove.SerializeAsString()});
  AddSeed(target, "ListTopics", {""});
}

}  // namespace

Target MakeTarget() {
  const metadata::Image& image = TheCluster().active()->machine().committed();
  const std::string cluster = image.cluster_id.ToBytes();
  const std::string topic = image.TopicNamed("orders")->id.ToBytes();
  Target target{.feed = Feed,
                // What a request may make of a cluster: a topic of many partitions on three nodes.
                .bytes_max = size_t{64} << 20,
                .inputs = 4'000};
  AddSessions(target, cluster, topic);
  AddPeers(target, cluster);
  AddReplication(target, cluster, topic);
  AddLog(target, topic);
  AddAdmin(target);
  return target;
}

}  // namespace weir::fuzz
