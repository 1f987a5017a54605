// SPDX-License-Identifier: Apache-2.0
// A whole cluster in a simulated world: the production Controller and StorageNode objects, minus
// main(), and a client process beside them. One thread, one seed.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/driver/admin.h"
#include "client/driver/routing.h"
#include "controller/controller.h"
#include "controller/quorum/memory/memory_quorum_log.h"
#include "storage/storage_node.h"
#include "tests/sim/world.h"

namespace weir::cluster {

struct ClusterShape {
  int controllers = 3;
  int nodes = 3;
  // Controllers that run, and take part only once they are added to the quorum.
  int spares = 0;
  // Small, so that snapshots are taken, and needed, in a short run.
  quorum::Compaction compaction = {.after_entries = 100, .kept_entries = 30};
  // Disks of each storage node.
  int disks = 1;
  // When such a disk counts as full.
  broker::RoomConfig room;
  // How fast the storage nodes read what lies on their disks; not at all.
  broker::ScrubConfig scrub = {};
  // How long a sync of a storage node's disk takes at most; none: as the disk itself has it.
  std::optional<Duration> sync_max;
  // Each node stands in a rack of its own: "rack-1" and so on.
  bool racks = false;
  // Small, so that appends wait for room in a short run too.
  broker::RecordsBounds bounds = {.append_bytes = 256 << 10, .read_bytes = 256 << 10};
};

class Cluster {
 public:
  Cluster(uint64_t seed, ClusterShape shape);
  ~Cluster();

  // Starts every process and founds the cluster; false if it is not healthy after 30 s.
  bool Boot();

  sim::World& world() { return world_; }
  // The client's process: workloads live there, and it is never killed.
  sim::Process& client_process() { return *client_; }
  client::Routing& routing() { return *routing_; }
  client::Admin& admin() { return *admin_; }
  std::vector<host::Endpoint> bootstrap() const;

  // "controller-1".."controller-n", the spares last; "node-1".."node-n".
  std::vector<std::string> controller_names() const;
  std::vector<std::string> node_names() const;
  // Begins a new life of a process that was killed, with the same program.
  void Restart(const std::string& name);
  void Kill(const std::string& name);
  void PowerLoss(const std::string& name);
  // A stop in order, as SIGTERM asks for, of all of them at once; runs until it is done.
  bool Stop(const std::vector<std::string>& names);

  // Null while the process is down.
  controller::Controller* controller(const std::string& name);
  storage::StorageNode* node(const std::string& name);
  // The leading controller with the highest term; null during an election.
  controller::Controller* active();
  // Names, as a scenario speaks of them: "active controller", "busiest node", or a process.
  std::optional<std::string> Resolve(const std::string& who);

  bool CreateTopic(const std::string& name, int partitions, int replicas,
                   const std::map<std::string, std::string>& configs);
  // Every node is active, every partition is led, and every ISR is complete.
  bool Healthy() { return Ailments().empty(); }
  // What is not as it should be, in words; empty if Healthy.
  std::string Ailments();
  bool RunUntilHealthy(Duration within) {
    return world_.RunUntil([this] { return Healthy(); }, within);
  }
  // From now on a process that ends by itself is started again a little later, as whoever runs it
  // would. What it failed with is no failure of the cluster where `excused` says so.
  void Supervise(std::function<bool(const std::string& name)> excused);
  // What the log of a controller's quorum lies on; it is no part of the simulated disk.
  quorum::MemoryQuorumDisk& quorum_disk(const std::string& name) { return quorum_disks_[name]; }
  // What made a process end by itself; empty if none did.
  const std::vector<std::string>& failures() const { return failures_; }

 private:
  struct ControllerProgram;
  struct NodeProgram;

  void StartController(int number);
  void StartNode(int number);
  bool Found();
  void Failed(const std::string& name, const Error& error);

  sim::World world_;
  const ClusterShape shape_;
  std::map<std::string, quorum::MemoryQuorumDisk> quorum_disks_;
  std::map<std::string, std::weak_ptr<ControllerProgram>> controllers_;
  std::map<std::string, std::weak_ptr<NodeProgram>> nodes_;
  sim::Process* client_ = nullptr;
  std::unique_ptr<client::Routing> routing_;
  std::unique_ptr<client::Admin> admin_;
  std::vector<std::string> failures_;
  std::function<bool(const std::string&)> excused_;
};

}  // namespace weir::cluster
