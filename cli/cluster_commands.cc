// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "cli/commands.h"
#include "cli/founding_call.h"
#include "cli/quantity.h"

namespace weir::cli {
namespace {

namespace admin = weir::admin::v1;

Json Overview(const admin::GetClusterResponse& cluster) {
  return {{"cluster_id", IdText(cluster.cluster_id())},
          {"active_controller", cluster.active_controller()},
          {"nodes", cluster.node_count()},
          {"active_nodes", cluster.active_node_count()},
          {"topics", cluster.topic_count()},
          {"partitions", cluster.partition_count()},
          {"leaderless_partitions", cluster.leaderless_partition_count()},
          {"under_replicated_partitions", cluster.under_replicated_partition_count()}};
}

Json UnhealthyReasons(const admin::GetClusterResponse& cluster) {
  Json reasons = Json::array();
  if (cluster.active_node_count() < cluster.node_count()) reasons.push_back("nodes_down");
  if (cluster.node_count() == 0) reasons.push_back("no_nodes");
  if (cluster.leaderless_partition_count() > 0) reasons.push_back("leaderless_partitions");
  if (cluster.under_replicated_partition_count() > 0) {
    reasons.push_back("under_replicated_partitions");
  }
  return reasons;
}

// Asks until all is well, or `wait_seconds` have passed; then shows what it found.
host::Task<int> Health(Cluster& cluster, Common common, int wait_seconds) {
  Instant deadline = cluster.host.clock.Now() + std::chrono::seconds(wait_seconds);
  while (true) {
    auto answer = co_await Ask<admin::GetClusterResponse>(cluster, "Cluster/GetCluster",
                                                          admin::GetClusterRequest());
    Json reasons = answer ? UnhealthyReasons(*answer) : Json::array();
    bool healthy = answer && reasons.empty();
    Instant next = cluster.host.clock.Now() + std::chrono::milliseconds(100);
    if (!healthy && next < deadline) {
      co_await host::AwaitDone(
          [&](auto done) { cluster.host.strand.RunAt(next, std::move(done)); });
      continue;
    }
    if (!answer) {
      Complain(answer.error());
      co_return kUnhealthy;
    }
    Json health = {{"healthy", healthy}, {"unhealthy_reasons", reasons}};
    health.update(Overview(*answer));
    if (!common.json) std::cout << "CLUSTER HEALTH OVERVIEW\n=======================\n";
    PrintObject(common, health);
    co_return healthy ? kOk : kUnhealthy;
  }
}

host::Task<int> Info(Cluster& cluster, Common common) {
  auto answer = co_await Ask<admin::GetClusterResponse>(cluster, "Cluster/GetCluster",
                                                        admin::GetClusterRequest());
  if (!answer) co_return Complain(answer.error());
  Json info = Overview(*answer);
  info["created_at_ms"] = answer->created_at_ms();
  PrintObject(common, info);
  co_return kOk;
}

CLI::App* AddPlain(CLI::App* noun, const char* name, const char* help, const char* footer,
                   Invocation& invocation, ClusterCommand command) {
  CLI::App* added = noun->add_subcommand(name, help);
  added->footer(footer);
  AddFormat(added, invocation);
  OnCluster(added, invocation, std::move(command));
  return added;
}

void AddHealth(CLI::App* noun, Invocation& invocation) {
  auto wait = std::make_shared<int>(0);
  CLI::App* health =
      noun->add_subcommand("health", "Whether all is well; exit code 3 if it is not");
  health->add_option("--wait", *wait, "Ask again until all is well, for so many seconds")
      ->check(CLI::Range(0, 3600));
  health->footer(
      "Examples:\n  weir cluster health\n  weir cluster health --wait 30 --format json");
  AddFormat(health, invocation);
  health->callback([&invocation, wait] {
    invocation.run = [&invocation, wait] {
      return RunOnCluster(invocation.common, [&](Cluster& cluster) {
        return Health(cluster, invocation.common, *wait);
      });
    };
  });
}

}  // namespace

void AddClusterCommands(CLI::App& app, Invocation& invocation) {
  CLI::App* noun = app.add_subcommand("cluster", "Found a cluster, and see how it is");
  noun->require_subcommand(1);
  AddHealth(noun, invocation);
  AddPlain(noun, "info", "What the cluster is",
           "Examples:\n  weir cluster info\n  weir --bootstrap node-1:9092 cluster info",
           invocation, Info);

  auto controllers = std::make_shared<std::string>();
  CLI::App* init = noun->add_subcommand("init", "Make a cluster of empty controllers");
  init->add_option("--controllers", *controllers, "All of them, host:port,host:port,...")
      ->required();
  auto wait = std::make_shared<int>(0);
  init->add_option("--wait", *wait, "Ask again until all of them answer, for so many seconds")
      ->check(CLI::Range(0, 3600));
  init->footer(
      "Safe to repeat: a half-done founding is completed, a finished one is left alone.\n"
      "Examples:\n"
      "  weir cluster init --controllers c1:9090,c2:9090,c3:9090\n"
      "  weir cluster init --controllers c1:9090,c2:9090,c3:9090 --wait 120");
  AddFormat(init, invocation);
  init->callback([&invocation, controllers, wait] {
    invocation.run = [&invocation, controllers, wait] {
      auto endpoints = ParseEndpoints(*controllers);
      if (!endpoints) return Complain(endpoints.error().message, kUsage);
      return RunOnHost(
          [&](host::Host at) { return InitCluster(at, *endpoints, invocation.common, *wait); });
    };
  });
}

}  // namespace weir::cli
