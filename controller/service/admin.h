// SPDX-License-Identifier: Apache-2.0
// The gRPC edge of administration: weir.admin.v1 as questions to the image and commands to the
// metadata machine. It translates, and never decides. Only the active controller answers; the
// others say who that is. One strand.
#pragma once

#include <functional>

#include "common/edge/methods.h"
#include "common/host/host.h"
#include "controller/quorum/quorum.h"
#include "controller/service/active.h"
#include "proto/admin/admin.pb.h"

namespace weir::service {

class Admin {
 public:
  // All outlive the methods. `quorum` may answer null until there is a cluster.
  Admin(host::Host host, MetadataDriver* machine, const ActiveController* active,
        std::function<quorum::Quorum*()> quorum);

  host::Methods Methods();

 private:
  template <class Request, class Response>
  void Read(host::Methods& methods, const std::string& name,
            Answer<Response> (Admin::*answer)(const Request&) const);
  template <class Request, class Response>
  void Change(host::Methods& methods, const std::string& name,
              Answer<decide::Command> (Admin::*command)(const Request&) const,
              Response (Admin::*response)(const decide::Outcome&) const);
  void Submit(const decide::Command& command, MetadataDriver::Done done);
  template <class Response>
  bool Redirected(edge::Respond<Response>& respond) const;

  Answer<admin::v1::GetClusterResponse> GetCluster(const admin::v1::GetClusterRequest&) const;
  Answer<admin::v1::DescribeQuorumResponse> DescribeQuorum(
      const admin::v1::DescribeQuorumRequest&) const;
  Answer<decide::Command> AddController(const admin::v1::AddControllerRequest&) const;
  Answer<decide::Command> RemoveController(const admin::v1::RemoveControllerRequest&) const;
  void TransferLeadership(const admin::v1::TransferLeadershipRequest& request,
                          edge::Respond<admin::v1::TransferLeadershipResponse> respond);
  Answer<admin::v1::ListNodesResponse> ListNodes(const admin::v1::ListNodesRequest&) const;
  Answer<admin::v1::GetNodeResponse> GetNode(const admin::v1::GetNodeRequest&) const;
  Answer<admin::v1::GetTopicResponse> GetTopic(const admin::v1::GetTopicRequest&) const;
  Answer<admin::v1::ListTopicsResponse> ListTopics(const admin::v1::ListTopicsRequest&) const;
  Answer<admin::v1::ListPartitionsResponse> ListPartitions(
      const admin::v1::ListPartitionsRequest&) const;
  Answer<admin::v1::GetConfigsResponse> GetConfigs(const admin::v1::GetConfigsRequest&) const;

  Answer<decide::Command> CreateTopic(const admin::v1::CreateTopicRequest&) const;
  admin::v1::CreateTopicResponse TopicCreated(const decide::Outcome&) const;
  Answer<decide::Command> DeleteTopic(const admin::v1::DeleteTopicRequest&) const;
  Answer<decide::Command> UpdateConfigs(const admin::v1::UpdateConfigsRequest&) const;

  Answer<admin::v1::ListFeaturesResponse> ListFeatures(const admin::v1::ListFeaturesRequest&) const;
  Answer<decide::Command> UpgradeFeature(const admin::v1::UpgradeFeatureRequest&) const;
  Answer<decide::Command> DrainNode(const admin::v1::DrainNodeRequest&) const;
  Answer<decide::Command> DecommissionNode(const admin::v1::DecommissionNodeRequest&) const;
  Answer<decide::Command> UndrainNode(const admin::v1::UndrainNodeRequest&) const;
  Answer<decide::Command> RemoveNode(const admin::v1::RemoveNodeRequest&) const;
  Answer<decide::Command> AddPartitions(const admin::v1::AddPartitionsRequest&) const;
  admin::v1::AddPartitionsResponse PartitionsAdded(const decide::Outcome&) const;
  Answer<decide::Command> ElectLeaders(const admin::v1::ElectLeadersRequest&) const;
  admin::v1::ElectLeadersResponse LeadersElected(const decide::Outcome&) const;
  Answer<decide::Command> ReassignPartitions(const admin::v1::ReassignPartitionsRequest&) const;
  Answer<decide::Command> CancelReassignments(const admin::v1::CancelReassignmentsRequest&) const;
  // For what has nothing to say but that it is done.
  template <class Response>
  Response Done(const decide::Outcome&) const {
    return {};
  }

  const metadata::Image& image() const { return machine_->committed(); }

  host::Host host_;
  MetadataDriver* const machine_;
  const ActiveController* const active_;
  const std::function<quorum::Quorum*()> quorum_;
};

}  // namespace weir::service
