// SPDX-License-Identifier: Apache-2.0
// `weir quorum`: the controllers, and who of them takes part.
#include <iostream>

#include "cli/commands.h"
#include "cli/founding_call.h"

namespace weir::cli {
namespace {

namespace admin = weir::admin::v1;

constexpr Duration kLookAgain = std::chrono::milliseconds(200);

std::string RoleOf(const admin::DescribeQuorumResponse& quorum,
                   const admin::DescribeQuorumResponse::Voter& voter) {
  if (voter.controller_id() == quorum.leader()) return "leader";
  return voter.learner() ? "learner" : "follower";
}

host::Task<int> QuorumStatus(Cluster& cluster, Common common) {
  auto answer = co_await Ask<admin::DescribeQuorumResponse>(cluster, "Cluster/DescribeQuorum",
                                                            admin::DescribeQuorumRequest());
  if (!answer) co_return Complain(answer.error());
  Listing voters({"controller", "role", "endpoint", "match_index", "lag", "silent_ms"});
  for (const auto& voter : answer->voters()) {
    bool leads = voter.controller_id() == answer->leader();
    int64_t match = leads ? answer->last_index() : voter.match_index();
    voters.Add({voter.controller_id(), RoleOf(*answer, voter), voter.endpoint(), match,
                answer->last_index() - match, voter.silent_ms()});
  }
  Json status = {{"leader", answer->leader()},
                 {"term", answer->term()},
                 {"commit_index", answer->commit_index()},
                 {"last_index", answer->last_index()},
                 {"snapshot_index", answer->snapshot_index()},
                 {"log_begin_index", answer->log_begin_index()}};
  if (common.json) {
    status["voters"] = voters.ToJson();
    PrintObject(common, status);
  } else {
    PrintObject(common, status);
    std::cout << '\n';
    voters.PrintText(std::cout);
  }
  co_return kOk;
}

// Looks on until controller `id` votes, or `deadline` has passed; null in the answer: it does not.
host::Task<bool> AwaitVoter(Cluster& cluster, int32_t id, Instant deadline) {
  int64_t told = -1;
  while (true) {
    auto answer = co_await Ask<admin::DescribeQuorumResponse>(cluster, "Cluster/DescribeQuorum",
                                                              admin::DescribeQuorumRequest());
    if (answer) {
      for (const auto& voter : answer->voters()) {
        if (voter.controller_id() != id) continue;
        if (!voter.learner()) co_return true;
        int64_t lag = answer->last_index() - voter.match_index();
        if (lag != told) {
          std::cerr << "controller " << id << " lacks " << lag << " entries" << std::endl;
        }
        told = lag;
      }
    }
    Instant next = cluster.host.clock.Now() + kLookAgain;
    if (next >= deadline) co_return false;
    co_await host::AwaitDone([&](auto done) { cluster.host.strand.RunAt(next, std::move(done)); });
  }
}

host::Task<int> Add(Cluster& cluster, Common common, std::string endpoint, int wait_seconds) {
  Instant now = cluster.host.clock.Now();
  auto described = co_await DescribeController(cluster.host, endpoint,
                                               now + std::chrono::seconds(common.timeout_seconds));
  if (!described) co_return Complain(described.error());
  auto mine = co_await Ask<admin::GetClusterResponse>(cluster, "Cluster/GetCluster",
                                                      admin::GetClusterRequest());
  if (!mine) co_return Complain(mine.error());
  if (!described->cluster_id().empty() && described->cluster_id() != mine->cluster_id()) {
    co_return Complain("controller at " + endpoint + " belongs to cluster " +
                       IdText(described->cluster_id()) + ", not to cluster " +
                       IdText(mine->cluster_id()) +
                       ": a controller is added with an empty data folder");
  }
  admin::AddControllerRequest request;
  request.set_controller_id(described->controller_id());
  request.set_directory_id(described->directory_id());
  request.set_endpoint(described->endpoint());
  auto added = co_await AskToChange<admin::AddControllerResponse>(cluster, "Cluster/AddController",
                                                                  request);
  if (!added) co_return Complain(added.error());
  bool votes = co_await AwaitVoter(cluster, described->controller_id(),
                                   cluster.host.clock.Now() + std::chrono::seconds(wait_seconds));
  Json done = {{"controller", described->controller_id()},
               {"endpoint", described->endpoint()},
               {"role", votes ? "voter" : "learner"}};
  PrintObject(common, done);
  if (votes || wait_seconds == 0) co_return kOk;
  co_return Complain("controller " + std::to_string(described->controller_id()) +
                     " has not caught up yet; it votes as soon as it has: see weir quorum status");
}

host::Task<int> Remove(Cluster& cluster, Common common, int32_t id, bool force) {
  admin::RemoveControllerRequest request;
  request.set_controller_id(id);
  request.set_force(force);
  auto answer = co_await AskToChange<admin::RemoveControllerResponse>(
      cluster, "Cluster/RemoveController", request);
  if (!answer) co_return Complain(answer.error());
  Json done = {{"controller", id}, {"role", "removed"}};
  PrintObject(common, done);
  if (!common.json) {
    std::cout << "Its process may be stopped, and its data folder deleted.\n";
  }
  co_return kOk;
}

host::Task<int> Transfer(Cluster& cluster, Common common, int32_t id) {
  admin::TransferLeadershipRequest request;
  request.set_controller_id(id);
  auto answer = co_await Ask<admin::TransferLeadershipResponse>(
      cluster, "Cluster/TransferLeadership", request);
  if (!answer) co_return Complain(answer.error());
  co_return co_await QuorumStatus(cluster, common);
}

void AddAdd(CLI::App* noun, Invocation& invocation) {
  auto endpoint = std::make_shared<std::string>();
  auto wait = std::make_shared<int>(60);
  CLI::App* add = noun->add_subcommand("add", "Let another controller take part");
  add->add_option("ENDPOINT", *endpoint, "Where the new, empty controller answers, host:port")
      ->required();
  add->add_option("--wait", *wait, "Look on until it votes, for so many seconds; 0: do not")
      ->check(CLI::Range(0, 86400));
  add->footer(
      "The controller must run with an empty data folder and an id of its own. It is sent the log\n"
      "first, and votes as soon as it has it. To replace a dead one: remove that one, then add.\n"
      "Examples:\n  weir quorum add c4:9190\n  weir quorum add c4:9190 --wait 600");
  AddFormat(add, invocation);
  OnCluster(add, invocation, [endpoint, wait](Cluster& cluster, Common common) {
    return Add(cluster, common, *endpoint, *wait);
  });
}

void AddRemove(CLI::App* noun, Invocation& invocation) {
  auto id = std::make_shared<int32_t>();
  auto force = std::make_shared<bool>(false);
  CLI::App* remove = noun->add_subcommand("remove", "Take a controller out, alive or dead");
  remove->add_option("CONTROLLER", *id, "The controller's number")
      ->required()
      ->check(CLI::NonNegativeNumber);
  remove->add_flag("--force", *force,
                   "Even if too few of those that stay answer to decide anything");
  remove->footer("Examples:\n  weir quorum remove 2");
  AddFormat(remove, invocation);
  OnCluster(remove, invocation, [id, force](Cluster& cluster, Common common) {
    return Remove(cluster, common, *id, *force);
  });
}

void AddTransfer(CLI::App* noun, Invocation& invocation) {
  auto id = std::make_shared<int32_t>(-1);
  CLI::App* transfer = noun->add_subcommand("transfer", "Make another controller the active one");
  transfer->add_option("CONTROLLER", *id, "The controller's number; without: who is furthest")
      ->check(CLI::NonNegativeNumber);
  transfer->footer("Examples:\n  weir quorum transfer\n  weir quorum transfer 3");
  AddFormat(transfer, invocation);
  OnCluster(transfer, invocation, [id](Cluster& cluster, Common common) {
    return Transfer(cluster, common, *id);
  });
}

}  // namespace

void AddQuorumCommands(CLI::App& app, Invocation& invocation) {
  CLI::App* noun = app.add_subcommand("quorum", "The controllers: see, add, remove, hand over");
  noun->require_subcommand(1);
  CLI::App* status =
      noun->add_subcommand("status", "Who leads the quorum, and how far the others are");
  status->footer("Examples:\n  weir quorum status\n  weir quorum status --format json");
  AddFormat(status, invocation);
  OnCluster(status, invocation, QuorumStatus);
  AddAdd(noun, invocation);
  AddRemove(noun, invocation);
  AddTransfer(noun, invocation);
}

}  // namespace weir::cli
