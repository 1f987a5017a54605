// SPDX-License-Identifier: Apache-2.0
// The gRPC edge of administration: weir.admin.v1 as questions to the image and commands to the
// metadata machine. It translates, and never decides. Only the active controller answers; the
// others say who that is. One strand.
#pragma once

#include <functional>

#include "common/host/host.h"
#include "common/edge/methods.h"
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
  template <class Response>
  bool Redirected(edge::Respond<Response>& respond) const;

  Answer<admin::v1::GetClusterResponse> GetCluster(const admin::v1::GetClusterRequest&) const;
  Answer<admin::v1::DescribeQuorumResponse> DescribeQuorum(
      const admin::v1::DescribeQuorumRequest&) const;
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
  admin::v1::DeleteTopicResponse TopicDeleted(const decide::Outcome&) const;
  Answer<decide::Command> UpdateConfigs(const admin::v1::UpdateConfigsRequest&) const;
  admin::v1::UpdateConfigsResponse ConfigsUpdated(const decide::Outcome&) const;

  const metadata::Image& image() const { return machine_->committed(); }

  host::Host host_;
  MetadataDriver* const machine_;
  const ActiveController* const active_;
  const std::function<quorum::Quorum*()> quorum_;
};

}  // namespace weir::service
