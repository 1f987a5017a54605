// SPDX-License-Identifier: Apache-2.0
// Records in and out of the partitions that this node leads, in domain words, for every edge.
// One strand.
#pragma once

#include <optional>

#include "common/base/bytes.h"
#include "common/base/callback.h"
#include "common/base/error_code.h"
#include "common/base/ids.h"
#include "common/base/time.h"
#include "common/edge/refusal_status.h"
#include "common/host/network.h"
#include "storage/partition/partition.h"

namespace weir::broker {

class Partitions;

// Every edge call says who asks; authorization, quotas and audit stand here when they come.
using host::Caller;

struct AppendCommand {
  PartitionId partition;
  // -1: all in-sync replicas. 1: the leader. 0: nobody.
  int acks = -1;
  // Zero: the default.
  Duration timeout{};
  std::optional<LeaderEpoch> leader_epoch;
  Bytes batch;
};

struct FetchCommand {
  PartitionId partition;
  Offset offset;
  // Zero: the default.
  size_t max_bytes = 0;
  Duration max_wait{};
};

class Records {
 public:
  explicit Records(Partitions* partitions) : partitions_(partitions) {}

  void Append(const Caller& caller, AppendCommand command,
              Callback<void(Answer<partition::AppendOutcome>)> done);
  // The id is for CancelFetch, when nobody waits for the answer any more.
  partition::Partition::WaitId Fetch(const Caller& caller, const FetchCommand& command,
                                     Callback<void(Answer<partition::FetchOutcome>)> done);
  void CancelFetch(PartitionId partition, partition::Partition::WaitId id);
  Answer<partition::OffsetsOutcome> Offsets(const Caller& caller, PartitionId partition);

 private:
  Answer<partition::Partition*> Led(PartitionId id) const;

  Partitions* partitions_;
};

}  // namespace weir::broker
