// SPDX-License-Identifier: Apache-2.0
// A simulated world: processes, their disks, the network between them, and time, all in one thread
// and all from one seed. The same seed and the same calls give the same trace.
//
//   World world(42);
//   Process& node = world.AddProcess("node-1");
//   ... use node.host() ...
//   ASSERT_TRUE(world.RunUntil([&] { return done; }));
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "tests/sim/process.h"
#include "tests/sim/sim_network.h"
#include "tests/sim/timeline.h"

namespace weir::sim {

class World {
 public:
  explicit World(uint64_t seed) : timeline_(seed), network_(timeline_) {}
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  // Kills all processes first.
  ~World();

  // A process and its machine; `name` is its host name, and is not taken.
  Process& AddProcess(const std::string& name, size_t disks = 1);
  // CHECKs that there is one.
  Process& process(const std::string& name);
  SimNetwork& network() { return network_; }
  Chance& chance() { return timeline_.chance(); }

  // The world's own time, from 0. No process sees it.
  Instant now() const { return timeline_.now(); }

  // Runs one event; false if there is none.
  bool Step();
  // Runs all that happens in the next `time`, and ends exactly then.
  void RunFor(Duration time);
  // Runs until `holds`, asked before each event, or until `within` has passed or nothing is left to
  // happen. Returns whether it held.
  bool RunUntil(const std::function<bool()>& holds, Duration within = std::chrono::minutes(1));

  // Runs `fault` as an event of the world: where a test kills, cuts or heals at a time.
  void At(Instant when, Task0 fault) { timeline_.At(when, nullptr, "fault", std::move(fault)); }
  void After(Duration delay, Task0 fault) { At(now() + delay, std::move(fault)); }

  // Whose code the last event ran; null where it was the world's alone. Good until that process is
  // destroyed.
  const Life* last_ran() const { return timeline_.last_ran(); }
  // Called after each event, for checkers. It only looks.
  void Observe(std::function<void()> observer) { observer_ = std::move(observer); }

  // Equal for equal runs.
  uint64_t TraceHash() const { return timeline_.trace().hash(); }
  uint64_t events() const { return timeline_.trace().events(); }
  // Hears a line for each event.
  void ListenToTrace(Trace::Listener listener) { timeline_.trace().Listen(std::move(listener)); }

 private:
  bool StepNotLaterThan(Instant limit);

  Timeline timeline_;
  SimNetwork network_;
  std::map<std::string, std::unique_ptr<Process>> processes_;
  std::function<void()> observer_;
};

}  // namespace weir::sim
