// SPDX-License-Identifier: Apache-2.0
#include "cli/founding_call.h"

#include <algorithm>
#include <iostream>

#include "controller/quorum/founding.h"
#include "proto/raft/raft.pb.h"

namespace weir::cli {
namespace {

namespace raft = weir::raft::v1;

// One unary call to one controller, again until it is there or `deadline` has passed.
template <class Response>
host::Task<client::Outcome<Response>> CallController(host::Host host, std::string endpoint,
                                                     std::string method, std::string request,
                                                     Instant deadline) {
  client::BackOff backoff(host.random.Next());
  while (true) {
    struct Heard {
      host::CallStatus status;
      Bytes bytes;
    };
    Heard heard = co_await host::Await<Heard>([&](auto done) {
      host.network.Call(endpoint, "/weir.raft.v1.Birth/" + method, {Bytes::FromString(request)},
                        std::chrono::seconds(3),
                        [done = std::move(done)](host::CallStatus status, Bytes bytes) mutable {
                          done(Heard{std::move(status), std::move(bytes)});
                        });
    });
    if (heard.status.ok()) {
      Response response;
      if (response.ParseFromArray(heard.bytes.data(), static_cast<int>(heard.bytes.size()))) {
        co_return std::move(response);
      }
      co_return std::unexpected(client::Failure{.code = host::StatusCode::kInternal,
                                                .message = endpoint + " is no controller of ours"});
    }
    client::Failure failure = client::Decode(heard.status);
    Instant next = host.clock.Now() + backoff.Next();
    if (!failure.is_transient() || next >= deadline) {
      failure.message = "controller at " + endpoint + ": " + failure.message;
      co_return std::unexpected(std::move(failure));
    }
    co_await host::AwaitDone([&](auto done) { host.strand.RunAt(next, std::move(done)); });
  }
}

}  // namespace

host::Task<client::Outcome<raft::DescribeResponse>> DescribeController(host::Host host,
                                                                       std::string endpoint,
                                                                       Instant deadline) {
  co_return co_await CallController<raft::DescribeResponse>(host, std::move(endpoint), "Describe",
                                                            "", deadline);
}

host::Task<int> InitCluster(host::Host host, std::vector<std::string> controllers, Common common,
                            int wait_seconds) {
  const auto timeout = std::chrono::seconds(common.timeout_seconds);
  Instant deadline = host.clock.Now() + std::max(timeout, std::chrono::seconds(wait_seconds));
  std::vector<raft::DescribeResponse> answers;
  for (const std::string& endpoint : controllers) {
    auto answer =
        co_await CallController<raft::DescribeResponse>(host, endpoint, "Describe", "", deadline);
    if (!answer) {
      Complain(answer.error());
      co_return Complain("nothing was founded: all controllers must answer first");
    }
    answers.push_back(std::move(*answer));
  }
  auto plan = quorum::PlanInit(answers, ClusterId(host.random.NextUuid()), host.clock.WallNow());
  if (!plan) co_return Complain(plan.error().message);
  // They have all just answered: what now takes long is no process that still starts.
  deadline = host.clock.Now() + timeout;
  for (size_t i : plan->found) {
    raft::FoundRequest request;
    request.set_cluster_id(plan->cluster.ToBytes());
    request.set_controller_id(answers[i].controller_id());
    request.set_directory_id(answers[i].directory_id());
    request.set_snapshot(plan->snapshot);
    auto found = co_await CallController<raft::FoundResponse>(
        host, controllers[i], "Found", request.SerializeAsString(), deadline);
    if (!found) {
      Complain(found.error());
      co_return Complain("half done: repeat the same command to complete it");
    }
  }
  Json done = {{"cluster_id", plan->cluster.ToString()},
               {"controllers", controllers},
               {"founded", plan->found.size()},
               {"status", plan->found.empty() ? "already founded"
                          : plan->completes   ? "completed"
                                              : "founded"}};
  PrintObject(common, done);
  co_return kOk;
}

}  // namespace weir::cli
