// SPDX-License-Identifier: Apache-2.0
// What the metadata machine answers to what it was asked (commands.h). Values.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <variant>
#include <vector>

#include "common/base/error_code.h"
#include "common/base/ids.h"
#include "common/metadata/topic.h"

namespace weir::decide {

// A partition as callers name it.
struct PartitionName {
  std::string topic;
  PartitionIndex index;
  bool operator==(const PartitionName&) const = default;
  friend std::ostream& operator<<(std::ostream& out, const PartitionName& name) {
    return out << name.topic << '/' << name.index;
  }
};

struct NodeRegistered {
  NodeEpoch epoch;
  bool operator==(const NodeRegistered&) const = default;
};
struct TopicCreated {
  metadata::Topic topic;
  int32_t partition_count = 0;
  int32_t replication_factor = 0;
  bool operator==(const TopicCreated&) const = default;
};
struct TopicDeleted {
  TopicId topic;
  bool operator==(const TopicDeleted&) const = default;
};
struct IsrChanged {
  PartitionEpoch partition_epoch;
  bool operator==(const IsrChanged&) const = default;
};
struct ProducerIdsAllocated {
  ProducerId first;
  ProducerId next;
  bool operator==(const ProducerIdsAllocated&) const = default;
};
struct PartitionsAdded {
  // In all.
  int32_t partition_count = 0;
  bool operator==(const PartitionsAdded&) const = default;
};
// What became of each partition that was named, in that order.
struct LeadersElected {
  struct Election {
    PartitionName partition;
    // kNone: `leader` leads now. Else why it was left as it was, which `message` says in words.
    ErrorCode code = ErrorCode::kNone;
    NodeId leader = kNoNode;
    // The leader was not in sync: what it lacks is lost.
    bool is_unclean = false;
    std::string message;
    bool operator==(const Election&) const = default;
  };
  std::vector<Election> elections;
  bool operator==(const LeadersElected&) const = default;
};
// Of the nodes that are being emptied, all together.
struct DrainStepped {
  int32_t replicas_left = 0;
  // Partitions on their way, whose new nodes are there.
  int32_t moving = 0;
  // Partitions that have no place to go to, and why the first of them has none.
  int32_t stuck = 0;
  std::string why_stuck;
  bool operator==(const DrainStepped&) const = default;
};
// Decided as asked, or it was so already.
struct Decided {
  bool operator==(const Decided&) const = default;
};
// Too much for one entry: a first part is decided. Submit the same command again.
struct DecidedInPart {
  bool operator==(const DecidedInPart&) const = default;
};

using Outcome =
    std::variant<Decided, DecidedInPart, NodeRegistered, TopicCreated, TopicDeleted, IsrChanged,
                 ProducerIdsAllocated, PartitionsAdded, LeadersElected, DrainStepped>;

}  // namespace weir::decide
