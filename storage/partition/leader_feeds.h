// SPDX-License-Identifier: Apache-2.0
// The other side of FollowerStreams: serves "/weir.node.v1.Replication/Follow" at a leader's node.
// Records are pushed as they are written, in turns among the partitions, as far as the stream takes
// them and the follower's credit goes; at most a few MiB of them wait in memory for each stream,
// and what one partition's follower does not acknowledge holds up that partition alone.
//
// One strand. Outlives the network that serves it.
#pragma once

#include <functional>
#include <memory>

#include "common/base/ids.h"
#include "common/host/host.h"

namespace weir::partition {

class Partition;

inline constexpr char kFollowMethod[] = "/weir.node.v1.Replication/Follow";

class LeaderFeeds {
 public:
  // `cluster`: nil as long as this node has not learned its cluster, and refuses followers.
  // `find`: the partition on this node, or null; asked whenever something is to be done with it.
  LeaderFeeds(host::Host host, std::function<ClusterId()> cluster,
              std::function<Partition*(const PartitionId&)> find);

  // What throttled partitions may be sent, over all streams.
  void SetThrottle(int64_t bytes_per_second);

  // For kFollowMethod in host::Methods.
  host::StreamMethod Method();

  // Internal; shared with the streams.
  struct Shared;

 private:
  std::shared_ptr<Shared> shared_;
};

}  // namespace weir::partition
