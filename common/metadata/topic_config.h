// SPDX-License-Identifier: Apache-2.0
// The configs of a topic: their keys, defaults, ranges and meaning, in one table; and what holds
// for a topic in the end (its own value, else the cluster's, else the default). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/error_code.h"
#include "common/metadata/image.h"

namespace weir::metadata {

struct TopicConfigDefinition {
  enum class Kind { kNumber, kRatio, kBool, kOneOf, kListOf, kReplicas };

  std::string_view key;
  std::string_view default_value;
  Kind kind = Kind::kNumber;
  // Of a number or a ratio, both included.
  int64_t min = 0;
  int64_t max = 0;
  // Of a choice or a list.
  std::vector<std::string_view> choices;
  // What it means, its unit and range.
  std::string_view description;
  // It holds for every node, and is set for the cluster alone.
  bool is_of_cluster = false;
};

// In order of the keys.
std::span<const TopicConfigDefinition> TopicConfigDefinitions();

// INVALID_CONFIG for a key that is not known (naming the nearest that is), one that cannot be set
// for a topic, or a value out of range.
Answer<void> ValidateTopicConfig(std::string_view key, std::string_view value,
                                 ConfigScope scope = ConfigScope::kTopic);

// Replicas whose copying is throttled while they are not in sync.
struct ThrottledReplicas {
  bool all = false;
  std::set<std::pair<PartitionIndex, NodeId>> named;

  bool Has(PartitionIndex partition, NodeId node) const {
    return all || named.contains({partition, node});
  }
  bool operator==(const ThrottledReplicas&) const = default;
};

enum class Durability {
  kFlush,  // An acknowledged batch is on the disk of every in-sync replica.
  kCache,  // It is in their page caches.
};

// What holds for one topic, parsed.
struct TopicConfig {
  bool is_deleted_by_age = true;  // cleanup.policy names "delete".
  bool is_compacted = false;      // cleanup.policy names "compact".
  // -1: without limit.
  int64_t retention_ms = 0;
  int64_t retention_bytes = 0;
  int64_t segment_bytes = 0;
  int64_t segment_ms = 0;
  int64_t segment_jitter_ms = 0;
  int64_t segment_index_bytes = 0;
  int64_t index_interval_bytes = 0;
  int64_t file_delete_delay_ms = 0;
  // Of a compacted topic.
  double dirty_ratio_min = 0.5;
  int64_t compaction_lag_ms_min = 0;
  int64_t compaction_lag_ms_max = 0;
  int64_t delete_retention_ms = 0;
  int64_t max_message_bytes = 0;
  int32_t min_insync_replicas = 1;
  bool unclean_leader_election = false;
  std::string compression = "producer";
  std::optional<int> compression_level;  // Of that compression, where it has levels.
  bool stamps_append_time = false;       // message.timestamp.type is LogAppendTime.
  // How far a producer's timestamp may lie from the leader's clock.
  int64_t timestamp_before_max_ms = 0;
  int64_t timestamp_after_max_ms = 0;
  Durability durability = Durability::kFlush;
  // *.replication.throttled.replicas, by who leads and by who follows.
  ThrottledReplicas throttled_leaders;
  ThrottledReplicas throttled_followers;

  bool operator==(const TopicConfig&) const = default;
};

TopicConfig TopicConfigOf(const Image& image, const TopicId& topic);

// What each node may send to, and take in for, throttled replicas; bytes a second.
struct ReplicationRates {
  int64_t as_leader = 0;
  int64_t as_follower = 0;
};
ReplicationRates ReplicationRatesOf(const Image& image);

// The value that holds for `topic`, as text; `is_default` if nobody set it. `key` is known (CHECK).
struct EffectiveConfig {
  std::string value;
  bool is_default = true;
};
EffectiveConfig EffectiveTopicConfig(const Image& image, const TopicId& topic,
                                     std::string_view key);

// min(min.insync.replicas, number of replicas): Kafka's rule. Replicas that are joining do not
// count yet, or a topic of one replica could not be written while it moves.
int32_t EffectiveMinInsync(const TopicConfig& config, const Partition& partition);
int32_t EffectiveMinInsync(const Image& image, const PartitionId& id, const Partition& partition);

}  // namespace weir::metadata
