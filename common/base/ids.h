// SPDX-License-Identifier: Apache-2.0
// Who and where: the identities and positions that both services speak of.
#pragma once

#include "common/base/strong.h"
#include "common/base/uuid.h"

namespace weir {

// A storage node, a controller. Given by whoever deploys; >= 0.
using NodeId = Strong<struct NodeIdTag, int32_t>;
using ControllerId = Strong<struct ControllerIdTag, int32_t>;
inline constexpr NodeId kNoNode{-1};
inline constexpr ControllerId kNoController{-1};

// 128-bit identities that no two things ever share.
using ClusterId = Identity<struct ClusterIdTag>;
using TopicId = Identity<struct TopicIdTag>;
using DirectoryId = Identity<struct DirectoryIdTag>;
using Incarnation = Identity<struct IncarnationTag>;  // One start of one process.
using RequestId = Identity<struct RequestIdTag>;      // One attempt's idempotence key.

// A partition's number within its topic; >= 0.
using PartitionIndex = Strong<struct PartitionIndexTag, int32_t>;

struct PartitionId {
  TopicId topic;
  PartitionIndex index;
  auto operator<=>(const PartitionId&) const = default;
  friend std::ostream& operator<<(std::ostream& out, const PartitionId& id) {
    return out << id.topic << '/' << id.index;
  }
};

// A position in a partition's log: the number of a record. An *end* is one past the last.
using Offset = Strong<struct OffsetTag, int64_t>;

// Who leads a partition; grows with each leader. -1: none known.
using LeaderEpoch = Strong<struct LeaderEpochTag, int32_t>;
inline constexpr LeaderEpoch kNoLeaderEpoch{-1};

// Grows with each change of a partition's record.
using PartitionEpoch = Strong<struct PartitionEpochTag, int32_t>;

// The log index of a node's registration: one incarnation of one node. -1: not registered.
using NodeEpoch = Strong<struct NodeEpochTag, int64_t>;
inline constexpr NodeEpoch kNoNodeEpoch{-1};

// Raft: who leads the quorum, and a position in its log. The first entry has index 1; 0 is "none".
using Term = Strong<struct TermTag, int64_t>;
using LogIndex = Strong<struct LogIndexTag, int64_t>;

// An idempotent producer, and which life of it; -1 where the batch has none.
using ProducerId = Strong<struct ProducerIdTag, int64_t>;
using ProducerEpoch = Strong<struct ProducerEpochTag, int16_t>;
inline constexpr ProducerId kNoProducer{-1};

}  // namespace weir

template <>
struct std::hash<weir::PartitionId> {
  size_t operator()(const weir::PartitionId& id) const {
    return std::hash<weir::TopicId>()(id.topic) * 31 + static_cast<size_t>(id.index.value());
  }
};
