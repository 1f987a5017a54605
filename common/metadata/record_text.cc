// SPDX-License-Identifier: Apache-2.0
#include "common/metadata/record_text.h"

#include <sstream>
#include <vector>

#include "common/metadata/records.h"

namespace weir::metadata {
namespace {

template <class List, class Each>
void AddList(std::ostream& out, const char* name, const List& list, Each each) {
  out << ' ' << name << " (";
  const char* separator = "";
  for (const auto& item : list) {
    out << separator;
    each(item);
    separator = " ";
  }
  out << ')';
}

void AddNodes(std::ostream& out, const char* name, const std::vector<NodeId>& nodes) {
  AddList(out, name, nodes, [&](NodeId node) { out << node; });
}

const char* Word(NodeState state) {
  switch (state) {
    case NodeState::kFenced:
      return "fenced";
    case NodeState::kActive:
      return "active";
    case NodeState::kStopping:
      return "stopping";
  }
  return "in a state that is not known";
}

void Add(std::ostream& out, const v1::ClusterRecord& record) {
  out << "cluster " << UuidOf(record.cluster_id()).ToString() << " created at "
      << record.created_at_ms();
}

void Add(std::ostream& out, const v1::FeatureLevelRecord& record) {
  out << "feature " << record.name() << " level " << record.level();
}

void Add(std::ostream& out, const v1::NodeRecord& record) {
  Node node = FromRecord(record);
  out << "node " << node.id << ' ' << Word(node.state) << " epoch " << node.epoch << " incarnation "
      << node.incarnation;
  AddList(out, "at", node.listeners, [&](const Listener& listener) {
    out << listener.name << '=' << listener.host << ':' << listener.port;
  });
  AddList(out, "directories", node.directories, [&](const DirectoryId& id) { out << id; });
  if (!node.failed_directories.empty()) {
    AddList(out, "failed", node.failed_directories, [&](const DirectoryId& id) { out << id; });
  }
  if (!node.rack.empty()) out << " rack " << node.rack;
  if (!node.version.empty()) out << " version " << node.version;
}

void Add(std::ostream& out, const v1::RemoveNodeRecord& record) {
  out << "remove node " << record.node_id();
}

void Add(std::ostream& out, const v1::TopicRecord& record) {
  out << "topic " << record.name() << ' ' << UuidOf(record.topic_id()).ToString();
}

void Add(std::ostream& out, const v1::RemoveTopicRecord& record) {
  out << "remove topic " << UuidOf(record.topic_id()).ToString();
}

void Add(std::ostream& out, const v1::PartitionRecord& record) {
  Partition partition = FromRecord(record);
  out << "partition " << UuidOf(record.topic_id()).ToString() << '/' << record.partition() << ' '
      << TextOf(partition);
  AddList(out, "on", partition.replicas, [&](const Replica& replica) { out << replica.node; });
}

void Add(std::ostream& out, const v1::ConfigRecord& record) {
  ConfigKey key = KeyOf(record);
  out << "config ";
  if (key.scope == ConfigScope::kCluster) out << "of the cluster ";
  if (key.scope == ConfigScope::kNode) out << "of node " << key.resource << ' ';
  if (key.scope == ConfigScope::kTopic) out << "of topic " << key.resource << ' ';
  out << key.key;
  if (record.has_value()) {
    out << '=' << record.value();
  } else {
    out << " by default";
  }
}

void Add(std::ostream& out, const v1::ProducerIdsRecord& record) {
  out << "producer ids " << record.first_producer_id() << " to " << record.next_producer_id() - 1
      << " for node " << record.node_id() << " epoch " << record.node_epoch();
}

void Add(std::ostream& out, const v1::RequestRecord& record) {
  out << "request " << UuidOf(record.request_id()).ToString() << " answered with "
      << record.answer().size() << " bytes";
}

void Add(std::ostream& out, const v1::TermRecord& record) {
  out << "term " << record.term() << " opened by controller " << record.controller_id();
}

void Add(std::ostream& out, const v1::VotersRecord& record) {
  out << "voters";
  AddList(out, "are", FromRecord(record), [&](const Voter& voter) {
    out << voter.id << '@' << voter.endpoint << " with directory " << voter.directory;
  });
}

}  // namespace

std::string TextOf(const Partition& partition) {
  std::ostringstream out;
  out << "leader ";
  if (partition.leader == kNoNode) {
    out << "none";
  } else {
    out << partition.leader;
  }
  out << " epoch " << partition.leader_epoch << '.' << partition.partition_epoch;
  AddNodes(out, "isr", partition.isr);
  if (!partition.eligible_leaders.empty()) AddNodes(out, "eligible", partition.eligible_leaders);
  if (partition.last_known_leader != kNoNode) out << " last " << partition.last_known_leader;
  if (partition.recovering) out << " recovering";
  if (!partition.adding.empty()) AddNodes(out, "adding", partition.adding);
  if (!partition.removing.empty()) AddNodes(out, "removing", partition.removing);
  return out.str();
}

std::string TextOf(const v1::Record& record) {
  if (!IsWellFormed(record)) return "not known to this version: " + record.ShortDebugString();
  std::ostringstream out;
  switch (record.record_case()) {
    case v1::Record::kCluster:
      Add(out, record.cluster());
      break;
    case v1::Record::kFeatureLevel:
      Add(out, record.feature_level());
      break;
    case v1::Record::kNode:
      Add(out, record.node());
      break;
    case v1::Record::kRemoveNode:
      Add(out, record.remove_node());
      break;
    case v1::Record::kTopic:
      Add(out, record.topic());
      break;
    case v1::Record::kRemoveTopic:
      Add(out, record.remove_topic());
      break;
    case v1::Record::kPartition:
      Add(out, record.partition());
      break;
    case v1::Record::kConfig:
      Add(out, record.config());
      break;
    case v1::Record::kProducerIds:
      Add(out, record.producer_ids());
      break;
    case v1::Record::kRequest:
      Add(out, record.request());
      break;
    case v1::Record::kTerm:
      Add(out, record.term());
      break;
    case v1::Record::kVoters:
      Add(out, record.voters());
      break;
    case v1::Record::RECORD_NOT_SET:
      break;
  }
  return out.str();
}

}  // namespace weir::metadata
