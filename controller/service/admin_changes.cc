// SPDX-License-Identifier: Apache-2.0
// The admin calls that operate a cluster: nodes, partitions and features. Each as the command that
// decides it, and its outcome as the answer.
#include <utility>
#include <vector>

#include "common/metadata/features.h"
#include "controller/service/admin.h"
#include "controller/service/names.h"

namespace weir::service {
namespace {

std::string NameOf(const decide::PartitionName& partition) {
  return "topics/" + partition.topic + "/partitions/" + std::to_string(partition.index.value());
}

template <class Names>
Answer<std::vector<decide::PartitionName>> PartitionsIn(const Names& names) {
  std::vector<decide::PartitionName> partitions;
  for (const std::string& name : names) {
    auto partition = PartitionIn(name);
    if (!partition) return std::unexpected(partition.error());
    partitions.push_back({partition->topic, partition->index});
  }
  return partitions;
}

// A command about one node.
template <class Command, class Request>
Answer<Command> CommandOn(const Request& request) {
  auto request_id = RequestIdIn(request.request_id());
  if (!request_id) return std::unexpected(request_id.error());
  auto node = NodeIn(request.name());
  if (!node) return std::unexpected(node.error());
  Command command;
  command.node = *node;
  command.request_id = *request_id;
  return command;
}

}  // namespace

Answer<decide::Command> Admin::DrainNode(const admin::v1::DrainNodeRequest& request) const {
  return CommandOn<decide::DrainNode>(request);
}

Answer<decide::Command> Admin::DecommissionNode(
    const admin::v1::DecommissionNodeRequest& request) const {
  auto command = CommandOn<decide::DrainNode>(request);
  if (command) command->decommission = true;
  return command;
}

Answer<decide::Command> Admin::UndrainNode(const admin::v1::UndrainNodeRequest& request) const {
  return CommandOn<decide::UndrainNode>(request);
}

Answer<decide::Command> Admin::RemoveNode(const admin::v1::RemoveNodeRequest& request) const {
  return CommandOn<decide::RemoveNode>(request);
}

Answer<decide::Command> Admin::AddPartitions(const admin::v1::AddPartitionsRequest& request) const {
  auto request_id = RequestIdIn(request.request_id());
  if (!request_id) return std::unexpected(request_id.error());
  auto topic = TopicIn(request.name());
  if (!topic) return std::unexpected(topic.error());
  decide::AddPartitions command;
  command.topic = *topic;
  command.partition_count = request.partition_count();
  command.validate_only = request.validate_only();
  command.request_id = *request_id;
  command.seed = host_.random.Next();
  return command;
}

admin::v1::AddPartitionsResponse Admin::PartitionsAdded(const decide::Outcome& outcome) const {
  admin::v1::AddPartitionsResponse response;
  if (const auto* added = std::get_if<decide::PartitionsAdded>(&outcome)) {
    response.set_partition_count(added->partition_count);
  }
  return response;
}

Answer<decide::Command> Admin::ElectLeaders(const admin::v1::ElectLeadersRequest& request) const {
  auto request_id = RequestIdIn(request.request_id());
  if (!request_id) return std::unexpected(request_id.error());
  auto partitions = PartitionsIn(request.names());
  if (!partitions) return std::unexpected(partitions.error());
  bool is_unclean = request.election() == admin::v1::ElectLeadersRequest::ELECTION_UNCLEAN;
  if (!is_unclean && request.election() != admin::v1::ElectLeadersRequest::ELECTION_PREFERRED) {
    return Refuse(ErrorCode::kInvalidRequest,
                  "election must be ELECTION_PREFERRED or ELECTION_UNCLEAN: nothing is assumed "
                  "where records may be lost");
  }
  return decide::ElectLeaders{*std::move(partitions), is_unclean, *request_id};
}

admin::v1::ElectLeadersResponse Admin::LeadersElected(const decide::Outcome& outcome) const {
  admin::v1::ElectLeadersResponse response;
  const auto* elected = std::get_if<decide::LeadersElected>(&outcome);
  if (!elected) return response;
  for (const auto& election : elected->elections) {
    auto* result = response.add_results();
    result->set_name(NameOf(election.partition));
    if (election.code != ErrorCode::kNone) {
      result->set_reason(std::string(weir::NameOf(election.code)));
    }
    result->set_message(election.message);
    result->set_leader(election.leader.value());
    result->set_unclean(election.is_unclean);
  }
  return response;
}

Answer<decide::Command> Admin::ReassignPartitions(
    const admin::v1::ReassignPartitionsRequest& request) const {
  auto request_id = RequestIdIn(request.request_id());
  if (!request_id) return std::unexpected(request_id.error());
  decide::Reassign command;
  for (const auto& move : request.moves()) {
    auto partition = PartitionIn(move.name());
    if (!partition) return std::unexpected(partition.error());
    decide::Reassign::Move& added =
        command.moves.emplace_back(decide::PartitionName{partition->topic, partition->index});
    for (int32_t node : move.replicas()) added.replicas.push_back(NodeId(node));
  }
  command.validate_only = request.validate_only();
  command.request_id = *request_id;
  return command;
}

Answer<decide::Command> Admin::CancelReassignments(
    const admin::v1::CancelReassignmentsRequest& request) const {
  auto request_id = RequestIdIn(request.request_id());
  if (!request_id) return std::unexpected(request_id.error());
  auto partitions = PartitionsIn(request.names());
  if (!partitions) return std::unexpected(partitions.error());
  return decide::CancelReassign{*std::move(partitions), *request_id};
}

Answer<decide::Command> Admin::UpgradeFeature(
    const admin::v1::UpgradeFeatureRequest& request) const {
  auto request_id = RequestIdIn(request.request_id());
  if (!request_id) return std::unexpected(request_id.error());
  auto feature = FeatureIn(request.name());
  if (!feature) return std::unexpected(feature.error());
  return decide::UpgradeFeature{*feature, request.level(), metadata::SupportedFeatures(),
                                request.validate_only(), *request_id};
}

Answer<admin::v1::ListFeaturesResponse> Admin::ListFeatures(
    const admin::v1::ListFeaturesRequest&) const {
  admin::v1::ListFeaturesResponse response;
  response.set_metadata_index(image().index.value());
  for (const metadata::FeatureRange& ours : metadata::SupportedFeatures()) {
    auto* feature = response.add_features();
    feature->set_name("features/" + ours.name);
    const int32_t* level = image().features.Find(ours.name);
    feature->set_level(level ? *level : 0);
    int32_t least = ours.min_level;
    int32_t most = ours.max_level;
    for (const auto& [id, node] : image().nodes) {
      auto range = std::ranges::find(node.features, ours.name, &metadata::FeatureRange::name);
      bool knows = range != node.features.end();
      least = std::max(least, knows ? range->min_level : 0);
      most = std::min(most, knows ? range->max_level : 0);
    }
    feature->set_min_level(least);
    feature->set_max_level(most);
  }
  return response;
}

}  // namespace weir::service
