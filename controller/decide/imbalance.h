// SPDX-License-Identifier: Apache-2.0
// Which partitions are led by another than their preferred replica although that is in sync, and
// since when: soft state of the active controller. Leadership goes back slowly, a few partitions at
// a time, and only to who has been in sync for a while: a node that comes and goes gets nothing.
// Pure: time is an argument.
#pragma once

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "common/base/time.h"
#include "common/metadata/image.h"

namespace weir::decide {

class Imbalance {
 public:
  struct Config {
    // How long the preferred replica has been in sync before it leads again.
    Duration patience = std::chrono::seconds(60);
    // Partitions that change their leader together, and the time between two such.
    size_t pass_most = 100;
    Duration pause = std::chrono::seconds(1);
  };

  Imbalance() : Imbalance(Config()) {}
  explicit Imbalance(Config config) : config_(config) {}

  // A new active controller: whatever was known is forgotten, and all begins to wait.
  void Activate(const metadata::Image& image, Instant now);

  // The partition is so from `now` on; null: it is gone.
  void Changed(const PartitionId& id, const metadata::Partition* partition, Instant now);

  // Those whose time has come, and no more of them than one pass may have. Each waits anew then: it
  // is forgotten once its preferred replica leads, and may not be able to.
  std::vector<PartitionId> Due(Instant now);

  // Never if nothing is out of balance.
  Instant NextDeadline() const;

 private:
  const Config config_;
  std::map<PartitionId, Instant> deadlines_;
  // Invariant: holds exactly the deadlines of deadlines_.
  std::set<std::pair<Instant, PartitionId>> queue_;
  // No pass before this.
  Instant next_pass_;
};

}  // namespace weir::decide
