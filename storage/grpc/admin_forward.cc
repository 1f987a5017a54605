// SPDX-License-Identifier: Apache-2.0
#include "storage/grpc/admin_forward.h"

#include <memory>

#include "common/edge/methods.h"
#include "common/edge/refusal_status.h"
#include "proto/admin/admin.pb.h"

namespace weir::grpc_edge {
namespace {

using host::CallStatus;
using host::Endpoint;
using host::StatusCode;

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
  // All that the admin API's file declares: what is added there is forwarded too.
  const auto* file = admin::v1::GetClusterRequest::descriptor()->file();
  for (int s = 0; s < file->service_count(); ++s) {
    for (int m = 0; m < file->service(s)->method_count(); ++m) {
      std::string method =
          "/" + file->service(s)->full_name() + "/" + file->service(s)->method(m)->name();
      methods[method] = host::UnaryMethod(
          [host, session, method](const host::Caller&, Bytes request, host::Reply reply) {
            std::make_shared<Forwarded>(host, session, method, std::move(request),
                                        std::move(reply))
                ->Try();
          });
    }
  }
  return methods;
}

}  // namespace weir::grpc_edge
