// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "cli/commands.h"
#include "common/base/ids.h"

namespace weir::cli {
namespace {

namespace admin = weir::admin::v1;

constexpr Duration kLookAgain = std::chrono::milliseconds(500);

host::Task<int> ListNodes(Cluster& cluster, Common common) {
  Listing listing({"node", "state", "duty", "client_endpoint", "internal_endpoint", "rack",
                   "replicas", "leaders", "version"});
  admin::ListNodesRequest request;
  request.set_page_size(1000);
  do {
    auto answer = co_await Ask<admin::ListNodesResponse>(cluster, "Nodes/ListNodes", request);
    if (!answer) co_return Complain(answer.error());
    for (const auto& node : answer->nodes()) {
      std::string client_at;
      std::string internal_at;
      for (const auto& listener : node.listeners()) {
        std::string at = listener.host() + ":" + std::to_string(listener.port());
        if (listener.name() == "client") client_at = at;
        if (listener.name() == "internal") internal_at = at;
      }
      listing.Add({node.node_id(), node.state(), node.duty(), client_at, internal_at, node.rack(),
                   node.replica_count(), node.leader_count(), node.version()});
    }
    request.set_page_token(answer->next_page_token());
  } while (!request.page_token().empty());
  Print(common, listing);
  co_return kOk;
}

struct NodeOptions {
  int node = 0;
  int wait_seconds = 0;
  std::string name() const { return "nodes/" + std::to_string(node); }
};

Json Describe(const admin::Node& node) {
  return {{"node", node.node_id()},
          {"state", node.state()},
          {"duty", node.duty()},
          {"replicas", node.replica_count()},
          {"leaders", node.leader_count()}};
}

// Shows the node, once it is empty if that is waited for.
host::Task<int> ShowEmptying(Cluster& cluster, Common common, NodeOptions options) {
  Instant deadline = cluster.host.clock.Now() + std::chrono::seconds(options.wait_seconds);
  int left = -1;
  while (true) {
    admin::GetNodeRequest request;
    request.set_name(options.name());
    auto answer = co_await Ask<admin::GetNodeResponse>(cluster, "Nodes/GetNode", request);
    if (!answer) co_return Complain(answer.error());
    const admin::Node& node = answer->node();
    bool is_empty = node.replica_count() == 0;
    Instant next = cluster.host.clock.Now() + kLookAgain;
    if (is_empty || next >= deadline) {
      PrintObject(common, Describe(node));
      if (is_empty || options.wait_seconds == 0) co_return kOk;
      co_return Complain("node " + std::to_string(options.node) + " still holds " +
                         std::to_string(node.replica_count()) +
                         " replicas, and goes on giving them away; see: weir partition list "
                         "--moving");
    }
    if (node.replica_count() != left) {
      left = node.replica_count();
      std::cerr << "node " << options.node << ": " << left << " replicas left, "
                << node.leader_count() << " of them leaders" << std::endl;
    }
    co_await host::AwaitDone([&](auto done) { cluster.host.strand.RunAt(next, std::move(done)); });
  }
}

host::Task<int> Drain(Cluster& cluster, Common common, NodeOptions options) {
  admin::DrainNodeRequest request;
  request.set_name(options.name());
  auto answer = co_await AskToChange<admin::DrainNodeResponse>(cluster, "Nodes/DrainNode", request);
  if (!answer) co_return Complain(answer.error());
  co_return co_await ShowEmptying(cluster, common, options);
}

host::Task<int> Decommission(Cluster& cluster, Common common, NodeOptions options) {
  admin::DecommissionNodeRequest request;
  request.set_name(options.name());
  auto answer = co_await AskToChange<admin::DecommissionNodeResponse>(
      cluster, "Nodes/DecommissionNode", request);
  if (!answer) co_return Complain(answer.error());
  int code = co_await ShowEmptying(cluster, common, options);
  if (code == kOk) {
    std::cerr << "Once it is empty, stop its process, and forget it with: weir node remove "
              << options.node << std::endl;
  }
  co_return code;
}

host::Task<int> Undrain(Cluster& cluster, Common common, NodeOptions options) {
  admin::UndrainNodeRequest request;
  request.set_name(options.name());
  auto answer =
      co_await AskToChange<admin::UndrainNodeResponse>(cluster, "Nodes/UndrainNode", request);
  if (!answer) co_return Complain(answer.error());
  co_return co_await ShowEmptying(cluster, common, options);
}

host::Task<int> ShowDisks(Cluster& cluster, Common common, NodeOptions options) {
  admin::GetNodeRequest request;
  request.set_name(options.name());
  auto answer = co_await Ask<admin::GetNodeResponse>(cluster, "Nodes/GetNode", request);
  if (!answer) co_return Complain(answer.error());
  Listing listing({"directory", "state", "replicas"});
  for (const auto& directory : answer->node().directories()) {
    auto id = DirectoryId::FromBytes(directory.directory_id());
    listing.Add({id ? id->ToString() : "", directory.state(), directory.replica_count()});
  }
  Print(common, listing);
  co_return kOk;
}

host::Task<int> Remove(Cluster& cluster, Common common, NodeOptions options) {
  admin::RemoveNodeRequest request;
  request.set_name(options.name());
  auto answer =
      co_await AskToChange<admin::RemoveNodeResponse>(cluster, "Nodes/RemoveNode", request);
  if (!answer) co_return Complain(answer.error());
  Listing listing({"node", "status"});
  listing.Add({options.node, "OK"});
  Print(common, listing);
  co_return kOk;
}

using NodeCommand = host::Task<int> (*)(Cluster&, Common, NodeOptions);

// A command about one node; `waits` if it may wait until the node is empty.
void AddForNode(CLI::App* noun, const char* verb, const char* help, const char* footer, bool waits,
                Invocation& invocation, NodeCommand command) {
  auto options = std::make_shared<NodeOptions>();
  CLI::App* added = noun->add_subcommand(verb, help);
  added->add_option("NODE", options->node, "The node's number")
      ->required()
      ->check(CLI::NonNegativeNumber);
  if (waits) {
    added
        ->add_option("--wait", options->wait_seconds,
                     "Look on until the node is empty, for so many seconds")
        ->check(CLI::Range(0, 86400));
  }
  added->footer(footer);
  AddFormat(added, invocation);
  OnCluster(added, invocation, [options, command](Cluster& cluster, Common common) {
    return command(cluster, common, *options);
  });
}

}  // namespace

void AddNodeCommands(CLI::App& app, Invocation& invocation) {
  CLI::App* noun = app.add_subcommand("node", "Storage nodes: list, empty and remove them");
  noun->require_subcommand(1);
  CLI::App* list = noun->add_subcommand("list", "List the storage nodes");
  list->footer("Examples:\n  weir node list\n  weir node list --format json");
  AddFormat(list, invocation);
  OnCluster(list, invocation, ListNodes);

  AddForNode(noun, "disks", "Show the data folders of a node",
             "A failed one comes back when its node is started with it again.\n"
             "Examples:\n  weir node disks 3",
             false, invocation, ShowDisks);
  AddForNode(noun, "drain", "Empty a node: its leaders move at once, its replicas one by one",
             "It stays so, whatever becomes of its process, until: weir node undrain NODE\n"
             "Examples:\n  weir node drain 3\n  weir node drain 3 --wait 600",
             true, invocation, Drain);
  AddForNode(noun, "undrain", "Give a node replicas and leaders again",
             "Moves that are under way go on; see: weir partition list --moving\n"
             "Examples:\n  weir node undrain 3",
             false, invocation, Undrain);
  AddForNode(noun, "decommission", "Empty a node that is not coming back",
             "Then stop its process, and forget it with: weir node remove NODE\n"
             "A node that is dead already is emptied from its partners.\n"
             "Examples:\n  weir node decommission 3\n  weir node decommission 3 --wait 3600",
             true, invocation, Decommission);
  AddForNode(noun, "remove", "Forget a node that is gone and holds nothing any more",
             "Examples:\n  weir node remove 3", false, invocation, Remove);
}

}  // namespace weir::cli
