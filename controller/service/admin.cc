// SPDX-License-Identifier: Apache-2.0
#include "controller/service/admin.h"

#include <map>
#include <utility>
#include <vector>

#include "common/edge/methods.h"
#include "common/metadata/records.h"
#include "common/metadata/topic_config.h"
#include "controller/service/names.h"

namespace weir::service {
namespace {

using host::Caller;
using host::CallStatus;

constexpr char kPrefix[] = "/weir.admin.v1.";

// How much of a cluster one node carries.
struct Load {
  int32_t replicas = 0;
  int32_t leaders = 0;
  std::map<DirectoryId, int32_t> by_directory;
};

std::map<NodeId, Load> LoadOf(const metadata::Image& image) {
  std::map<NodeId, Load> load;
  for (const auto& [id, partition] : image.partitions) {
    for (const auto& replica : partition.replicas) {
      Load& node = load[replica.node];
      ++node.replicas;
      ++node.by_directory[replica.directory];
    }
    if (partition.leader != kNoNode) ++load[partition.leader].leaders;
  }
  return load;
}

admin::v1::Node Describe(const metadata::Node& node, const Load& load) {
  admin::v1::Node out;
  out.set_name("nodes/" + std::to_string(node.id.value()));
  out.set_node_id(node.id.value());
  out.set_node_epoch(node.epoch.value());
  out.set_state(std::string(NameOf(node.state)));
  out.set_rack(node.rack);
  for (const auto& listener : node.listeners) *out.add_listeners() = metadata::ToProto(listener);
  out.set_replica_count(load.replicas);
  out.set_leader_count(load.leaders);
  out.set_version(node.version);
  out.set_duty(std::string(NameOf(node.duty)));
  out.set_failed_directory_count(static_cast<int32_t>(node.failed_directories.size()));
  auto add = [&out](const DirectoryId& id, const char* state, int32_t replicas) {
    auto* directory = out.add_directories();
    directory->set_directory_id(id.ToBytes());
    directory->set_state(state);
    directory->set_replica_count(replicas);
  };
  std::map<DirectoryId, int32_t> rest = load.by_directory;
  for (const DirectoryId& id : node.directories) {
    add(id, node.Offers(id) ? "working" : "failed", rest[id]);
    rest.erase(id);
  }
  for (const auto& [id, replicas] : rest) add(id, "gone", replicas);
  return out;
}

admin::v1::Topic Describe(const metadata::Image& image, const metadata::Topic& topic) {
  admin::v1::Topic out;
  out.set_name("topics/" + topic.name);
  out.set_topic_id(topic.id.ToBytes());
  out.set_partition_count(image.PartitionCount(topic.id));
  const auto* first = image.partitions.Find({topic.id, PartitionIndex(0)});
  if (first) out.set_replication_factor(static_cast<int32_t>(first->replicas.size()));
  out.set_created_at_ms(topic.created_at.ms);
  return out;
}

admin::v1::Partition Describe(const std::string& topic, PartitionIndex index,
                              const metadata::Partition& partition) {
  admin::v1::Partition out;
  out.set_name("topics/" + topic + "/partitions/" + std::to_string(index.value()));
  out.set_partition(index.value());
  out.set_leader(partition.leader.value());
  out.set_leader_epoch(partition.leader_epoch.value());
  out.set_partition_epoch(partition.partition_epoch.value());
  for (const auto& replica : partition.replicas) out.add_replicas(replica.node.value());
  for (NodeId node : partition.isr) out.add_isr(node.value());
  for (NodeId node : partition.eligible_leaders) out.add_eligible_leaders(node.value());
  for (NodeId node : partition.adding) out.add_adding(node.value());
  for (NodeId node : partition.removing) out.add_removing(node.value());
  return out;
}

Refusal NoTopic(const std::string& name) {
  return {ErrorCode::kUnknownTopicOrPartition, "there is no topic '" + name + "'"};
}

std::vector<std::pair<std::string, std::string>> PairsOf(
    const google::protobuf::RepeatedPtrField<admin::v1::Config>& configs) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const auto& config : configs) pairs.emplace_back(config.key(), config.value());
  return pairs;
}

}  // namespace

Admin::Admin(host::Host host, MetadataDriver* machine, const ActiveController* active,
             std::function<quorum::Quorum*()> quorum)
    : host_(host), machine_(machine), active_(active), quorum_(std::move(quorum)) {}

template <class Response>
bool Admin::Redirected(edge::Respond<Response>& respond) const {
  if (machine_->is_active()) return false;
  respond(active_->Redirect(), {});
  return true;
}

template <class Request, class Response>
void Admin::Read(host::Methods& methods, const std::string& name,
                 Answer<Response> (Admin::*answer)(const Request&) const) {
  methods[kPrefix + name] = edge::Unary<Request, Response>(
      [this, answer](const Caller&, Request request, edge::Respond<Response> respond) {
        if (Redirected(respond)) return;
        // A leader that was cut off has not heard of it yet: what it says might be old.
        quorum_()->AwaitReadable([this, answer, request = std::move(request),
                                  respond = std::move(respond)](bool is_readable) mutable {
          if (!is_readable) return respond(active_->Redirect(), {});
          edge::RespondWith(respond, (this->*answer)(request));
        });
      });
}

template <class Request, class Response>
void Admin::Change(host::Methods& methods, const std::string& name,
                   Answer<decide::Command> (Admin::*command)(const Request&) const,
                   Response (Admin::*response)(const decide::Outcome&) const) {
  methods[kPrefix + name] = edge::Unary<Request, Response>(
      [this, command, response](const Caller&, Request request, edge::Respond<Response> respond) {
        if (Redirected(respond)) return;
        auto asked = (this->*command)(request);
        if (!asked) return respond(edge::ToStatus(asked.error()), {});
        auto tell = [this, response,
                     respond = std::move(respond)](MetadataDriver::Told told) mutable {
          if (!told.answer) {
            // Whoever leads now may have the entry: the caller asks there, with its request id.
            bool lost = told.answer.error().code == ErrorCode::kNotController;
            return respond(lost ? active_->Redirect() : edge::ToStatus(told.answer.error()), {});
          }
          Response out = (this->*response)(*told.answer);
          out.set_metadata_index(told.index);
          respond(CallStatus::Ok(), std::move(out));
        };
        if (!request.request_id().empty()) return Submit(*asked, std::move(tell));
        // A refusal without an id leaves no entry, by which one that was cut off would find out.
        quorum_()->AwaitReadable([this, command = *std::move(asked),
                                  tell = std::move(tell)](bool is_readable) mutable {
          if (is_readable) return Submit(command, std::move(tell));
          tell({Refuse(ErrorCode::kNotController, "this controller does not lead any more"), 0});
        });
      });
}

// What is too large for one entry is asked for until its last part is decided.
void Admin::Submit(const decide::Command& command, MetadataDriver::Done done) {
  machine_->Submit(command, {host_.clock.Now(), host_.clock.WallNow()},
                   [this, command, done = std::move(done)](MetadataDriver::Told told) mutable {
                     bool is_part =
                         told.answer && std::holds_alternative<decide::DecidedInPart>(*told.answer);
                     if (is_part) return Submit(command, std::move(done));
                     done(std::move(told));
                   });
}

host::Methods Admin::Methods() {
  host::Methods methods;
  Read(methods, "Cluster/GetCluster", &Admin::GetCluster);
  Read(methods, "Cluster/DescribeQuorum", &Admin::DescribeQuorum);
  Change(methods, "Cluster/AddController", &Admin::AddController,
         &Admin::Done<admin::v1::AddControllerResponse>);
  Change(methods, "Cluster/RemoveController", &Admin::RemoveController,
         &Admin::Done<admin::v1::RemoveControllerResponse>);
  methods[std::string(kPrefix) + "Cluster/TransferLeadership"] =
      edge::Unary<admin::v1::TransferLeadershipRequest, admin::v1::TransferLeadershipResponse>(
          [this](const Caller&, auto request, auto respond) {
            if (!Redirected(respond)) TransferLeadership(request, std::move(respond));
          });
  Read(methods, "Nodes/ListNodes", &Admin::ListNodes);
  Read(methods, "Nodes/GetNode", &Admin::GetNode);
  Read(methods, "Topics/GetTopic", &Admin::GetTopic);
  Read(methods, "Topics/ListTopics", &Admin::ListTopics);
  Read(methods, "Partitions/ListPartitions", &Admin::ListPartitions);
  Read(methods, "Configs/GetConfigs", &Admin::GetConfigs);
  Change(methods, "Topics/CreateTopic", &Admin::CreateTopic, &Admin::TopicCreated);
  Change(methods, "Topics/DeleteTopic", &Admin::DeleteTopic,
         &Admin::Done<admin::v1::DeleteTopicResponse>);
  Change(methods, "Configs/UpdateConfigs", &Admin::UpdateConfigs,
         &Admin::Done<admin::v1::UpdateConfigsResponse>);
  Read(methods, "Features/ListFeatures", &Admin::ListFeatures);
  Change(methods, "Features/UpgradeFeature", &Admin::UpgradeFeature,
         &Admin::Done<admin::v1::UpgradeFeatureResponse>);
  Change(methods, "Nodes/DrainNode", &Admin::DrainNode, &Admin::Done<admin::v1::DrainNodeResponse>);
  Change(methods, "Nodes/DecommissionNode", &Admin::DecommissionNode,
         &Admin::Done<admin::v1::DecommissionNodeResponse>);
  Change(methods, "Nodes/UndrainNode", &Admin::UndrainNode,
         &Admin::Done<admin::v1::UndrainNodeResponse>);
  Change(methods, "Nodes/RemoveNode", &Admin::RemoveNode,
         &Admin::Done<admin::v1::RemoveNodeResponse>);
  Change(methods, "Topics/AddPartitions", &Admin::AddPartitions, &Admin::PartitionsAdded);
  Change(methods, "Partitions/ElectLeaders", &Admin::ElectLeaders, &Admin::LeadersElected);
  Change(methods, "Partitions/ReassignPartitions", &Admin::ReassignPartitions,
         &Admin::Done<admin::v1::ReassignPartitionsResponse>);
  Change(methods, "Partitions/CancelReassignments", &Admin::CancelReassignments,
         &Admin::Done<admin::v1::CancelReassignmentsResponse>);
  return methods;
}

Answer<admin::v1::GetClusterResponse> Admin::GetCluster(const admin::v1::GetClusterRequest&) const {
  admin::v1::GetClusterResponse response;
  response.set_cluster_id(image().cluster_id.ToBytes());
  response.set_active_controller(image().opened_by.value());
  response.set_node_count(static_cast<int32_t>(image().nodes.size()));
  int32_t active = 0;
  for (const auto& [id, node] : image().nodes) active += node.is_active() ? 1 : 0;
  response.set_active_node_count(active);
  response.set_topic_count(static_cast<int32_t>(image().topics.size()));
  response.set_partition_count(static_cast<int32_t>(image().partitions.size()));
  int32_t leaderless = 0;
  int32_t under_replicated = 0;
  for (const auto& [id, partition] : image().partitions) {
    leaderless += partition.leader == kNoNode ? 1 : 0;
    under_replicated += partition.is_under_replicated() ? 1 : 0;
  }
  response.set_leaderless_partition_count(leaderless);
  response.set_under_replicated_partition_count(under_replicated);
  response.set_metadata_index(image().index.value());
  response.set_created_at_ms(image().created_at.ms);
  return response;
}

Answer<admin::v1::DescribeQuorumResponse> Admin::DescribeQuorum(
    const admin::v1::DescribeQuorumRequest&) const {
  admin::v1::DescribeQuorumResponse response;
  auto described = quorum_()->Describe();
  response.set_leader(described.leader ? described.leader->id.value() : kNoController.value());
  response.set_term(described.term.value());
  response.set_commit_index(described.commit.value());
  response.set_last_index(described.last.value());
  response.set_snapshot_index(described.snapshot.value());
  response.set_log_begin_index(described.begin.value());
  for (const auto& known : described.voters) {
    auto* voter = response.add_voters();
    voter->set_learner(known.voter.is_learner);
    voter->set_controller_id(known.voter.id.controller.value());
    voter->set_directory_id(known.voter.id.directory.ToBytes());
    voter->set_endpoint(known.voter.endpoint);
    voter->set_match_index(known.match.value());
    voter->set_silent_ms(
        std::chrono::duration_cast<std::chrono::milliseconds>(known.silence).count());
  }
  return response;
}

Answer<admin::v1::ListNodesResponse> Admin::ListNodes(
    const admin::v1::ListNodesRequest& request) const {
  auto page = PageOf(request.page_size(), request.page_token());
  if (!page) return std::unexpected(page.error());
  NodeId after = kNoNode;
  if (!page->after.empty()) {
    auto last = NodeIn("nodes/" + page->after);
    if (!last) {
      return Refuse(ErrorCode::kInvalidRequest, "page_token is not one that this list gave out");
    }
    after = *last;
  }
  admin::v1::ListNodesResponse response;
  auto load = LoadOf(image());
  // Never the number after it, which the last of all numbers lacks.
  auto at = image().nodes.LowerBound(after);
  if (at != image().nodes.end() && at->first == after) ++at;
  for (; at != image().nodes.end(); ++at) {
    if (response.nodes_size() == static_cast<int>(page->size)) {
      response.set_next_page_token(
          TokenAfter(std::to_string(response.nodes(response.nodes_size() - 1).node_id())));
      break;
    }
    *response.add_nodes() = Describe(at->second, load[at->first]);
  }
  response.set_metadata_index(image().index.value());
  return response;
}

Answer<admin::v1::GetNodeResponse> Admin::GetNode(const admin::v1::GetNodeRequest& request) const {
  auto id = NodeIn(request.name());
  if (!id) return std::unexpected(id.error());
  const metadata::Node* node = image().nodes.Find(*id);
  if (!node) {
    return Refuse(ErrorCode::kBrokerIdNotRegistered,
                  "no node " + std::to_string(id->value()) + " has ever registered");
  }
  admin::v1::GetNodeResponse response;
  *response.mutable_node() = Describe(*node, LoadOf(image())[*id]);
  response.set_metadata_index(image().index.value());
  return response;
}

Answer<admin::v1::GetTopicResponse> Admin::GetTopic(
    const admin::v1::GetTopicRequest& request) const {
  auto name = TopicIn(request.name());
  if (!name) return std::unexpected(name.error());
  const metadata::Topic* topic = image().TopicNamed(*name);
  if (!topic) return std::unexpected(NoTopic(*name));
  admin::v1::GetTopicResponse response;
  *response.mutable_topic() = Describe(image(), *topic);
  image().ForEachPartition(topic->id, [&](const PartitionId& id, const auto& partition) {
    *response.add_partitions() = Describe(topic->name, id.index, partition);
  });
  response.set_metadata_index(image().index.value());
  return response;
}

Answer<admin::v1::ListTopicsResponse> Admin::ListTopics(
    const admin::v1::ListTopicsRequest& request) const {
  auto page = PageOf(request.page_size(), request.page_token());
  if (!page) return std::unexpected(page.error());
  admin::v1::ListTopicsResponse response;
  auto at = image().topic_ids.LowerBound(page->after);
  if (at != image().topic_ids.end() && at->first == page->after) ++at;
  std::string last;
  for (; at != image().topic_ids.end(); ++at) {
    if (response.topics_size() == static_cast<int>(page->size)) {
      response.set_next_page_token(TokenAfter(last));
      break;
    }
    last = at->first;
    *response.add_topics() = Describe(image(), *image().topics.Find(at->second));
  }
  response.set_metadata_index(image().index.value());
  return response;
}

Answer<admin::v1::ListPartitionsResponse> Admin::ListPartitions(
    const admin::v1::ListPartitionsRequest& request) const {
  auto page = PageOf(request.page_size(), request.page_token());
  if (!page) return std::unexpected(page.error());
  auto name = TopicIn(request.parent());
  if (!name) return std::unexpected(name.error());
  const metadata::Topic* only = *name == "-" ? nullptr : image().TopicNamed(*name);
  if (*name != "-" && !only) return std::unexpected(NoTopic(*name));
  // A page's key is the partition's identity: names may come and go between two pages.
  PartitionId from{only ? only->id : TopicId(), PartitionIndex(0)};
  if (!page->after.empty()) {
    size_t slash = page->after.find('/');
    auto topic = TopicId::Parse(page->after.substr(0, slash));
    auto index = NodeIn("nodes/" + page->after.substr(slash + 1));
    if (slash == std::string::npos || !topic || !index) {
      return Refuse(ErrorCode::kInvalidRequest, "page_token is not one that this list gave out");
    }
    from = {*topic, PartitionIndex(index->value())};
  }
  admin::v1::ListPartitionsResponse response;
  std::string last;
  auto at = image().partitions.LowerBound(from);
  if (!page->after.empty() && at != image().partitions.end() && at->first == from) ++at;
  for (; at != image().partitions.end(); ++at) {
    if (only && at->first.topic != only->id) break;
    if (response.partitions_size() == static_cast<int>(page->size)) {
      response.set_next_page_token(TokenAfter(last));
      break;
    }
    last = at->first.topic.ToString() + "/" + std::to_string(at->first.index.value());
    const metadata::Topic* topic = image().topics.Find(at->first.topic);
    *response.add_partitions() = Describe(topic->name, at->first.index, at->second);
  }
  response.set_metadata_index(image().index.value());
  return response;
}

Answer<admin::v1::GetConfigsResponse> Admin::GetConfigs(
    const admin::v1::GetConfigsRequest& request) const {
  auto target = ConfigTargetIn(request.name());
  if (!target) return std::unexpected(target.error());
  admin::v1::GetConfigsResponse response;
  response.set_metadata_index(image().index.value());
  if (const auto* of = std::get_if<TopicConfigs>(&*target)) {
    const metadata::Topic* topic = image().TopicNamed(of->topic);
    if (!topic) return std::unexpected(NoTopic(of->topic));
    for (const auto& definition : metadata::TopicConfigDefinitions()) {
      auto effective = metadata::EffectiveTopicConfig(image(), topic->id, definition.key);
      auto* config = response.add_configs();
      config->set_key(std::string(definition.key));
      config->set_value(effective.value);
      config->set_is_default(effective.is_default);
      config->set_description(std::string(definition.description));
    }
    return response;
  }
  const auto* node = std::get_if<NodeConfigs>(&*target);
  image().ForEachConfig(node ? metadata::ConfigScope::kNode : metadata::ConfigScope::kCluster,
                        node ? std::to_string(node->node.value()) : "",
                        [&](const std::string& key, const std::string& value) {
                          auto* config = response.add_configs();
                          config->set_key(key);
                          config->set_value(value);
                        });
  return response;
}

Answer<decide::Command> Admin::CreateTopic(const admin::v1::CreateTopicRequest& request) const {
  auto request_id = RequestIdIn(request.request_id());
  if (!request_id) return std::unexpected(request_id.error());
  decide::CreateTopic command;
  command.name = request.topic();
  command.partition_count = request.partition_count();
  command.replication_factor = request.replication_factor();
  command.configs = PairsOf(request.configs());
  command.validate_only = request.validate_only();
  command.request_id = *request_id;
  command.new_id = TopicId(host_.random.NextUuid());
  command.seed = host_.random.Next();
  return command;
}

admin::v1::CreateTopicResponse Admin::TopicCreated(const decide::Outcome& outcome) const {
  admin::v1::CreateTopicResponse response;
  if (const auto* created = std::get_if<decide::TopicCreated>(&outcome)) {
    auto* topic = response.mutable_topic();
    topic->set_name("topics/" + created->topic.name);
    topic->set_topic_id(created->topic.id.ToBytes());
    topic->set_partition_count(created->partition_count);
    topic->set_replication_factor(created->replication_factor);
    topic->set_created_at_ms(created->topic.created_at.ms);
  }
  return response;
}

Answer<decide::Command> Admin::DeleteTopic(const admin::v1::DeleteTopicRequest& request) const {
  auto request_id = RequestIdIn(request.request_id());
  if (!request_id) return std::unexpected(request_id.error());
  auto name = TopicIn(request.name());
  if (!name) return std::unexpected(name.error());
  return decide::DeleteTopic{*name, *request_id};
}

Answer<decide::Command> Admin::UpdateConfigs(const admin::v1::UpdateConfigsRequest& request) const {
  auto request_id = RequestIdIn(request.request_id());
  if (!request_id) return std::unexpected(request_id.error());
  auto target = ConfigTargetIn(request.name());
  if (!target) return std::unexpected(target.error());
  decide::UpdateConfigs command;
  if (const auto* topic = std::get_if<TopicConfigs>(&*target)) {
    command.scope = metadata::ConfigScope::kTopic;
    command.resource = topic->topic;
  } else if (const auto* node = std::get_if<NodeConfigs>(&*target)) {
    command.scope = metadata::ConfigScope::kNode;
    command.resource = std::to_string(node->node.value());
  } else {
    command.scope = metadata::ConfigScope::kCluster;
  }
  command.set = PairsOf(request.set());
  command.reset = {request.reset().begin(), request.reset().end()};
  command.validate_only = request.validate_only();
  command.request_id = *request_id;
  return command;
}

}  // namespace weir::service
