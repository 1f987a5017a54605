// SPDX-License-Identifier: Apache-2.0
#include "tests/workload/moving.h"

#include <algorithm>
#include <sstream>
#include <utility>

namespace weir::workload {
namespace {

constexpr Duration kPatience = std::chrono::seconds(5);

// Refused, and nothing has changed: it did not come to be decided, or the decision was no.
bool IsRefusal(const client::Failure& failure) {
  return !failure.is_transient() && !failure.reason.empty() &&
         failure.reason != "REQUEST_TIMED_OUT" && failure.reason != "THROTTLING_QUOTA_EXCEEDED";
}

std::set<NodeId> NodesOf(const metadata::Partition& partition) {
  std::set<NodeId> nodes;
  for (const metadata::Replica& replica : partition.replicas) nodes.insert(replica.node);
  return nodes;
}

}  // namespace

Moving::Moving(cluster::Cluster& cluster, std::string topic, Duration pause)
    : cluster_(cluster),
      host_(cluster.client_process().host()),
      topic_(std::move(topic)),
      pause_(pause),
      routing_(host_, cluster.bootstrap()),
      admin_(host_, routing_, {.overall = kPatience}) {}

std::string Moving::NameOf(const PartitionId& id) const {
  return "topics/" + topic_ + "/partitions/" + std::to_string(id.index.value());
}

void Moving::Later() {
  under_way_ = false;
  Duration pause = pause_ * static_cast<int64_t>(Below(2000)) / 1000;
  host_.strand.RunAt(host_.clock.Now() + pause, lifetime_.Bind([this] { Next(); }));
}

void Moving::Next() {
  if (ended_) return;
  controller::Controller* active = cluster_.active();
  if (active == nullptr || !active->machine().is_active()) return Later();
  const metadata::Image& image = active->machine().committed();
  const metadata::Topic* topic = image.TopicNamed(topic_);
  if (topic == nullptr) return Later();
  auto count = static_cast<uint64_t>(image.PartitionCount(topic->id));
  PartitionId id{topic->id, PartitionIndex(static_cast<int32_t>(Below(count)))};
  const metadata::Partition& partition = *image.partitions.Find(id);
  under_way_ = true;
  if (partition.is_moving() && Below(2) == 0) return Recall(id);
  std::vector<NodeId> nodes;
  for (const std::string& name : cluster_.node_names()) {
    nodes.push_back(NodeId(std::stoi(name.substr(name.rfind('-') + 1))));
  }
  for (size_t i = 0; i + 1 < nodes.size(); ++i) {
    std::swap(nodes[i], nodes[i + Below(nodes.size() - i)]);
  }
  size_t replicas = partition.replicas.size() - partition.adding.size();
  nodes.resize(std::clamp<size_t>(replicas, 1, nodes.size()));
  Move(id, std::move(nodes));
}

void Moving::Move(const PartitionId& id, std::vector<NodeId> target) {
  admin::v1::ReassignPartitionsRequest request;
  request.set_request_id(host_.random.NextUuid().ToBytes());
  auto* move = request.add_moves();
  move->set_name(NameOf(id));
  for (NodeId node : target) move->add_replicas(node.value());
  // One whose end nobody knows may be decided at any time, even after others.
  auto known = told_.find(id);
  bool is_open = known != told_.end() && !known->second;
  admin_.Call<admin::v1::ReassignPartitionsResponse>(
      "Partitions/ReassignPartitions", request,
      lifetime_.Bind([this, id, is_open, nodes = Nodes(target.begin(), target.end())](
                         client::Outcome<admin::v1::ReassignPartitionsResponse> answer) {
        if (answer) {
          ++moved_;
          if (!is_open) told_[id] = nodes;
        } else if (!IsRefusal(answer.error())) {
          told_[id].reset();
        }
        Later();
      }));
}

void Moving::Recall(const PartitionId& id) {
  admin::v1::CancelReassignmentsRequest request;
  request.set_request_id(host_.random.NextUuid().ToBytes());
  request.add_names(NameOf(id));
  admin_.Call<admin::v1::CancelReassignmentsResponse>(
      "Partitions/CancelReassignments", request,
      lifetime_.Bind([this, id](client::Outcome<admin::v1::CancelReassignmentsResponse> answer) {
        moved_ += answer ? 1 : 0;
        // Where it came from is the cluster's knowledge, and not this admin's.
        auto known = told_.find(id);
        bool is_open = known != told_.end() && !known->second;
        if (answer && !is_open) {
          told_.erase(id);
        } else if (!answer && !IsRefusal(answer.error())) {
          told_[id].reset();
        }
        Later();
      }));
}

std::vector<std::string> Moving::Wrong(const metadata::Image& image) const {
  std::vector<std::string> wrong;
  for (const auto& [id, partition] : image.partitions) {
    const metadata::Topic* topic = image.topics.Find(id.topic);
    if (topic == nullptr || topic->name != topic_) continue;
    if (partition.is_moving()) wrong.push_back(NameOf(id) + " still moves");
    auto told = told_.find(id);
    if (told == told_.end() || !told->second || NodesOf(partition) == *told->second) continue;
    std::ostringstream words;
    words << NameOf(id) << " was to lie on nodes";
    for (NodeId node : *told->second) words << ' ' << node;
    words << ", and lies on";
    for (NodeId node : NodesOf(partition)) words << ' ' << node;
    wrong.push_back(words.str());
  }
  return wrong;
}

}  // namespace weir::workload
