// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <map>
#include <ranges>

#include "cli/commands.h"
#include "cli/dev_plan.h"
#include "cli/dev_process.h"
#include "cli/founding_call.h"
#include "cli/nearest.h"

namespace weir::cli {
namespace {

namespace admin = weir::admin::v1;
namespace fs = std::filesystem;

// A controlled stop moves the leaders first.
constexpr int kStopSeconds = 15;

struct DevOptions {
  std::string folder = ".weir";
  int controllers = 3;
  int nodes = 3;
  bool force = false;
  std::string binaries;
  std::vector<std::string> processes;
  // Restart: those that do not run.
  bool killed = false;
};

std::string AbsoluteFolder(const DevOptions& options) {
  return fs::absolute(options.folder).lexically_normal().string();
}

Result<std::string> FindBinary(const DevOptions& options, const std::string& name) {
  std::error_code ignored;
  std::vector<fs::path> places;
  if (!options.binaries.empty()) {
    places = {fs::path(options.binaries) / name, fs::path(options.binaries) / name / name};
  } else {
    fs::path here = fs::read_symlink("/proc/self/exe", ignored).parent_path();
    places = {here / name, here.parent_path() / name / name};
  }
  for (const fs::path& place : places) {
    if (fs::is_regular_file(place, ignored) && access(place.c_str(), X_OK) == 0) {
      return fs::absolute(place).lexically_normal().string();
    }
  }
  return Fail(Error::Kind::kNotFound, "there is no program '" + name + "' at " +
                                          places[0].string() + " or " + places[1].string() +
                                          "; say where with --bin FOLDER");
}

std::vector<DevProcess> Running(const DevState& state, bool of_controllers) {
  std::vector<DevProcess> running;
  for (const DevProcess& process : state.processes) {
    if (process.is_controller() == of_controllers && IsRunning(process)) running.push_back(process);
  }
  return running;
}

// Nodes first: they hand their partitions over, for which they need the controllers.
void EndAll(const DevState& state) {
  for (bool controllers : {false, true}) {
    for (const std::string& name : EndProcesses(Running(state, controllers), kStopSeconds)) {
      std::cerr << "weir: " << name << " did not end in time, and was killed\n";
    }
  }
}

Result<DevState> PlanNew(const DevOptions& options, const std::string& folder) {
  DevPlan plan{.controllers = options.controllers, .nodes = options.nodes, .folder = folder};
  auto controller = FindBinary(options, "controller");
  if (!controller) return std::unexpected(controller.error());
  auto storage = FindBinary(options, "storage");
  if (!storage) return std::unexpected(storage.error());
  plan.controller_binary = *controller;
  plan.storage_binary = *storage;
  auto ports = FreePorts(PortsNeeded(plan));
  if (!ports) return std::unexpected(ports.error());
  return PlanProcesses(plan, *ports);
}

Result<void> StartAll(DevState& state, const std::string& folder) {
  std::error_code error;
  fs::create_directories(folder + "/logs", error);
  if (error) return Fail(Error::Kind::kIo, "cannot make " + folder + ": " + error.message());
  for (DevProcess& process : state.processes) {
    if (IsRunning(process)) continue;
    auto started = StartProcess(process);
    // Written after each, so that `stop` ends them all whatever happens next.
    auto saved = SaveDevState(folder, state);
    if (!started) return started;
    if (!saved) return saved;
  }
  return {};
}

// Until all nodes are active, or `seconds` have passed.
host::Task<int> WaitHealthy(Cluster& cluster, int nodes, int seconds) {
  Instant deadline = cluster.host.clock.Now() + std::chrono::seconds(seconds);
  std::string last = "no answer";
  while (true) {
    auto answer = co_await Ask<admin::GetClusterResponse>(cluster, "Cluster/GetCluster",
                                                          admin::GetClusterRequest());
    if (answer && answer->active_node_count() >= nodes) co_return kOk;
    last = answer ? std::to_string(answer->active_node_count()) + " of " + std::to_string(nodes) +
                        " nodes are active"
                  : answer.error().message;
    Instant next = cluster.host.clock.Now() + std::chrono::milliseconds(100);
    if (next >= deadline) break;
    co_await host::AwaitDone([&](auto done) { cluster.host.strand.RunAt(next, std::move(done)); });
  }
  co_return Complain("the cluster is not healthy after " + std::to_string(seconds) + " s: " + last);
}

std::string Joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ",") + word;
  return text;
}

// Why a process that should run does not.
void ShowDead(const DevState& state) {
  for (const DevProcess& process : state.processes) {
    if (IsRunning(process)) continue;
    std::cerr << process.name << " has ended; the last lines of " << process.log << ":\n"
              << Tail(process.log, 8);
  }
}

int BringUp(const Common& common, DevState& state, const std::string& folder) {
  auto started = StartAll(state, folder);
  if (!started) return Complain(started.error().message);
  std::cerr << "Started " << state.processes.size() << " processes; founding the cluster...\n";
  Common inner = common;
  inner.bootstrap = Joined(state.Endpoints(/*of_controllers=*/false));
  inner.json = false;
  auto controllers = state.Endpoints(/*of_controllers=*/true);
  auto nodes = static_cast<int>(state.processes.size() - controllers.size());
  int code = RunOnHost([&](host::Host host) { return InitCluster(host, controllers, inner); });
  if (code == kOk) {
    code = RunOnCluster(inner, [&](Cluster& cluster) {
      return WaitHealthy(cluster, nodes, inner.timeout_seconds);
    });
  }
  if (code != kOk) {
    ShowDead(state);
    return code;
  }
  std::cout << "Bootstrap:  " << inner.bootstrap << "\nFolder:     " << folder << '\n';
  std::string option = folder == fs::absolute(".weir").lexically_normal()
                           ? ""
                           : "  (with --bootstrap or WEIR_BOOTSTRAP)";
  std::cerr << "\nNext" << option << ":\n"
            << "  weir topic create orders --partitions 6 --replicas 3\n"
            << "  echo hello | weir produce orders\n"
            << "  weir consume orders\n"
            << "Stop it with: weir dev stop\n";
  return kOk;
}

int Start(const Common& common, const DevOptions& options) {
  std::string folder = AbsoluteFolder(options);
  auto state = LoadDevState(folder);
  if (!state && state.error().kind != Error::Kind::kNotFound && !options.force) {
    return Complain(state.error().message + "; --force begins anew");
  }
  if (state && options.force) {
    EndAll(*state);
    for (const DevProcess& process : state->processes) {
      std::error_code ignored;
      fs::remove_all(fs::path(folder) / process.name, ignored);
      fs::remove(process.log, ignored);
    }
  }
  if (state && !options.force) {
    size_t running = Running(*state, true).size() + Running(*state, false).size();
    if (running == state->processes.size()) {
      return Complain("a cluster is running in " + folder + " already: see weir dev status");
    }
    std::cerr << "Starting again the cluster that is in " << folder << ".\n";
    return BringUp(common, *state, folder);
  }
  auto fresh = PlanNew(options, folder);
  if (!fresh) return Complain(fresh.error().message);
  return BringUp(common, *fresh, folder);
}

int Stop(const DevOptions& options) {
  auto state = LoadDevState(AbsoluteFolder(options));
  if (!state) return Complain(state.error().message + ": no cluster was started there");
  EndAll(*state);
  std::cerr << "Stopped. The data stays in " << AbsoluteFolder(options)
            << "; weir dev start goes on with it, weir dev start --force begins anew.\n";
  return kOk;
}

int Status(const Common& common, const DevOptions& options) {
  auto state = LoadDevState(AbsoluteFolder(options));
  if (!state) return Complain(state.error().message + ": no cluster was started there");
  Listing listing({"name", "state", "pid", "endpoint", "log"});
  bool all = true;
  for (const DevProcess& process : state->processes) {
    bool running = IsRunning(process);
    all = all && running;
    listing.Add({process.name, running ? "running" : "stopped",
                 running ? Json(process.pid) : Json(), process.endpoint, process.log});
  }
  Print(common, listing);
  return all ? kOk : kUnhealthy;
}

// Names for what a person means when trying out a failure.
constexpr char kBusiestNode[] = "busiest-node";
constexpr char kActiveController[] = "active-controller";

host::Task<int> FindRoles(Cluster& cluster, std::map<std::string, std::string>& roles) {
  admin::ListNodesRequest request;
  request.set_page_size(1000);
  auto nodes = co_await Ask<admin::ListNodesResponse>(cluster, "Nodes/ListNodes", request);
  if (!nodes) co_return Complain(nodes.error());
  int32_t most = -1;
  for (const auto& node : nodes->nodes()) {
    if (node.leader_count() <= most) continue;
    most = node.leader_count();
    roles[kBusiestNode] = "node-" + std::to_string(node.node_id());
  }
  auto quorum = co_await Ask<admin::DescribeQuorumResponse>(cluster, "Cluster/DescribeQuorum",
                                                            admin::DescribeQuorumRequest());
  if (!quorum) co_return Complain(quorum.error());
  roles[kActiveController] = "controller-" + std::to_string(quorum->leader());
  co_return kOk;
}

// Replaces busiest-node and active-controller by who that is now.
int ResolveRoles(const Common& common, const DevState& state, std::vector<std::string>& names) {
  auto is_role = [](const std::string& name) {
    return name == kBusiestNode || name == kActiveController;
  };
  if (std::ranges::none_of(names, is_role)) return kOk;
  Common inner = common;
  inner.bootstrap = Joined(state.Endpoints(/*of_controllers=*/false));
  std::map<std::string, std::string> roles;
  int code = RunOnCluster(inner, [&](Cluster& cluster) { return FindRoles(cluster, roles); });
  if (code != kOk) return code;
  for (std::string& name : names) {
    if (is_role(name)) name = roles[name];
  }
  return kOk;
}

int NoSuchProcess(const DevState& state, const std::string& name) {
  std::vector<std::string> names;
  for (const DevProcess& process : state.processes) names.push_back(process.name);
  auto nearest = Nearest(name, names);
  return Complain("there is no process " + name + "; " +
                      (nearest ? "did you mean " + *nearest + "?" : "there are " + Joined(names)),
                  kUsage);
}

int Kill(const Common& common, const DevOptions& options) {
  auto state = LoadDevState(AbsoluteFolder(options));
  if (!state) return Complain(state.error().message + ": no cluster was started there");
  std::vector<std::string> names = options.processes;
  if (int code = ResolveRoles(common, *state, names); code != kOk) return code;
  for (const std::string& name : names) {
    if (!state->Find(name)) return NoSuchProcess(*state, name);
  }
  // One after the other without a pause: those named die at once.
  for (size_t i = 0; i < names.size(); ++i) {
    DevProcess* process = state->Find(names[i]);
    if (!SignalProcess(*process, SIGKILL)) return Complain(process->name + " does not run");
    std::cerr << "Killed " << process->name << " (pid " << process->pid << ")";
    if (names[i] != options.processes[i]) std::cerr << ", the " << options.processes[i];
    std::cerr << ".\n";
  }
  return kOk;
}

int Restart(const Common& common, const DevOptions& options) {
  auto state = LoadDevState(AbsoluteFolder(options));
  if (!state) return Complain(state.error().message + ": no cluster was started there");
  std::vector<std::string> names = options.processes;
  if (int code = ResolveRoles(common, *state, names); code != kOk) return code;
  if (options.killed) {
    for (const DevProcess& process : state->processes) {
      if (!IsRunning(process)) names.push_back(process.name);
    }
  } else if (names.empty()) {
    return Complain("say which process, or --killed for all that do not run", kUsage);
  }
  for (const std::string& name : names) {
    DevProcess* process = state->Find(name);
    if (!process) return NoSuchProcess(*state, name);
    EndProcesses({*process}, kStopSeconds);
    auto started = StartProcess(*process);
    if (!started) return Complain(started.error().message);
    auto saved = SaveDevState(AbsoluteFolder(options), *state);
    if (!saved) return Complain(saved.error().message);
    std::cerr << "Started " << process->name << " (pid " << process->pid << ").\n";
  }
  return kOk;
}

CLI::App* AddDev(CLI::App* noun, const char* name, const char* help, const char* footer,
                 DevOptions& options) {
  CLI::App* added = noun->add_subcommand(name, help);
  added->add_option("--dir", options.folder, "The folder that the cluster lives in")
      ->capture_default_str();
  added->footer(footer);
  return added;
}

void AddStart(CLI::App* noun, Invocation& invocation, std::shared_ptr<DevOptions> options) {
  CLI::App* start = AddDev(noun, "start", "Start a cluster on this machine",
                           "Examples:\n"
                           "  weir dev start\n"
                           "  weir dev start --dir /tmp/weir --controllers 1 --nodes 1\n"
                           "  weir dev start --force",
                           *options);
  start->add_option("--controllers", options->controllers, "How many controllers")
      ->check(CLI::Range(1, 9))
      ->capture_default_str();
  start->add_option("-n,--nodes", options->nodes, "How many storage nodes")
      ->check(CLI::Range(1, 20))
      ->capture_default_str();
  start->add_flag("--force", options->force,
                  "End what runs there, and begin anew without its data");
  start->add_option("--bin", options->binaries, "Where the programs controller and storage are");
  start->callback([&invocation, options] {
    invocation.run = [&invocation, options] { return Start(invocation.common, *options); };
  });
}

}  // namespace

void AddDevCommands(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<DevOptions>();
  CLI::App* noun = app.add_subcommand("dev", "A whole cluster on this machine");
  noun->require_subcommand(1);
  AddStart(noun, invocation, options);
  AddDev(noun, "stop", "Stop the cluster; its data stays",
         "Examples:\n  weir dev stop\n  weir dev stop --dir /tmp/weir", *options)
      ->callback([&invocation, options] { invocation.run = [options] { return Stop(*options); }; });
  CLI::App* status =
      AddDev(noun, "status", "The cluster's processes; exit code 3 if one does not run",
             "Examples:\n  weir dev status\n  weir dev status --format json", *options);
  AddFormat(status, invocation);
  status->callback([&invocation, options] {
    invocation.run = [&invocation, options] { return Status(invocation.common, *options); };
  });
  CLI::App* kill = AddDev(noun, "kill", "Kill processes at once (SIGKILL)",
                          "Examples:\n"
                          "  weir dev kill node-2\n"
                          "  weir dev kill busiest-node active-controller",
                          *options);
  kill->add_option("NAME", options->processes,
                   "As weir dev status lists them; or busiest-node, active-controller")
      ->required();
  kill->callback([&invocation, options] {
    invocation.run = [&invocation, options] { return Kill(invocation.common, *options); };
  });
  CLI::App* restart =
      AddDev(noun, "restart", "Start processes again, ending them in order if they run",
             "Examples:\n  weir dev restart node-2\n  weir dev restart --killed", *options);
  restart->add_option("NAME", options->processes,
                      "As weir dev status lists them; or busiest-node, active-controller");
  restart->add_flag("--killed", options->killed, "All that do not run");
  restart->callback([&invocation, options] {
    invocation.run = [&invocation, options] { return Restart(invocation.common, *options); };
  });
}

}  // namespace weir::cli
