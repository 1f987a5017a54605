// SPDX-License-Identifier: Apache-2.0
#include "storage/grpc/admin_forward.h"

#include <memory>

#include "common/edge/methods.h"
#include "common/edge/refusal_status.h"

namespace weir::grpc_edge {
namespace {

using host::CallStatus;
using host::Endpoint;
using host::StatusCode;

constexpr const char* kMethods[] = {
    "/weir.admin.v1.Cluster/GetCluster",        "/weir.admin.v1.Cluster/DescribeQuorum",
    "/weir.admin.v1.Nodes/ListNodes",           "/weir.admin.v1.Nodes/GetNode",
    "/weir.admin.v1.Topics/CreateTopic",        "/weir.admin.v1.Topics/GetTopic",
    "/weir.admin.v1.Topics/ListTopics",         "/weir.admin.v1.Topics/DeleteTopic",
    "/weir.admin.v1.Partitions/ListPartitions", "/weir.admin.v1.Configs/GetConfigs",
    "/weir.admin.v1.Configs/UpdateConfigs",
};

constexpr Duration kPatience = std::chrono::seconds(10);
constexpr Duration kAttempt = std::chrono::seconds(5);
constexpr Duration kPause = std::chrono::milliseconds(25);

// One call on its way: it is tried again while the quorum has no active controller, which is safe
// for every admin call, since those that change something carry a request id.
struct Forwarded : std::enable_shared_from_this<Forwarded> {
  Forwarded(host::Host world, session::Session* session_, std::string name, Bytes body,
            host::Reply answer)
      : host(world),
        session(session_),
        method(std::move(name)),
        request(std::move(body)),
        reply(std::move(answer)),
        deadline(world.clock.Now() + kPatience) {}

  void Try() {
    Endpoint to = named.empty() ? session->active_controller() : named;
    named.clear();
    if (to.empty()) return TryLater({});
    host.network.Call(to, method, {request}, kAttempt,
                      [self = shared_from_this()](CallStatus status, Bytes response) {
                        self->Answered(std::move(status), std::move(response));
                      });
  }

  void Answered(CallStatus status, Bytes response) {
    edge::Reason reason = edge::ReasonOf(status);
    if (reason.reason == "NOT_ACTIVE_CONTROLLER") {
      named = reason.hints["endpoint"];
      return TryLater(std::move(status));
    }
    // Without a reason of ours the network spoke, not the controller.
    if (status.code == StatusCode::kUnavailable && reason.reason.empty()) {
      return TryLater(std::move(status));
    }
    if (status.ok()) return reply(CallStatus::Ok(), {std::move(response)});
    reply(std::move(status), {});
  }

  void TryLater(CallStatus why) {
    if (host.clock.Now() >= deadline) {
      if (why.ok()) {
        why = edge::StatusOf(StatusCode::kUnavailable, "NOT_CONTROLLER",
                             "this node has found no active controller; is a majority of the "
                             "controllers running?");
      }
      return reply(std::move(why), {});
    }
    host.strand.RunAt(host.clock.Now() + kPause, [self = shared_from_this()] { self->Try(); });
  }

  host::Host host;
  session::Session* session;
  std::string method;
  Bytes request;
  host::Reply reply;
  Instant deadline;
  Endpoint named;
};

}  // namespace

host::Methods AdminForwardMethods(host::Host host, session::Session* session) {
  host::Methods methods;
  for (const char* method : kMethods) {
    methods[method] = host::UnaryMethod(
        [host, session, method](const host::Caller&, Bytes request, host::Reply reply) {
          std::make_shared<Forwarded>(host, session, method, std::move(request), std::move(reply))
              ->Try();
        });
  }
  return methods;
}

}  // namespace weir::grpc_edge
