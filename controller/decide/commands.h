// SPDX-License-Identifier: Apache-2.0
// What the metadata machine may be asked to decide. Values. Chance (new ids, seeds) is drawn by
// whoever asks, for decisions are pure.
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/base/error_code.h"
#include "common/base/ids.h"
#include "common/machine/decision.h"
#include "common/metadata/image.h"
#include "controller/decide/limits.h"
#include "controller/decide/outcomes.h"
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

struct AddPartitions {
  std::string topic;
  // In all, those that are there included.
  int32_t partition_count = 0;
  bool validate_only = false;
  std::optional<RequestId> request_id;
  // By chance.
  uint64_t seed = 0;
};

struct ElectLeaders {
  std::vector<PartitionName> partitions;
  // Not the preferred replica, but any that is there, for partitions that nobody can lead without
  // losing something.
  bool unclean = false;
  std::optional<RequestId> request_id;
};

struct Reassign {
  struct Move {
    PartitionName partition;
    // In order of preference: the first should lead.
    std::vector<NodeId> replicas;
  };
  std::vector<Move> moves;
  bool validate_only = false;
  std::optional<RequestId> request_id;
};

struct CancelReassign {
  std::vector<PartitionName> partitions;
  std::optional<RequestId> request_id;
};

struct DrainNode {
  NodeId node;
  // It is not coming back.
  bool decommission = false;
  std::optional<RequestId> request_id;
};

struct UndrainNode {
  NodeId node;
  std::optional<RequestId> request_id;
};

struct RemoveNode {
  NodeId node;
  std::optional<RequestId> request_id;
};

// A node says that one of its data folders does not work any more.
struct FailDirectory {
  NodeId node;
  NodeEpoch epoch;
  DirectoryId directory;
};

struct UpgradeFeature {
  std::string name;
  int32_t level = 0;
  // What the controllers support.
  std::vector<metadata::FeatureRange> supported;
  bool validate_only = false;
  std::optional<RequestId> request_id;
};

// Of the active controller's own accord: the preferred replicas lead these again.
struct BalanceLeaders {
  std::vector<PartitionId> partitions;
};

// Of the active controller's own accord: the next replicas leave the nodes that are being emptied.
struct DrainStep {
  // Partitions under way at once.
  int32_t moving_max = 1;
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

using Command = std::variant<RegisterNode, UnfenceNode, FenceNode, StopNode, CreateTopic,
                             DeleteTopic, ChangeIsr, UpdateConfigs, AllocateProducerIds,
                             AddPartitions, ElectLeaders, Reassign, CancelReassign, DrainNode,
                             UndrainNode, RemoveNode, FailDirectory, UpgradeFeature, BalanceLeaders,
                             DrainStep, AddLearner, PromoteLearner, RemoveVoter>;

using Decision = machine::Decision<metadata::v1::Entry, Outcome>;

inline Decision RefuseDecision(ErrorCode code, std::string message) {
  return {std::nullopt, Refuse(code, std::move(message))};
}

}  // namespace weir::decide
