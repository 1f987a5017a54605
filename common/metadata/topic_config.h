// SPDX-License-Identifier: Apache-2.0
// The configs of a topic: their keys, defaults, ranges and meaning, in one table; and what holds
// for a topic in the end (its own value, else the cluster's, else the default). Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error_code.h"
#include "common/metadata/image.h"

namespace weir::metadata {

struct TopicConfigDefinition {
  enum class Kind { kNumber, kBool, kOneOf, kListOf };

  std::string_view key;
  std::string_view default_value;
  Kind kind = Kind::kNumber;
  // Of a number, both included.
  int64_t min = 0;
  int64_t max = 0;
  // Of a choice or a list.
  std::vector<std::string_view> choices;
  // What it means, its unit and range.
  std::string_view description;
};

// In order of the keys.
std::span<const TopicConfigDefinition> TopicConfigDefinitions();

// INVALID_CONFIG for a key that is not known (naming the nearest that is) or a value out of range.
Answer<void> ValidateTopicConfig(std::string_view key, std::string_view value);

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
  int64_t max_message_bytes = 0;
  int32_t min_insync_replicas = 1;
  bool unclean_leader_election = false;
  std::string compression = "producer";
  bool stamps_append_time = false;  // message.timestamp.type is LogAppendTime.
  Durability durability = Durability::kFlush;

  bool operator==(const TopicConfig&) const = default;
};

TopicConfig TopicConfigOf(const Image& image, const TopicId& topic);

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
