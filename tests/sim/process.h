// SPDX-License-Identifier: Apache-2.0
// One simulated process on a machine of its own: it is started, killed and started again, on the
// same disk. Each start is a new life with a new Host; what belonged to an ended life never runs.
//
// Whoever keeps objects that live in the process outside of Start destroys them after Kill.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/host/host.h"
#include "tests/sim/sim_disk.h"
#include "tests/sim/sim_network.h"
#include "tests/sim/timeline.h"

namespace weir::sim {

class Process {
 public:
  // Makes what runs in a process. It is destroyed when the process ends.
  using Program = std::function<std::shared_ptr<void>(host::Host)>;

  Process(std::string name, Timeline& timeline, SimNetwork& network, size_t disks = 1);
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();

  const std::string& name() const { return name_; }
  bool alive() const;
  bool paused() const;
  // What the process last told by SetServing.
  bool serving() const;
  // How many lives it has had, with this one.
  size_t lives() const { return lives_.size(); }
  // The world as this life sees it; stays valid, and does nothing, when the life has ended.
  host::Host host();
  // The machine's disks; the first is that of host().
  SimDisk& disk(size_t number = 0) { return *disks_.at(number); }
  size_t disk_count() const { return disks_.size(); }
  // One of them, as this life sees it.
  host::Disk& host_disk(size_t number);

  // A process begins alive, without a program. Start runs one in the current life, or in a new one.
  void Start(Program program);
  // Begins a new life, without a program.
  host::Host Restart();
  // kill -9: what was written is still there, for the machine goes on.
  void Kill();
  // The machine loses its power: what was not synced survives by chance.
  void PowerLoss();
  // Stands still: nothing runs, what arrives waits.
  void Pause();
  void Resume();

  // The wall clock jumps, forwards or back.
  void JumpWallClock(Duration by) { wall_base_ += by; }
  // Both clocks run faster than the world's (or slower), in millionths.
  void SetDrift(int64_t parts_per_million);

 private:
  friend class SimClock;
  struct Incarnation;

  void End(bool power_lost);
  // What the local clocks counted since they were based.
  Duration LocalElapsed() const;
  void Rebase();
  // When, in the world's time, the monotonic clock will show `local`.
  Instant WorldTimeOf(Instant local) const;

  std::string name_;
  Timeline& timeline_;
  SimNetwork& network_;
  std::vector<std::unique_ptr<SimDisk>> disks_;
  std::vector<std::unique_ptr<Incarnation>> lives_;
  // Invariant: when the world's clock showed `world_base_`, the monotonic clock showed
  // `local_base_`, and the wall clock `wall_base_` after the world's beginning.
  Instant world_base_;
  Instant local_base_;
  Duration wall_base_{};
  int64_t drift_ = 0;
};

}  // namespace weir::sim
