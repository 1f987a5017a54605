// SPDX-License-Identifier: Apache-2.0
#include "tests/workload/replacing_voters.h"

#include <utility>
#include <vector>

#include "proto/raft/raft.pb.h"

namespace weir::workload {

void ReplacingVoters::Later() {
  under_way_ = false;
  host::Host host = cluster_.client_process().host();
  host.strand.RunAt(host.clock.Now() + pause_, lifetime_.Bind([this] { Next(); }));
}

// Draws a member or a spare, and lets it go or come.
void ReplacingVoters::Next() {
  if (ended_) return;
  controller::Controller* active = cluster_.active();
  if (active == nullptr) return Later();
  under_way_ = true;
  host::Host host = cluster_.client_process().host();
  std::vector<std::string> names = cluster_.controller_names();
  const std::string& name = names[host.random.Next() % names.size()];
  auto id = ControllerId(std::stoi(name.substr(name.rfind('-') + 1)));
  int voters = 0;
  bool is_member = false;
  for (const auto& known : active->quorum()->Describe().voters) {
    voters += known.voter.is_learner ? 0 : 1;
    is_member = is_member || known.voter.id.controller == id;
  }
  if (is_member && host.random.Next() % 4 == 0) {
    admin::v1::TransferLeadershipRequest request;
    request.set_controller_id(id.value());
    return Ask<admin::v1::TransferLeadershipResponse>("Cluster/TransferLeadership", request);
  }
  if (is_member && voters <= voters_min_) return Later();
  if (!is_member) return Add(name);
  admin::v1::RemoveControllerRequest request;
  request.set_controller_id(id.value());
  Ask<admin::v1::RemoveControllerResponse>("Cluster/RemoveController", request);
}

void ReplacingVoters::Add(const std::string& name) {
  cluster_.client_process().host().network.Call(
      name + ":9190", "/weir.raft.v1.Birth/Describe", {}, std::chrono::seconds(1),
      lifetime_.Bind([this](host::CallStatus status, Bytes bytes) {
        raft::v1::DescribeResponse described;
        if (!status.ok() || !described.ParseFromString(bytes.ToString())) return Later();
        admin::v1::AddControllerRequest request;
        request.set_controller_id(described.controller_id());
        request.set_directory_id(described.directory_id());
        request.set_endpoint(described.endpoint());
        Ask<admin::v1::AddControllerResponse>("Cluster/AddController", request);
      }));
}

template <class Response, class Request>
void ReplacingVoters::Ask(const std::string& method, Request request) {
  cluster_.admin().Call<Response>(method, std::move(request),
                                  lifetime_.Bind([this](client::Outcome<Response> answer) {
                                    changed_ += answer ? 1 : 0;
                                    Later();
                                  }));
}

}  // namespace weir::workload
