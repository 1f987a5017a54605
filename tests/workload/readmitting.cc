// SPDX-License-Identifier: Apache-2.0
#include "tests/workload/readmitting.h"

#include <utility>

namespace weir::workload {
namespace {

constexpr Duration kPause = std::chrono::milliseconds(100);
constexpr Duration kPatience = std::chrono::seconds(5);

}  // namespace

Readmitting::Readmitting(cluster::Cluster& cluster)
    : cluster_(cluster),
      host_(cluster.client_process().host()),
      routing_(host_, cluster.bootstrap()),
      admin_(host_, routing_, {.overall = kPatience}) {}

void Readmitting::Readmit(const std::string& controller) {
  if (waiting_.insert(controller).second) Later(controller);
}

void Readmitting::Later(const std::string& name) {
  host_.strand.RunAt(host_.clock.Now() + kPause, lifetime_.Bind([this, name] { Describe(name); }));
}

void Readmitting::Describe(const std::string& name) {
  host_.network.Call(name + ":9190", "/weir.raft.v1.Birth/Describe", {}, std::chrono::seconds(1),
                     lifetime_.Bind([this, name](host::CallStatus status, Bytes bytes) {
                       raft::v1::DescribeResponse described;
                       bool is_told = status.ok() && described.ParseFromString(bytes.ToString());
                       if (!is_told) return Later(name);
                       Replace(name, described);
                     }));
}

void Readmitting::Replace(const std::string& name, const raft::v1::DescribeResponse& described) {
  controller::Controller* active = cluster_.active();
  if (active == nullptr || !active->machine().is_active()) return Later(name);
  for (const metadata::Voter& voter : active->machine().committed().voters) {
    if (voter.id.value() != described.controller_id()) continue;
    bool is_new = voter.directory.ToBytes() == described.directory_id();
    if (is_new && voter.is_learner) return Later(name);
    if (is_new) {
      ++readmitted_;
      waiting_.erase(name);
      return;
    }
    admin::v1::RemoveControllerRequest request;
    request.set_controller_id(described.controller_id());
    request.set_directory_id(voter.directory.ToBytes());
    return Ask<admin::v1::RemoveControllerResponse>(name, "Cluster/RemoveController", request);
  }
  admin::v1::AddControllerRequest request;
  request.set_controller_id(described.controller_id());
  request.set_directory_id(described.directory_id());
  request.set_endpoint(described.endpoint());
  Ask<admin::v1::AddControllerResponse>(name, "Cluster/AddController", request);
}

template <class Response, class Request>
void Readmitting::Ask(const std::string& name, const std::string& method, Request request) {
  request.set_request_id(host_.random.NextUuid().ToBytes());
  admin_.Call<Response>(method, request,
                        lifetime_.Bind([this, name](client::Outcome<Response>) { Later(name); }));
}

}  // namespace weir::workload
