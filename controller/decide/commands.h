// SPDX-License-Identifier: Apache-2.0
// What the metadata machine may be asked to decide, and what each is answered. Values. Chance (new
// ids, seeds) is drawn by whoever asks, for decisions are pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/base/error_code.h"
#include "common/base/ids.h"
#include "common/machine/decision.h"
#include "common/metadata/image.h"
#include "proto/metadata/records.pb.h"

namespace weir::decide {

// A new incarnation leaves every ISR, and gets an epoch. It starts fenced.
struct RegisterNode {
  NodeId node;
  Incarnation incarnation;
  NodeEpoch previous_epoch;
  std::vector<metadata::Listener> listeners;
  std::string rack;
  std::vector<DirectoryId> directories;
  std::vector<metadata::FeatureRange> features;
  std::string version;
  // Its session is alive (Liveness): another incarnation is refused.
  bool is_session_alive = false;
};

// `applied` is what the node says it has applied: its own registration at least.
struct UnfenceNode {
  NodeId node;
  NodeEpoch epoch;
  LogIndex applied;
};

struct FenceNode {
  NodeId node;
  NodeEpoch epoch;
};

struct StopNode {
  NodeId node;
  NodeEpoch epoch;
};

struct CreateTopic {
  std::string name;
  int32_t partition_count = 0;
  // 0: three, or as many as there are active nodes if fewer.
  int32_t replication_factor = 0;
  std::vector<std::pair<std::string, std::string>> configs;
  bool validate_only = false;
  std::optional<RequestId> request_id;
  // By chance.
  TopicId new_id;
  uint64_t seed = 0;
};

struct DeleteTopic {
  std::string name;
  std::optional<RequestId> request_id;
};

struct ChangeIsr {
  NodeId node;
  NodeEpoch node_epoch;
  PartitionId partition;
  LeaderEpoch leader_epoch;
  PartitionEpoch partition_epoch;
  struct Member {
    NodeId node;
    NodeEpoch epoch;
  };
  std::vector<Member> isr;
};

struct UpdateConfigs {
  metadata::ConfigScope scope = metadata::ConfigScope::kTopic;
  // "" for the cluster, the node id in decimal, or the topic's name.
  std::string resource;
  std::vector<std::pair<std::string, std::string>> set;
  std::vector<std::string> reset;
  bool validate_only = false;
  std::optional<RequestId> request_id;
};

struct AllocateProducerIds {
  NodeId node;
  NodeEpoch epoch;
};

// Another controller is to take part in the quorum: a learner at first.
struct AddLearner {
  metadata::Voter voter;
  std::optional<RequestId> request_id;
};

// It has caught up.
struct PromoteLearner {
  ControllerId id;
  DirectoryId directory;
};

struct RemoveVoter {
  ControllerId id;
  // Only if this is its directory.
  std::optional<DirectoryId> directory;
  std::optional<RequestId> request_id;
};

using Command = std::variant<AddLearner, PromoteLearner, RemoveVoter, RegisterNode, UnfenceNode, FenceNode, StopNode, CreateTopic,
                             DeleteTopic, ChangeIsr, UpdateConfigs, AllocateProducerIds>;

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
// Decided as asked, or it was so already.
struct Decided {
  bool operator==(const Decided&) const = default;
};
// Too much for one entry: a first part is decided. Submit the same command again.
struct DecidedInPart {
  bool operator==(const DecidedInPart&) const = default;
};

using Outcome = std::variant<Decided, DecidedInPart, NodeRegistered, TopicCreated, TopicDeleted,
                             IsrChanged, ProducerIdsAllocated>;

using Decision = machine::Decision<metadata::v1::Entry, Outcome>;

// One decision is one entry, within these bounds.
inline constexpr int32_t kPartitionsMax = 10'000;
inline constexpr size_t kEntryBytesMax = 2 << 20;

inline Decision RefuseDecision(ErrorCode code, std::string message) {
  return {std::nullopt, Refuse(code, std::move(message))};
}

}  // namespace weir::decide
