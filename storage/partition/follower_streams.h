// SPDX-License-Identifier: Apache-2.0
// The streams by which this node follows: one to each node that leads something it replicates,
// shared by all partitions led there. A broken one is opened again, after 20 to 250 ms.
//
// One strand. Outlives the partitions that are subscribed.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "common/base/ids.h"
#include "common/host/host.h"
#include "storage/partition/byte_rate.h"
#include "storage/partition/follower.h"

namespace weir::partition {

class FollowerStreams {
 public:
  // `cluster`: nil as long as this node has not learned its cluster. `endpoint_of`: where a node's
  // internal listener is, as the image says now; none: not known. Both are then asked again later.
  FollowerStreams(host::Host host, std::function<ClusterId()> cluster, NodeId self,
                  std::function<std::optional<host::Endpoint>(NodeId)> endpoint_of);
  ~FollowerStreams();
  FollowerStreams(const FollowerStreams&) = delete;
  FollowerStreams& operator=(const FollowerStreams&) = delete;

  // `follower` hears the stream to `leader` until Unsubscribe. The stream is opened for the first
  // partition and closed after the last.
  void Subscribe(NodeId leader, const PartitionId& partition, Follower* follower);
  void Unsubscribe(NodeId leader, const PartitionId& partition);

  // Does nothing while the stream is down.
  void Send(NodeId leader, node::v1::FromFollower message);

  // What throttled partitions may take in, over all streams.
  ByteRate& throttle() { return throttle_; }
  void SetThrottle(int64_t bytes_per_second) { throttle_.Set(bytes_per_second, host_.clock.Now()); }

  // Bytes that the partitions led by `leader` have taken and not yet written. Its credit bounds
  // them; far above that the stream is not read.
  void Hold(NodeId leader, int64_t bytes);

 private:
  struct Connection;

  // What one stream may bring that is not yet acknowledged.
  int64_t Credit() const;
  void TellCredit();
  void Open(Connection& connection);
  void OpenLater(Connection& connection);
  void Tell(NodeId leader, uint64_t generation, std::vector<PartitionId> partitions);
  void Received(NodeId leader, uint64_t generation, Bytes message);
  void Ended(NodeId leader, uint64_t generation, const host::CallStatus& status);
  // Null for what has been closed or opened anew meanwhile.
  Connection* Find(NodeId leader, uint64_t generation);
  Follower* Find(NodeId leader, uint64_t generation, const PartitionId& partition);

  class Events;

  host::Host host_;
  const std::function<ClusterId()> cluster_;
  const NodeId self_;
  const std::function<std::optional<host::Endpoint>(NodeId)> endpoint_of_;
  std::map<NodeId, std::unique_ptr<Connection>> connections_;
  uint64_t last_generation_ = 0;
  ByteRate throttle_;
  Lifetime lifetime_;
};

}  // namespace weir::partition
