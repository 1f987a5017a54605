// SPDX-License-Identifier: Apache-2.0
// Admin requests that cannot be granted, and bytes that are no request at all, for every method of
// every process: each is refused with a reason and words, and changes nothing.
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "proto/admin/admin.pb.h"
#include "tests/edges/caller.h"

namespace weir::edges {
namespace {

using BadRequests = CallerTest;

struct Case {
  std::string what;
  std::string method;
  std::string request;
  std::string reason;
  std::string phrase;
};

template <class Request>
Case Row(std::string what, std::string method, std::function<void(Request&)> fill,
         std::string reason, std::string phrase) {
  Request request;
  fill(request);
  return {std::move(what), "/weir.admin.v1." + method, request.SerializeAsString(),
          std::move(reason), std::move(phrase)};
}

Case Create(std::string what, std::function<void(admin::v1::CreateTopicRequest&)> change,
            std::string reason, std::string phrase) {
  return Row<admin::v1::CreateTopicRequest>(
      std::move(what), "Topics/CreateTopic",
      [&](auto& r) {
        r.set_topic("fresh");
        r.set_partition_count(1);
        r.set_replication_factor(1);
        change(r);
      },
      std::move(reason), std::move(phrase));
}

void AddConfig(admin::v1::CreateTopicRequest& request, const std::string& key,
               const std::string& value) {
  auto* config = request.add_configs();
  config->set_key(key);
  config->set_value(value);
}

std::vector<Case> CreateCases() {
  return {
      Create(
          "no name", [](auto& r) { r.set_topic(""); }, "INVALID_TOPIC_EXCEPTION", "empty"),
      Create(
          "a dot", [](auto& r) { r.set_topic("."); }, "INVALID_TOPIC_EXCEPTION", "\".\""),
      Create(
          "two dots", [](auto& r) { r.set_topic(".."); }, "INVALID_TOPIC_EXCEPTION", "\"..\""),
      Create(
          "250 letters", [](auto& r) { r.set_topic(std::string(250, 'a')); },
          "INVALID_TOPIC_EXCEPTION", "at most 249"),
      Create(
          "a space", [](auto& r) { r.set_topic("a b"); }, "INVALID_TOPIC_EXCEPTION", "position 2"),
      Create(
          "a slash", [](auto& r) { r.set_topic("../etc"); }, "INVALID_TOPIC_EXCEPTION",
          "position 3"),
      Create(
          "a zero byte", [](auto& r) { r.set_topic(std::string("a\0b", 3)); },
          "INVALID_TOPIC_EXCEPTION", "position 2"),
      Create(
          "another alphabet", [](auto& r) { r.set_topic("caf\xc3\xa9"); },
          "INVALID_TOPIC_EXCEPTION", "position 4"),
      Create(
          "there already", [](auto& r) { r.set_topic("orders"); }, "TOPIC_ALREADY_EXISTS",
          "exists already"),
      Create(
          "no partitions", [](auto& r) { r.set_partition_count(0); }, "INVALID_PARTITIONS",
          "not 0"),
      Create(
          "fewer than none", [](auto& r) { r.set_partition_count(-3); }, "INVALID_PARTITIONS",
          "not -3"),
      Create(
          "too many partitions", [](auto& r) { r.set_partition_count(INT32_MAX); },
          "INVALID_PARTITIONS", "not 2147483647"),
      Create(
          "more replicas than nodes", [](auto& r) { r.set_replication_factor(4); },
          "INVALID_REPLICATION_FACTOR", "use 1 to 3"),
      Create(
          "fewer replicas than none", [](auto& r) { r.set_replication_factor(-1); },
          "INVALID_REPLICATION_FACTOR", "use 1 to 3"),
      Create(
          "an unknown config", [](auto& r) { AddConfig(r, "retention.mss", "1"); },
          "INVALID_CONFIG", "nearest that is known is \"retention.ms\""),
      Create(
          "a config without a number", [](auto& r) { AddConfig(r, "retention.ms", "soon"); },
          "INVALID_CONFIG", "a whole number"),
      Create(
          "a config beyond its range", [](auto& r) { AddConfig(r, "min.insync.replicas", "0"); },
          "INVALID_CONFIG", "a whole number from 1"),
      Create(
          "a config beyond all numbers",
          [](auto& r) { AddConfig(r, "retention.ms", "99999999999999999999"); }, "INVALID_CONFIG",
          "a whole number"),
      Create(
          "a word that is no choice", [](auto& r) { AddConfig(r, "weir.durability", "hope"); },
          "INVALID_CONFIG", "cache, flush"),
      Create(
          "a request id of 3 bytes", [](auto& r) { r.set_request_id("abc"); }, "INVALID_REQUEST",
          "16 bytes"),
  };
}

template <class Request>
Case Named(std::string what, std::string method, std::string name, std::string reason,
           std::string phrase) {
  return Row<Request>(
      std::move(what), std::move(method), [&](auto& r) { r.set_name(name); }, std::move(reason),
      std::move(phrase));
}

template <class Request>
Case Paged(std::string method, int32_t size, std::string token, std::string phrase) {
  return Row<Request>(
      method + " " + std::to_string(size) + " " + token, method,
      [&](auto& r) {
        r.set_page_size(size);
        r.set_page_token(token);
      },
      "INVALID_REQUEST", std::move(phrase));
}

Case Update(std::string what, std::string name, std::string key, std::string value,
            std::string reason, std::string phrase) {
  return Row<admin::v1::UpdateConfigsRequest>(
      std::move(what), "Configs/UpdateConfigs",
      [&](auto& r) {
        r.set_name(name);
        auto* config = r.add_set();
        config->set_key(key);
        config->set_value(value);
      },
      std::move(reason), std::move(phrase));
}

std::vector<Case> OtherCases() {
  using admin::v1::DeleteTopicRequest;
  using admin::v1::GetConfigsRequest;
  using admin::v1::GetNodeRequest;
  using admin::v1::GetTopicRequest;
  using admin::v1::ListNodesRequest;
  using admin::v1::ListPartitionsRequest;
  using admin::v1::ListTopicsRequest;
  constexpr char kNoTopic[] = "UNKNOWN_TOPIC_OR_PARTITION";
  return {
      Named<GetTopicRequest>("unknown", "Topics/GetTopic", "topics/no", kNoTopic, "'no'"),
      Named<GetTopicRequest>("no prefix", "Topics/GetTopic", "orders", "INVALID_REQUEST",
                             "topics/{topic}"),
      Named<DeleteTopicRequest>("unknown", "Topics/DeleteTopic", "topics/no", kNoTopic, "'no'"),
      Named<DeleteTopicRequest>("nothing", "Topics/DeleteTopic", "topics/", "INVALID_REQUEST",
                                "topics/{topic}"),
      Named<GetNodeRequest>("unknown", "Nodes/GetNode", "nodes/9", "BROKER_ID_NOT_REGISTERED",
                            "node 9"),
      Named<GetNodeRequest>("negative", "Nodes/GetNode", "nodes/-1", "INVALID_REQUEST",
                            "nodes/{id}"),
      Named<GetNodeRequest>("too large", "Nodes/GetNode", "nodes/4294967296", "INVALID_REQUEST",
                            "nodes/{id}"),
      Named<GetConfigsRequest>("nowhere", "Configs/GetConfigs", "configs/x", "INVALID_REQUEST",
                               "configs/cluster"),
      Named<GetConfigsRequest>("unknown", "Configs/GetConfigs", "configs/topics/no", kNoTopic,
                               "'no'"),
      Row<ListPartitionsRequest>(
          "unknown", "Partitions/ListPartitions", [](auto& r) { r.set_parent("topics/no"); },
          kNoTopic, "'no'"),
      Row<ListPartitionsRequest>(
          "a token of nobody's", "Partitions/ListPartitions",
          [](auto& r) {
            r.set_parent("topics/orders");
            r.set_page_token("1:zebra");
          },
          "INVALID_REQUEST", "page_token"),
      Paged<ListTopicsRequest>("Topics/ListTopics", -1, "", "page_size"),
      Paged<ListTopicsRequest>("Topics/ListTopics", 1001, "", "page_size"),
      Paged<ListTopicsRequest>("Topics/ListTopics", 0, "2:orders", "page_token"),
      Paged<ListNodesRequest>("Nodes/ListNodes", 0, "1:zebra", "page_token"),
      Paged<ListNodesRequest>("Nodes/ListNodes", 0, "1:-4", "page_token"),
      Update("unknown topic", "configs/topics/no", "retention.ms", "1", kNoTopic, "'no'"),
      Update("unknown key", "configs/topics/orders", "retention", "1", "INVALID_CONFIG",
             "nearest that is known"),
      Update("bad value", "configs/topics/orders", "segment.bytes", "1", "INVALID_CONFIG",
             "1048576"),
      Update("a node's", "configs/nodes/1", "retention.ms", "1", "INVALID_CONFIG",
             "no configs of their own"),
      Update("the cluster's", "configs/cluster", "no.such", "1", "INVALID_CONFIG", "no.such"),
  };
}

Case MoveOf(std::string what, std::string partition, std::vector<int32_t> nodes, std::string reason,
            std::string phrase) {
  return Row<admin::v1::ReassignPartitionsRequest>(
      std::move(what), "Partitions/ReassignPartitions",
      [&](auto& r) {
        auto* move = r.add_moves();
        move->set_name(partition);
        for (int32_t node : nodes) move->add_replicas(node);
      },
      std::move(reason), std::move(phrase));
}

std::vector<Case> OperatingCases() {
  using admin::v1::AddPartitionsRequest;
  using admin::v1::CancelReassignmentsRequest;
  using admin::v1::DecommissionNodeRequest;
  using admin::v1::DrainNodeRequest;
  using admin::v1::ElectLeadersRequest;
  using admin::v1::ReassignPartitionsRequest;
  using admin::v1::RemoveNodeRequest;
  using admin::v1::UndrainNodeRequest;
  using admin::v1::UpgradeFeatureRequest;
  const std::string first = "topics/orders/partitions/0";
  auto upgrade = [](std::string name, int32_t level, std::string phrase) {
    return Row<UpgradeFeatureRequest>(
        name, "Features/UpgradeFeature",
        [&](auto& r) {
          r.set_name("features/" + name);
          r.set_level(level);
        },
        "FEATURE_UPDATE_FAILED", phrase);
  };
  return {
      Named<DrainNodeRequest>("no place", "Nodes/DrainNode", "nodes/1",
                              "INVALID_REPLICA_ASSIGNMENT", "start one more node"),
      Named<DrainNodeRequest>("unknown", "Nodes/DrainNode", "nodes/9", "BROKER_ID_NOT_REGISTERED",
                              "node 9"),
      Named<DecommissionNodeRequest>("no place", "Nodes/DecommissionNode", "nodes/2",
                                     "INVALID_REPLICA_ASSIGNMENT", "start one more node"),
      Named<UndrainNodeRequest>("no node", "Nodes/UndrainNode", "3", "INVALID_REQUEST",
                                "nodes/{id}"),
      Named<RemoveNodeRequest>("full", "Nodes/RemoveNode", "nodes/1", "OPERATION_NOT_ATTEMPTED",
                               "decommission it first"),
      Row<AddPartitionsRequest>(
          "fewer", "Topics/AddPartitions",
          [](auto& r) {
            r.set_name("topics/orders");
            r.set_partition_count(0);
          },
          "INVALID_PARTITIONS", "cannot become fewer"),
      Named<AddPartitionsRequest>("unknown", "Topics/AddPartitions", "topics/no",
                                  "UNKNOWN_TOPIC_OR_PARTITION", "'no'"),
      MoveOf("nowhere", first, {}, "INVALID_REPLICA_ASSIGNMENT", "name the nodes"),
      MoveOf("to nobody", first, {1, 7}, "INVALID_REPLICA_ASSIGNMENT", "node 7"),
      MoveOf("twice to one", first, {1, 1}, "INVALID_REPLICA_ASSIGNMENT", "named twice"),
      MoveOf("of nothing", "topics/orders/partitions/1", {1}, "UNKNOWN_TOPIC_OR_PARTITION",
             "no partition 1"),
      MoveOf("of no name", "orders/0", {1}, "INVALID_REQUEST", "topics/{topic}/partitions/{n}"),
      MoveOf("of a negative", "topics/orders/partitions/-1", {1}, "INVALID_REQUEST", "n from 0"),
      Row<ReassignPartitionsRequest>(
          "of none", "Partitions/ReassignPartitions", [](auto&) {}, "INVALID_REQUEST",
          "1 to 1000 partitions"),
      Row<CancelReassignmentsRequest>(
          "not moving", "Partitions/CancelReassignments", [&](auto& r) { r.add_names(first); },
          "NO_REASSIGNMENT_IN_PROGRESS", "not moving"),
      Row<ElectLeadersRequest>(
          "without saying how", "Partitions/ElectLeaders", [&](auto& r) { r.add_names(first); },
          "INVALID_REQUEST", "ELECTION_UNCLEAN"),
      Row<ElectLeadersRequest>(
          "too many", "Partitions/ElectLeaders",
          [&](auto& r) {
            r.set_election(ElectLeadersRequest::ELECTION_PREFERRED);
            for (int i = 0; i < 1001; ++i) r.add_names(first);
          },
          "INVALID_REQUEST", "not 1001"),
      upgrade("metadata", 0, "cannot go back"),
      upgrade("metadata", 2, "start a newer version"),
      upgrade("colours", 1, "'metadata'"),
  };
}

TEST_F(BadRequests, ToOperateTheClusterAreRefusedWithTheirReason) {
  LogIndex before = cluster_.active()->machine().committed().index;
  for (const Case& row : OperatingCases()) {
    SCOPED_TRACE(row.method + ": " + row.what);
    ExpectRefused(Call("node-1:9292", row.method, row.request), row.reason, row.phrase);
    ExpectRefused(Call(ActiveEndpoint(), row.method, row.request), row.reason, row.phrase);
  }
  EXPECT_EQ(cluster_.active()->machine().committed().index, before);
}

TEST_F(BadRequests, ForATopicAreRefusedWithTheirReason) {
  for (const Case& row : CreateCases()) {
    SCOPED_TRACE(row.what);
    ExpectRefused(Call("node-2:9292", row.method, row.request), row.reason, row.phrase);
    ExpectRefused(Call(ActiveEndpoint(), row.method, row.request), row.reason, row.phrase);
  }
  EXPECT_EQ(cluster_.active()->machine().committed().topics.size(), 1u);
}

TEST_F(BadRequests, ForWhatIsNotThereAreRefusedWithTheirReason) {
  for (const Case& row : OtherCases()) {
    SCOPED_TRACE(row.method + ": " + row.what);
    ExpectRefused(Call("node-3:9292", row.method, row.request), row.reason, row.phrase);
  }
}

TEST_F(BadRequests, ThePageAfterTheLastNodeIsEmpty) {
  admin::v1::ListNodesRequest request;
  request.set_page_token("1:2147483647");
  Answered answered =
      Call("node-1:9292", "/weir.admin.v1.Nodes/ListNodes", request.SerializeAsString());
  ASSERT_TRUE(answered.status.ok()) << answered.status.message;
  admin::v1::ListNodesResponse response;
  ASSERT_TRUE(response.ParseFromString(answered.bytes));
  EXPECT_EQ(response.nodes_size(), 0);

  admin::v1::ListPartitionsRequest last;
  last.set_parent("topics/orders");
  last.set_page_token("1:" + TopicId::FromBytes(topic_id())->ToString() + "/2147483647");
  answered =
      Call("node-1:9292", "/weir.admin.v1.Partitions/ListPartitions", last.SerializeAsString());
  ASSERT_TRUE(answered.status.ok()) << answered.status.message;
  admin::v1::ListPartitionsResponse partitions;
  ASSERT_TRUE(partitions.ParseFromString(answered.bytes));
  EXPECT_EQ(partitions.partitions_size(), 0);
}

TEST_F(BadRequests, AnUnknownTopicIsLocatedNowhere) {
  log::v1::LocateRequest request;
  request.add_topics("no");
  request.add_topics("");
  Answered answered = Call("node-1:9292", "/weir.log.v1.Log/Locate", request.SerializeAsString());
  ASSERT_TRUE(answered.status.ok());
  log::v1::LocateResponse response;
  ASSERT_TRUE(response.ParseFromString(answered.bytes));
  ASSERT_EQ(response.topics_size(), 2);
  for (const auto& topic : response.topics()) {
    EXPECT_EQ(topic.error_code(), static_cast<int32_t>(ErrorCode::kUnknownTopicOrPartition));
  }
  // Metadata that nobody has yet is not waited for without end.
  request.set_min_metadata_index(INT64_MAX);
  ExpectRefused(Call("node-1:9292", "/weir.log.v1.Log/Locate", request.SerializeAsString()),
                "REQUEST_TIMED_OUT", "was asked for");
}

struct Method {
  std::string endpoint;
  std::string name;
  bool is_stream = false;
};

std::vector<Method> AllMethods(const std::string& controller, const std::string& node) {
  std::vector<Method> methods;
  for (const char* name : {"Cluster/GetCluster",
                           "Cluster/DescribeQuorum",
                           "Nodes/ListNodes",
                           "Nodes/GetNode",
                           "Topics/CreateTopic",
                           "Topics/GetTopic",
                           "Topics/ListTopics",
                           "Topics/DeleteTopic",
                           "Partitions/ListPartitions",
                           "Configs/GetConfigs",
                           "Configs/UpdateConfigs",
                           "Nodes/DrainNode",
                           "Nodes/DecommissionNode",
                           "Nodes/UndrainNode",
                           "Nodes/RemoveNode",
                           "Topics/AddPartitions",
                           "Partitions/ElectLeaders",
                           "Partitions/ReassignPartitions",
                           "Partitions/CancelReassignments",
                           "Features/ListFeatures",
                           "Features/UpgradeFeature"}) {
    methods.push_back({node + ":9292", std::string("/weir.admin.v1.") + name});
    methods.push_back({controller, std::string("/weir.admin.v1.") + name});
  }
  for (const char* name :
       {"Locate", "InitProducer", "Append", "Fetch", "Offsets", "OffsetForTime", "DeleteRecords"}) {
    methods.push_back({node + ":9292", std::string("/weir.log.v1.Log/") + name});
  }
  methods.push_back({node + ":9292", "/weir.log.v1.Log/AppendStream", true});
  methods.push_back({node + ":9292", "/weir.log.v1.Log/FetchStream", true});
  methods.push_back({node + ":9293", "/weir.node.v1.Replication/Follow", true});
  methods.push_back({node + ":9293", "/weir.node.v1.Replication/Copy"});
  methods.push_back({controller, "/weir.node.v1.Sessions/Open", true});
  methods.push_back({controller, "/weir.raft.v1.Peers/Exchange", true});
  methods.push_back({controller, "/weir.raft.v1.Birth/Found"});
  return methods;
}

TEST_F(BadRequests, GarbageIsRefusedByEveryMethod) {
  const std::string garbage = "\xff\xff\xff\xff\xff garbage";
  for (const Method& method : AllMethods(ActiveEndpoint(), leader())) {
    SCOPED_TRACE(method.endpoint + method.name);
    Answered answered = method.is_stream ? Stream(method.endpoint, method.name, {garbage, garbage})
                                         : Call(method.endpoint, method.name, garbage);
    EXPECT_TRUE(answered.ended);
    EXPECT_EQ(answered.status.code, host::StatusCode::kInvalidArgument) << answered.status.message;
    EXPECT_NE(answered.status.message, "");
  }
  ExpectRefused(Call("node-1:9292", "/weir.log.v1.Log/NoSuch", ""), "", "");
}

TEST_F(BadRequests, WhateverIsSentIsAnswered) {
  sim::Chance& chance = cluster_.world().chance();
  std::set<std::string> unanswered;
  for (int round = 0; round < 40; ++round) {
    std::string bytes(chance.Below(40), '\0');
    for (char& byte : bytes) byte = static_cast<char>(chance.Below(256));
    for (const Method& method : AllMethods(ActiveEndpoint(), leader())) {
      if (method.is_stream) {
        // One that understands an empty message waits for the next: only its end is optional.
        Stream(method.endpoint, method.name, {bytes, bytes}, std::chrono::milliseconds(20));
      } else if (!Call(method.endpoint, method.name, bytes).ended) {
        unanswered.insert(method.name);
      }
    }
  }
  EXPECT_TRUE(unanswered.empty()) << *unanswered.begin();
}

}  // namespace
}  // namespace weir::edges
