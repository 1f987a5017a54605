// SPDX-License-Identifier: Apache-2.0
#include "common/metadata/records.h"

#include <glog/logging.h>

#include <algorithm>
#include <utility>

namespace weir::metadata {
namespace {

// Half of a record that a newer process wrote is not applied.
template <class Message>
const Message& Known(const Message& message) {
  CHECK(IsKnown(message)) << "a record has a field that this version does not know: "
                          << message.ShortDebugString();
  return message;
}

template <class Numbers>
std::vector<NodeId> NodesOf(const Numbers& numbers) {
  std::vector<NodeId> nodes;
  nodes.reserve(static_cast<size_t>(numbers.size()));
  for (int32_t number : numbers) nodes.push_back(NodeId(number));
  return nodes;
}

v1::NodeRecord::State ToProto(NodeState state) {
  switch (state) {
    case NodeState::kFenced:
      return v1::NodeRecord::STATE_FENCED;
    case NodeState::kActive:
      return v1::NodeRecord::STATE_ACTIVE;
    case NodeState::kStopping:
      return v1::NodeRecord::STATE_STOPPING;
  }
  CHECK(false) << "a node state without a number";
  std::unreachable();
}

bool IsUuid(const std::string& bytes) { return Uuid::FromBytes(bytes).has_value(); }

template <class List, class Judge>
bool AllOf(const List& list, Judge judge) {
  return std::all_of(list.begin(), list.end(), judge);
}

bool IsNode(const v1::NodeRecord& record) {
  return IsKnown(record) && IsUuid(record.incarnation()) &&
         v1::NodeRecord::State_IsValid(record.state()) &&
         record.state() != v1::NodeRecord::STATE_UNSPECIFIED &&
         v1::NodeRecord::Duty_IsValid(record.duty()) &&
         AllOf(record.listeners(), [](const v1::Listener& part) { return IsWellFormed(part); }) &&
         AllOf(record.features(),
               [](const v1::FeatureRange& part) { return IsWellFormed(part); }) &&
         AllOf(record.directories(), IsUuid) && AllOf(record.failed_directories(), IsUuid);
}

NodeState StateOf(const v1::NodeRecord& record) {
  switch (record.state()) {
    case v1::NodeRecord::STATE_FENCED:
      return NodeState::kFenced;
    case v1::NodeRecord::STATE_ACTIVE:
      return NodeState::kActive;
    case v1::NodeRecord::STATE_STOPPING:
      return NodeState::kStopping;
    default:
      CHECK(false) << "unknown state of a node: " << record.ShortDebugString();
      std::unreachable();
  }
}

v1::NodeRecord::Duty ToProto(NodeDuty duty) {
  switch (duty) {
    case NodeDuty::kServing:
      return v1::NodeRecord::DUTY_SERVING;
    case NodeDuty::kDraining:
      return v1::NodeRecord::DUTY_DRAINING;
    case NodeDuty::kDecommissioning:
      return v1::NodeRecord::DUTY_DECOMMISSIONING;
  }
  CHECK(false) << "a node's duty without a number";
  std::unreachable();
}

NodeDuty DutyOf(const v1::NodeRecord& record) {
  switch (record.duty()) {
    case v1::NodeRecord::DUTY_SERVING:
      return NodeDuty::kServing;
    case v1::NodeRecord::DUTY_DRAINING:
      return NodeDuty::kDraining;
    case v1::NodeRecord::DUTY_DECOMMISSIONING:
      return NodeDuty::kDecommissioning;
    default:
      CHECK(false) << "unknown duty of a node: " << record.ShortDebugString();
      std::unreachable();
  }
}

}  // namespace

bool IsKnown(const google::protobuf::Message& message) {
  return message.GetReflection()->GetUnknownFields(message).empty();
}

bool IsWellFormed(const v1::Listener& listener) { return IsKnown(listener); }
bool IsWellFormed(const v1::FeatureRange& range) { return IsKnown(range); }

bool IsWellFormed(const v1::Record& record) {
  if (!IsKnown(record)) return false;
  switch (record.record_case()) {
    case v1::Record::kCluster:
      return IsKnown(record.cluster()) && IsUuid(record.cluster().cluster_id());
    case v1::Record::kFeatureLevel:
      return IsKnown(record.feature_level());
    case v1::Record::kNode:
      return IsNode(record.node());
    case v1::Record::kRemoveNode:
      return IsKnown(record.remove_node());
    case v1::Record::kTopic:
      return IsKnown(record.topic()) && IsUuid(record.topic().topic_id());
    case v1::Record::kRemoveTopic:
      return IsKnown(record.remove_topic()) && IsUuid(record.remove_topic().topic_id());
    case v1::Record::kPartition:
      return IsKnown(record.partition()) && IsUuid(record.partition().topic_id()) &&
             AllOf(record.partition().replicas(), [](const v1::Replica& replica) {
               return IsKnown(replica) && IsUuid(replica.directory_id());
             });
    case v1::Record::kConfig:
      return IsKnown(record.config()) && v1::ConfigRecord::Scope_IsValid(record.config().scope()) &&
             record.config().scope() != v1::ConfigRecord::SCOPE_UNSPECIFIED;
    case v1::Record::kProducerIds:
      return IsKnown(record.producer_ids());
    case v1::Record::kRequest:
      return IsKnown(record.request()) && IsUuid(record.request().request_id());
    case v1::Record::kTerm:
      return IsKnown(record.term());
    case v1::Record::kVoters:
      return IsKnown(record.voters()) &&
             AllOf(record.voters().voters(), [](const v1::Voter& voter) {
               return IsKnown(voter) && IsUuid(voter.directory_id());
             });
    case v1::Record::RECORD_NOT_SET:
      return false;
  }
  return false;
}

Uuid UuidOf(const std::string& bytes) {
  auto uuid = Uuid::FromBytes(bytes);
  CHECK(uuid) << "an identity of " << bytes.size() << " bytes; it has 16";
  return *uuid;
}

v1::Listener ToProto(const Listener& listener) {
  v1::Listener out;
  out.set_name(listener.name);
  out.set_host(listener.host);
  out.set_port(listener.port);
  return out;
}

Listener FromProto(const v1::Listener& listener) {
  Known(listener);
  return {listener.name(), listener.host(), listener.port()};
}

v1::FeatureRange ToProto(const FeatureRange& range) {
  v1::FeatureRange out;
  out.set_name(range.name);
  out.set_min_level(range.min_level);
  out.set_max_level(range.max_level);
  return out;
}

FeatureRange FromProto(const v1::FeatureRange& range) {
  Known(range);
  return {range.name(), range.min_level(), range.max_level()};
}

v1::Record ToRecord(const Topic& topic) {
  v1::Record record;
  v1::TopicRecord& out = *record.mutable_topic();
  out.set_topic_id(topic.id.ToBytes());
  out.set_name(topic.name);
  out.set_created_at_ms(topic.created_at.ms);
  return record;
}

Topic FromRecord(const v1::TopicRecord& record) {
  Known(record);
  return {TopicId(UuidOf(record.topic_id())), record.name(), WallTime{record.created_at_ms()}};
}

v1::Record ToRecord(const PartitionId& id, const Partition& partition) {
  v1::Record record;
  v1::PartitionRecord& out = *record.mutable_partition();
  out.set_topic_id(id.topic.ToBytes());
  out.set_partition(id.index.value());
  for (const Replica& replica : partition.replicas) {
    v1::Replica& added = *out.add_replicas();
    added.set_node_id(replica.node.value());
    added.set_directory_id(replica.directory.ToBytes());
  }
  for (NodeId node : partition.isr) out.add_isr(node.value());
  for (NodeId node : partition.adding) out.add_adding(node.value());
  for (NodeId node : partition.removing) out.add_removing(node.value());
  for (NodeId node : partition.eligible_leaders) out.add_eligible_leaders(node.value());
  out.set_leader(partition.leader.value());
  out.set_leader_epoch(partition.leader_epoch.value());
  out.set_partition_epoch(partition.partition_epoch.value());
  out.set_last_known_leader(partition.last_known_leader.value());
  out.set_recovering(partition.recovering);
  return record;
}

PartitionId IdOf(const v1::PartitionRecord& record) {
  return {TopicId(UuidOf(record.topic_id())), PartitionIndex(record.partition())};
}

Partition FromRecord(const v1::PartitionRecord& record) {
  Known(record);
  Partition partition;
  for (const v1::Replica& replica : record.replicas()) {
    Known(replica);
    partition.replicas.push_back(
        {NodeId(replica.node_id()), DirectoryId(UuidOf(replica.directory_id()))});
  }
  partition.isr = NodesOf(record.isr());
  partition.adding = NodesOf(record.adding());
  partition.removing = NodesOf(record.removing());
  partition.eligible_leaders = NodesOf(record.eligible_leaders());
  partition.leader = NodeId(record.leader());
  partition.leader_epoch = LeaderEpoch(record.leader_epoch());
  partition.partition_epoch = PartitionEpoch(record.partition_epoch());
  partition.last_known_leader = NodeId(record.last_known_leader());
  partition.recovering = record.recovering();
  return partition;
}

v1::Record ToRecord(const Node& node) {
  v1::Record record;
  v1::NodeRecord& out = *record.mutable_node();
  out.set_node_id(node.id.value());
  out.set_node_epoch(node.epoch.value());
  out.set_incarnation(node.incarnation.ToBytes());
  out.set_previous_epoch(node.previous_epoch.value());
  for (const Listener& listener : node.listeners) *out.add_listeners() = ToProto(listener);
  out.set_rack(node.rack);
  for (const DirectoryId& directory : node.directories) {
    out.add_directories(directory.ToBytes());
  }
  for (const DirectoryId& directory : node.failed_directories) {
    out.add_failed_directories(directory.ToBytes());
  }
  for (const FeatureRange& range : node.features) *out.add_features() = ToProto(range);
  out.set_state(ToProto(node.state));
  out.set_version(node.version);
  out.set_duty(ToProto(node.duty));
  return record;
}

Node FromRecord(const v1::NodeRecord& record) {
  Known(record);
  Node node;
  node.id = NodeId(record.node_id());
  node.epoch = NodeEpoch(record.node_epoch());
  node.incarnation = Incarnation(UuidOf(record.incarnation()));
  node.previous_epoch = NodeEpoch(record.previous_epoch());
  for (const auto& listener : record.listeners()) node.listeners.push_back(FromProto(listener));
  node.rack = record.rack();
  for (const std::string& id : record.directories()) {
    node.directories.push_back(DirectoryId(UuidOf(id)));
  }
  for (const std::string& id : record.failed_directories()) {
    node.failed_directories.push_back(DirectoryId(UuidOf(id)));
  }
  for (const auto& range : record.features()) node.features.push_back(FromProto(range));
  node.state = StateOf(record);
  node.version = record.version();
  node.duty = DutyOf(record);
  return node;
}

v1::Record ToRecord(const std::vector<Voter>& voters) {
  v1::Record record;
  record.mutable_voters();
  for (const Voter& voter : voters) {
    v1::Voter& out = *record.mutable_voters()->add_voters();
    out.set_controller_id(voter.id.value());
    out.set_directory_id(voter.directory.ToBytes());
    out.set_endpoint(voter.endpoint);
    out.set_learner(voter.is_learner);
  }
  return record;
}

std::vector<Voter> FromRecord(const v1::VotersRecord& record) {
  Known(record);
  std::vector<Voter> voters;
  for (const v1::Voter& voter : record.voters()) {
    Known(voter);
    voters.push_back({ControllerId(voter.controller_id()),
                      DirectoryId(UuidOf(voter.directory_id())), voter.endpoint(),
                      voter.learner()});
  }
  return voters;
}

v1::Record ToRecord(const ProducerIds& producer_ids) {
  v1::Record record;
  v1::ProducerIdsRecord& out = *record.mutable_producer_ids();
  out.set_node_id(producer_ids.node.value());
  out.set_node_epoch(producer_ids.node_epoch.value());
  out.set_first_producer_id(producer_ids.first.value());
  out.set_next_producer_id(producer_ids.next.value());
  return record;
}

ProducerIds FromRecord(const v1::ProducerIdsRecord& record) {
  Known(record);
  return {NodeId(record.node_id()), NodeEpoch(record.node_epoch()),
          ProducerId(record.first_producer_id()), ProducerId(record.next_producer_id())};
}

v1::Record ToRecord(const RecentRequests::Request& request) {
  v1::Record record;
  record.mutable_request()->set_request_id(request.id.ToBytes());
  record.mutable_request()->set_answer(request.answer);
  return record;
}

v1::Record ToRecord(const ConfigKey& key, const std::string* value) {
  v1::Record record;
  v1::ConfigRecord& out = *record.mutable_config();
  switch (key.scope) {
    case ConfigScope::kCluster:
      out.set_scope(v1::ConfigRecord::SCOPE_CLUSTER);
      break;
    case ConfigScope::kNode:
      out.set_scope(v1::ConfigRecord::SCOPE_NODE);
      break;
    case ConfigScope::kTopic:
      out.set_scope(v1::ConfigRecord::SCOPE_TOPIC);
      break;
  }
  out.set_resource(key.resource);
  out.set_key(key.key);
  if (value != nullptr) out.set_value(*value);
  return record;
}

ConfigKey KeyOf(const v1::ConfigRecord& record) {
  Known(record);
  switch (record.scope()) {
    case v1::ConfigRecord::SCOPE_CLUSTER:
      return {ConfigScope::kCluster, record.resource(), record.key()};
    case v1::ConfigRecord::SCOPE_NODE:
      return {ConfigScope::kNode, record.resource(), record.key()};
    case v1::ConfigRecord::SCOPE_TOPIC:
      return {ConfigScope::kTopic, record.resource(), record.key()};
    default:
      CHECK(false) << "unknown scope of a config: " << record.ShortDebugString();
      std::unreachable();
  }
}

v1::Record ToFeatureRecord(const std::string& name, int32_t level) {
  v1::Record record;
  record.mutable_feature_level()->set_name(name);
  record.mutable_feature_level()->set_level(level);
  return record;
}

v1::Record ToClusterRecord(const ClusterId& id, WallTime created_at) {
  v1::Record record;
  record.mutable_cluster()->set_cluster_id(id.ToBytes());
  record.mutable_cluster()->set_created_at_ms(created_at.ms);
  return record;
}

v1::Record ToTermRecord(Term term, ControllerId controller) {
  v1::Record record;
  record.mutable_term()->set_term(term.value());
  record.mutable_term()->set_controller_id(controller.value());
  return record;
}

v1::Record ToRemoveNodeRecord(NodeId node) {
  v1::Record record;
  record.mutable_remove_node()->set_node_id(node.value());
  return record;
}

v1::Record ToRemoveTopicRecord(const TopicId& topic) {
  v1::Record record;
  record.mutable_remove_topic()->set_topic_id(topic.ToBytes());
  return record;
}

}  // namespace weir::metadata
