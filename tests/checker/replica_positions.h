// SPDX-License-Identifier: Apache-2.0
// What lies below a high watermark is kept: a replica's high watermark never falls within one life
// of its process, while it stays where it is; every member of the ISR has all below its leader's,
// and whoever leads anew has all that was ever below one of an earlier leader. Pure; what is not
// promised to be kept is not shown to it.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "common/base/ids.h"
#include "tests/checker/findings.h"

namespace weir::checker {

// One replica whose log is open, as it is now.
struct ReplicaPositions {
  PartitionId partition;
  NodeId node;
  // Which life of which process; grows.
  uint64_t life = 0;
  // By which entry it came here: after it had left, it comes as another.
  LogIndex since;
  // kNoLeaderEpoch where it does not lead.
  LeaderEpoch leads = kNoLeaderEpoch;
  Offset end;
  Offset durable;
  Offset high_watermark;
  bool operator==(const ReplicaPositions&) const = default;
};

class KeptOffsets {
 public:
  void Saw(const ReplicaPositions& replica, Findings& findings);
  // All below the high watermark of `leader`, which leads with the newest epoch, is on `member`,
  // whom the newest image has in the ISR.
  void SawInSync(const ReplicaPositions& leader, const ReplicaPositions& member,
                 Findings& findings) const;
  // There is no such replica, or it has not yet opened its log.
  void Gone(const PartitionId& partition, NodeId node) { last_.erase({partition, node}); }

 private:
  struct Last {
    uint64_t life = 0;
    LogIndex since;
    Offset high_watermark;
    LeaderEpoch leads = kNoLeaderEpoch;
  };

  std::map<std::pair<PartitionId, NodeId>, Last> last_;
  // Of the leader of each epoch, at any time.
  std::map<PartitionId, std::map<LeaderEpoch, Offset>> highest_;
};

}  // namespace weir::checker
