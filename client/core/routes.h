// SPDX-License-Identifier: Apache-2.0
// Where partitions are led, as a Locate answer says. Values; the epoch tells the newer of two.
#pragma once

#include <string>
#include <vector>

#include "common/base/error_code.h"
#include "common/base/ids.h"

namespace weir::client {

struct PartitionRoute {
  // kNoNode: nobody leads now.
  NodeId leader = kNoNode;
  LeaderEpoch epoch = kNoLeaderEpoch;

  bool operator==(const PartitionRoute&) const = default;
};

struct TopicRoute {
  std::string name;
  TopicId id;
  // By partition index, without gaps.
  std::vector<PartitionRoute> partitions;
  // The largest batch that the topic takes; 0: not told.
  int32_t max_batch_bytes = 0;
  // kNone, or kUnknownTopicOrPartition.
  ErrorCode error = ErrorCode::kNone;

  bool operator==(const TopicRoute&) const = default;
};

}  // namespace weir::client
