// SPDX-License-Identifier: Apache-2.0
// Draws and carries out the faults of one run over a whole cluster: controllers, storage nodes, and
// the links between all of them and the client. The schedule rests on the seed alone, so that a
// part of it can be run again.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/checker/everything.h"
#include "tests/cluster/cluster.h"
#include "tests/scenario/lost_disks.h"
#include "tests/scenario/settings.h"
#include "tests/sim/faults.h"

namespace weir::scenario {

// What faults may be drawn: `over=nodes` or `over=controllers` strikes these alone, `links=nodes`,
// `links=controllers` or `links=servers` links between these, or both, while clients reach all;
// `down=N` says how many of a kind may be down at once, drawn from 1 to all if not given;
// `kinds=kill,pause` or `without=cut`, all if not given; `gap=2s` between two on average, and
// `length=1s` of each, are upper bounds of what is drawn.
std::vector<sim::Fault> DrawSwarm(uint64_t seed, Duration time, const Settings& settings,
                                  const cluster::Cluster& cluster);

// Carries a schedule out. A disk is only lost where what was promised is elsewhere; where it is
// not, its process dies and comes back, or nothing happens. All outlive this, and this the run.
class Swarm {
 public:
  Swarm(cluster::Cluster& cluster, checker::Everything& everything)
      : cluster_(cluster), lost_disks_(cluster, everything) {}

  void Begin(const std::vector<sim::Fault>& faults);
  // All that was lost is replaced.
  bool idle() const { return lost_disks_.idle(); }
  // What should not have gone on, and did, in words.
  const std::vector<std::string>& wrong() const { return wrong_; }

 private:
  void Hear(const sim::Fault& fault, bool begins);
  void HearOfQuorumDisk(const sim::Fault& fault, bool begins);
  void StartAgainLater(sim::Process& process);
  void FlipBit(const std::string& name);
  void ReplaceFlipped(const std::string& name);
  // A process may end by itself while its disk fails, and a little later.
  bool IsExcused(const std::string& name) const;

  cluster::Cluster& cluster_;
  LostDisks lost_disks_;
  std::set<std::string> flipped_;
  std::vector<std::string> wrong_;
  // Until when the disk of a process is an excuse.
  std::map<std::string, Instant> bad_disks_;
};

}  // namespace weir::scenario
