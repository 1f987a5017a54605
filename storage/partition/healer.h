// SPDX-License-Identifier: Apache-2.0
// Mends what is damaged on this node, from the replicas of other nodes: one range of one partition
// at a time, so that it costs others little. What cannot be mended now is tried again, ever less
// often; until then the partition refuses what is damaged, and serves the rest.
//
// One strand. Outlives the network that serves it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "common/base/ids.h"
#include "common/host/deadline_timer.h"
#include "common/host/host.h"
#include "storage/log/damage.h"

namespace weir::partition {

class Partition;

inline constexpr char kCopyMethod[] = "/weir.node.v1.Replication/Copy";

class Healer {
 public:
  // `cluster`, `find` and `endpoint_of` as for LeaderFeeds and FollowerStreams.
  Healer(host::Host host, std::function<ClusterId()> cluster,
         std::function<Partition*(const PartitionId&)> find,
         std::function<std::optional<host::Endpoint>(NodeId)> endpoint_of);
  Healer(const Healer&) = delete;
  Healer& operator=(const Healer&) = delete;

  // Something of it is damaged.
  void Heal(const PartitionId& id);

  // Of which something is, as far as is known.
  size_t ailing() const { return wards_.size(); }
  // Bytes that were mended since the start.
  uint64_t mended_bytes() const { return mended_bytes_; }

  // For kCopyMethod in host::Methods.
  host::UnaryMethod Method();

 private:
  struct Ward {
    Instant due;
    Duration backoff{};
    // Asks one holder after the other.
    size_t asked = 0;
    // As it was said last, so that it is not said again and again.
    std::string complaint;
  };

  void ServeNext();
  void Begin();
  void Diagnosed(Result<std::optional<log::Damage>> damage);
  void Ask(Partition& partition, const log::Damage& damage);
  void Copied(LeaderEpoch epoch, NodeId from, const host::CallStatus& status, const Bytes& message);
  void Mended(NodeId from, size_t bytes, const Result<void>& mended);
  // The present ward is left for now.
  void Later(const std::string& complaint);
  void Leave();
  // What answers in this round alone.
  template <class F>
  auto InRound(F f);

  host::Host host_;
  const std::function<ClusterId()> cluster_;
  const std::function<Partition*(const PartitionId&)> find_;
  const std::function<std::optional<host::Endpoint>(NodeId)> endpoint_of_;
  std::map<PartitionId, Ward> wards_;
  std::optional<PartitionId> present_;
  uint64_t round_ = 0;
  uint64_t mended_bytes_ = 0;
  // When the next ward is due, or an answer overdue.
  host::DeadlineTimer timer_;
  Lifetime lifetime_;
};

}  // namespace weir::partition
