// SPDX-License-Identifier: Apache-2.0
#include "tests/checker/replica_positions.h"

#include <algorithm>

namespace weir::checker {

void KeptOffsets::Saw(const ReplicaPositions& replica, Findings& findings) {
  Last& last = last_[{replica.partition, replica.node}];
  if (last.life != replica.life || last.since != replica.since) {
    last = {replica.life, replica.since, replica.high_watermark};
  }
  if (replica.high_watermark < last.high_watermark) {
    findings.Add("node ", replica.node, ", partition ", replica.partition,
                 ": the high watermark fell from ", last.high_watermark, " to ",
                 replica.high_watermark);
  }
  if (replica.high_watermark > replica.end) {
    findings.Add("node ", replica.node, ", partition ", replica.partition,
                 ": the high watermark is ", replica.high_watermark, ", and the log ends at ",
                 replica.end);
  }
  bool leads_anew = replica.leads != kNoLeaderEpoch && replica.leads != last.leads;
  // A node that was cut off may take up an epoch that is long over: it must have what was below the
  // high watermarks of those before it, and no more.
  std::map<LeaderEpoch, Offset>& highest_of = highest_[replica.partition];
  Offset highest;
  for (const auto& [epoch, offset] : highest_of) {
    if (epoch < replica.leads) highest = std::max(highest, offset);
  }
  if (leads_anew && replica.end < highest) {
    findings.Add("node ", replica.node, " leads partition ", replica.partition, " in epoch ",
                 replica.leads, " with a log that ends at ", replica.end,
                 ", and the high watermark was ", highest);
  }
  last.high_watermark = replica.high_watermark;
  last.leads = replica.leads;
  // A follower knows only what its leader said.
  if (replica.leads == kNoLeaderEpoch) return;
  Offset& own = highest_of[replica.leads];
  own = std::max(own, replica.high_watermark);
}

void KeptOffsets::SawInSync(const ReplicaPositions& leader, const ReplicaPositions& member,
                            Findings& findings) const {
  if (member.durable >= leader.high_watermark) return;
  findings.Add("partition ", leader.partition, ": the high watermark of node ", leader.node,
               ", which leads in epoch ", leader.leads, ", is ", leader.high_watermark,
               ", and node ", member.node, ", which is in sync, has flushed up to ",
               member.durable);
}

}  // namespace weir::checker
