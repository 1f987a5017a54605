// SPDX-License-Identifier: Apache-2.0
#include "tests/cluster/cluster.h"

#include <glog/logging.h>

#include <sstream>
#include <utility>

#include "common/edge/methods.h"
#include "controller/quorum/founding.h"

namespace weir::cluster {
namespace {

// What a supervisor takes to start again what has ended.
constexpr Duration kRestartDelay = std::chrono::milliseconds(500);

constexpr char kQuorumPort[] = ":9190";
constexpr char kClientPort[] = ":9292";
constexpr char kInternalPort[] = ":9293";

std::string ControllerName(int number) { return "controller-" + std::to_string(number); }
std::string NodeName(int number) { return "node-" + std::to_string(number); }

int NumberOf(const std::string& name) { return std::stoi(name.substr(name.rfind('-') + 1)); }

bool IsController(const std::string& name) { return name.starts_with("controller-"); }

}  // namespace

struct Cluster::ControllerProgram {
  ControllerProgram(host::Host host, quorum::MemoryQuorumDisk& disk,
                    controller::ControllerConfig config, Callback<void(Error)> failed)
      : log(host.clock, host.strand, disk),
        controller(host, log, std::move(config), std::move(failed)) {}
  quorum::MemoryQuorumLog log;
  controller::Controller controller;
};

struct Cluster::NodeProgram {
  NodeProgram(host::Host host, std::vector<identity::DataPlace> data,
              storage::StorageNodeConfig config, Callback<void(Error)> failed)
      : node(host, std::move(data), std::move(config), std::move(failed)) {}
  storage::StorageNode node;
};

Cluster::Cluster(uint64_t seed, ClusterShape shape) : world_(seed), shape_(shape) {
  for (const std::string& name : controller_names()) world_.AddProcess(name);
  for (int i = 1; i <= shape_.nodes; ++i) {
    sim::Process& node = world_.AddProcess(NodeName(i), static_cast<size_t>(shape_.disks));
    for (size_t disk = 0; shape_.sync_max && disk < node.disk_count(); ++disk) {
      node.disk(disk).speed().sync_max = *shape_.sync_max;
    }
  }
  client_ = &world_.AddProcess("client");
  routing_ = std::make_unique<client::Routing>(client_->host(), bootstrap());
  admin_ = std::make_unique<client::Admin>(client_->host(), *routing_);
}

Cluster::~Cluster() {
  for (const auto& names : {controller_names(), node_names()}) {
    for (const std::string& name : names) {
      if (world_.process(name).alive()) Kill(name);
    }
  }
}

std::vector<std::string> Cluster::controller_names() const {
  std::vector<std::string> names;
  for (int i = 1; i <= shape_.controllers + shape_.spares; ++i) names.push_back(ControllerName(i));
  return names;
}

std::vector<std::string> Cluster::node_names() const {
  std::vector<std::string> names;
  for (int i = 1; i <= shape_.nodes; ++i) names.push_back(NodeName(i));
  return names;
}

std::vector<host::Endpoint> Cluster::bootstrap() const {
  std::vector<host::Endpoint> endpoints;
  for (const std::string& name : node_names()) endpoints.push_back(name + kClientPort);
  return endpoints;
}

void Cluster::StartController(int number) {
  std::string name = ControllerName(number);
  world_.process(name).Start([this, name, number](host::Host host) {
    controller::ControllerConfig config;
    config.id = ControllerId(number);
    config.listen = config.advertised = name + kQuorumPort;
    config.version = "simulated";
    config.compaction = shape_.compaction;
    auto program = std::make_shared<ControllerProgram>(
        host, quorum_disks_[name], config, [this, name](Error error) { Failed(name, error); });
    controllers_[name] = program;
    program->controller.Start([this, name](Result<host::Endpoint> started) {
      if (!started) Failed(name, started.error());
    });
    return program;
  });
}

void Cluster::StartNode(int number) {
  std::string name = NodeName(number);
  world_.process(name).Start([this, name, number](host::Host host) {
    storage::StorageNodeConfig config;
    config.id = NodeId(number);
    config.client_listen = config.client_advertised = name + kClientPort;
    config.internal_listen = config.internal_advertised = name + kInternalPort;
    for (const std::string& controller : controller_names()) {
      config.controllers.push_back(controller + kQuorumPort);
    }
    config.version = "simulated";
    config.room = shape_.room;
    config.scrub = shape_.scrub;
    // Small, so that it is written round and round in a short run.
    config.journal = {.bytes = 256 << 10, .step_bytes = 64 << 10};
    sim::Process& process = world_.process(name);
    std::vector<identity::DataPlace> data;
    for (size_t disk = 0; disk < process.disk_count(); ++disk) {
      data.push_back({"/disk-" + std::to_string(disk), &process.host_disk(disk)});
    }
    config.bounds = shape_.bounds;
    if (shape_.racks) config.rack = "rack-" + std::to_string(number);
    auto program = std::make_shared<NodeProgram>(
        host, std::move(data), config, [this, name](Error error) { Failed(name, error); });
    nodes_[name] = program;
    program->node.Start([this, name](Result<storage::StorageNode::Listening> started) {
      if (!started) Failed(name, started.error());
    });
    return program;
  });
}

void Cluster::Supervise(std::function<bool(const std::string& name)> excused) {
  excused_ = std::move(excused);
}

void Cluster::Failed(const std::string& name, const Error& error) {
  if (!excused_ || !excused_(name)) failures_.push_back(name + ": " + error.message);
  if (!excused_) return;
  sim::Process* process = &world_.process(name);
  // It ends at once, as main() would end it. Killed meanwhile, it is started by whoever killed it.
  world_.After(Duration(0), [this, name, process, life = process->lives()] {
    if (!process->alive() || process->lives() != life) return;
    process->Kill();
    world_.After(kRestartDelay, [this, name, process, life] {
      if (!process->alive() && process->lives() == life) Restart(name);
    });
  });
}

bool Cluster::Boot() {
  for (int i = 1; i <= shape_.controllers + shape_.spares; ++i) StartController(i);
  for (int i = 1; i <= shape_.nodes; ++i) StartNode(i);
  return Found() && RunUntilHealthy(std::chrono::seconds(30));
}

bool Cluster::Found() {
  host::Host host = client_->host();
  std::vector<std::string> names = controller_names();
  names.resize(static_cast<size_t>(shape_.controllers));
  std::vector<raft::v1::DescribeResponse> answers(names.size());
  size_t answered = 0;
  std::function<void(size_t)> describe = [&](size_t i) {
    host.network.Call(names[i] + kQuorumPort, "/weir.raft.v1.Birth/Describe",
                      edge::Encode(raft::v1::DescribeRequest()), std::chrono::seconds(1),
                      [&, i](host::CallStatus status, Bytes bytes) {
                        if (!status.ok()) return describe(i);
                        CHECK(edge::Decode(bytes, &answers[i]));
                        ++answered;
                      });
  };
  for (size_t i = 0; i < names.size(); ++i) describe(i);
  if (!world_.RunUntil([&] { return answered == names.size(); }, std::chrono::seconds(10))) {
    return false;
  }
  auto plan = quorum::PlanInit(answers, ClusterId(host.random.NextUuid()), host.clock.WallNow());
  CHECK(plan) << plan.error();
  size_t founded = 0;
  for (size_t i : plan->found) {
    raft::v1::FoundRequest request;
    request.set_cluster_id(plan->cluster.ToBytes());
    request.set_controller_id(answers[i].controller_id());
    request.set_directory_id(answers[i].directory_id());
    request.set_snapshot(plan->snapshot);
    host.network.Call(names[i] + kQuorumPort, "/weir.raft.v1.Birth/Found", edge::Encode(request),
                      std::chrono::seconds(5), [&](host::CallStatus status, Bytes) {
                        if (status.ok()) ++founded;
                      });
  }
  return world_.RunUntil([&] { return founded == plan->found.size(); }, std::chrono::seconds(10));
}

void Cluster::Restart(const std::string& name) {
  if (IsController(name)) {
    StartController(NumberOf(name));
  } else {
    StartNode(NumberOf(name));
  }
}

void Cluster::Kill(const std::string& name) { world_.process(name).Kill(); }

void Cluster::PowerLoss(const std::string& name) { world_.process(name).PowerLoss(); }

bool Cluster::Stop(const std::vector<std::string>& names) {
  size_t left = names.size();
  auto done = [&left] { --left; };
  for (const std::string& name : names) {
    if (auto* running = controller(name)) running->Stop(done);
    if (auto* running = node(name)) running->Stop(done);
  }
  bool in_time = world_.RunUntil([&] { return left == 0; }, std::chrono::seconds(60));
  for (const std::string& name : names) Kill(name);
  return in_time;
}

controller::Controller* Cluster::controller(const std::string& name) {
  auto program = controllers_[name].lock();
  return program ? &program->controller : nullptr;
}

storage::StorageNode* Cluster::node(const std::string& name) {
  auto program = nodes_[name].lock();
  return program ? &program->node : nullptr;
}

controller::Controller* Cluster::active() {
  controller::Controller* found = nullptr;
  for (const std::string& name : controller_names()) {
    controller::Controller* running = controller(name);
    if (!running || !running->quorum() || !running->quorum()->is_leader()) continue;
    if (!found || running->quorum()->Describe().term > found->quorum()->Describe().term) {
      found = running;
    }
  }
  return found;
}

std::optional<std::string> Cluster::Resolve(const std::string& who) {
  if (who == "active controller") {
    controller::Controller* leader = active();
    if (!leader) return std::nullopt;
    return ControllerName(leader->id().value());
  }
  if (who == "busiest node") {
    controller::Controller* leader = active();
    if (!leader) return std::nullopt;
    std::map<NodeId, int> led;
    for (const auto& [id, partition] : leader->machine().committed().partitions) {
      if (partition.leader != kNoNode) ++led[partition.leader];
    }
    auto busiest = led.begin();
    for (auto it = led.begin(); it != led.end(); ++it) {
      if (it->second > busiest->second) busiest = it;
    }
    if (busiest == led.end()) return std::nullopt;
    return NodeName(busiest->first.value());
  }
  for (const std::string& name : controller_names()) {
    if (name == who) return name;
  }
  for (const std::string& name : node_names()) {
    if (name == who) return name;
  }
  return std::nullopt;
}

bool Cluster::CreateTopic(const std::string& name, int partitions, int replicas,
                          const std::map<std::string, std::string>& configs) {
  admin::v1::CreateTopicRequest request;
  request.set_topic(name);
  request.set_partition_count(partitions);
  request.set_replication_factor(replicas);
  for (const auto& [key, value] : configs) {
    auto* config = request.add_configs();
    config->set_key(key);
    config->set_value(value);
  }
  std::optional<bool> created;
  admin_->CreateTopic(std::move(request),
                      [&](client::Outcome<admin::v1::CreateTopicResponse> answer) {
                        if (!answer) LOG(ERROR) << "not created: " << answer.error().message;
                        created = answer.has_value();
                      });
  world_.RunUntil([&] { return created.has_value(); }, std::chrono::seconds(60));
  return created.value_or(false);
}

std::string Cluster::Ailments() {
  controller::Controller* leader = active();
  if (!leader || !leader->machine().is_active()) return "no controller is active";
  const metadata::Image& image = leader->machine().committed();
  std::ostringstream words;
  int active_nodes = 0;
  for (const auto& [id, known] : image.nodes) {
    // A stranger that registered, and is gone, is no process of this cluster.
    if (id.value() > shape_.nodes) continue;
    if (known.is_active()) {
      ++active_nodes;
    } else {
      words << "node " << id << " is " << NameOf(known.state) << "; ";
    }
  }
  if (active_nodes != shape_.nodes) words << active_nodes << " nodes are active; ";
  for (const auto& [id, partition] : image.partitions) {
    if (partition.leader != kNoNode && partition.isr.size() == partition.replicas.size()) continue;
    words << "partition " << id.index << ": leader " << partition.leader << " epoch "
          << partition.leader_epoch << ", in sync";
    for (NodeId node : partition.isr) words << " " << node;
    words << "; ";
  }
  return words.str();
}

}  // namespace weir::cluster
