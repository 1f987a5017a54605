// SPDX-License-Identifier: Apache-2.0
#include "common/metadata/topic_config.h"

#include <glog/logging.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

namespace weir::metadata {
namespace {

using Kind = TopicConfigDefinition::Kind;

constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
constexpr int64_t kMostInt = std::numeric_limits<int32_t>::max();

const std::vector<TopicConfigDefinition>& Table() {
  static const auto* table = new std::vector<TopicConfigDefinition>{
      {"cleanup.policy", "delete", Kind::kListOf, 0, 0, {"compact", "delete"},
       "What happens to old records: delete (by age and size), compact (the last of each key stays), "
       "both, or, if empty, nothing."},
      {"compression.type", "producer", Kind::kOneOf, 0, 0,
       {"producer", "uncompressed", "gzip", "snappy", "lz4", "zstd"},
       "How batches are compressed in the log; producer keeps them as they come."},
      {"internal.segment.bytes", "0", Kind::kNumber, 0, kMostInt, {},
       "For tests: a segment size below the least that segment.bytes takes; 0: not set."},
      {"max.message.bytes", "1048588", Kind::kNumber, 0, kMostInt, {},
       "The largest batch that is taken, in bytes."},
      {"message.timestamp.type", "CreateTime", Kind::kOneOf, 0, 0,
       {"CreateTime", "LogAppendTime"},
       "Whose clock a record's timestamp is: the producer's or the leader's."},
      {"min.insync.replicas", "1", Kind::kNumber, 1, kMostInt, {},
       "How many replicas must be in sync for acks=all; no more than the topic has count."},
      {"retention.bytes", "-1", Kind::kNumber, -1, kMost, {},
       "How large a partition may grow before its oldest records go, in bytes; -1: without limit."},
      {"retention.ms", "604800000", Kind::kNumber, -1, kMost, {},
       "How long records are kept, in milliseconds; -1: without limit."},
      {"segment.bytes", "1073741824", Kind::kNumber, 1 << 20, kMostInt, {},
       "The size of one file of a partition's log, in bytes."},
      {"segment.ms", "604800000", Kind::kNumber, 1, kMost, {},
       "How long one file of a partition's log is written to, in milliseconds."},
      {"unclean.leader.election.enable", "false", Kind::kBool, 0, 0, {"true", "false"},
       "Whether a replica that may lack acknowledged records may lead when no other is left."},
      {"weir.durability", "flush", Kind::kOneOf, 0, 0, {"flush", "cache"},
       "What an acknowledgement means: flush: on the disk of every in-sync replica; cache: in their "
       "page caches."},
  };
  return *table;
}

const TopicConfigDefinition* Find(std::string_view key) {
  auto found = std::ranges::find(Table(), key, &TopicConfigDefinition::key);
  return found == Table().end() ? nullptr : &*found;
}

// Levenshtein's: how many letters differ.
size_t Distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t next = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])});
      diagonal = std::exchange(row[j], next);
    }
  }
  return row[b.size()];
}

bool Contains(const std::vector<std::string_view>& items, std::string_view item) {
  return std::ranges::find(items, item) != items.end();
}

std::optional<int64_t> ParseNumber(std::string_view text) {
  int64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::vector<std::string_view> Split(std::string_view list) {
  std::vector<std::string_view> items;
  while (!list.empty()) {
    size_t comma = std::min(list.find(','), list.size());
    items.push_back(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return items;
}

std::string Listed(const std::vector<std::string_view>& choices) {
  std::string text;
  for (std::string_view choice : choices) {
    text += (text.empty() ? "" : ", ") + std::string(choice);
  }
  return text;
}

bool IsValid(const TopicConfigDefinition& definition, std::string_view value) {
  switch (definition.kind) {
    case Kind::kNumber: {
      auto number = ParseNumber(value);
      return number && *number >= definition.min && *number <= definition.max;
    }
    case Kind::kBool:
    case Kind::kOneOf:
      return Contains(definition.choices, value);
    case Kind::kListOf:
      return std::ranges::all_of(Split(value), [&](std::string_view item) {
        return Contains(definition.choices, item);
      });
  }
  return false;
}

}  // namespace

std::span<const TopicConfigDefinition> TopicConfigDefinitions() { return Table(); }

Answer<void> ValidateTopicConfig(std::string_view key, std::string_view value) {
  const TopicConfigDefinition* definition = Find(key);
  if (!definition) {
    auto nearest = std::ranges::min_element(Table(), {}, [&](const TopicConfigDefinition& known) {
      return Distance(known.key, key);
    });
    return Refuse(ErrorCode::kInvalidConfig, "topics have no config '" + std::string(key) +
                                                 "'; did you mean '" + std::string(nearest->key) +
                                                 "'?");
  }
  if (IsValid(*definition, value)) return {};
  std::string right;
  if (definition->kind == Kind::kNumber) {
    right = "a number from " + std::to_string(definition->min) + " to " +
            std::to_string(definition->max);
  } else {
    right = (definition->kind == Kind::kListOf ? "a list of: " : "one of: ") +
            Listed(definition->choices);
  }
  return Refuse(ErrorCode::kInvalidConfig, "'" + std::string(value) + "' is no value of " +
                                               std::string(key) + ", which takes " + right);
}

EffectiveConfig EffectiveTopicConfig(const Image& image, const TopicId& topic,
                                     std::string_view key) {
  const TopicConfigDefinition* definition = Find(key);
  CHECK(definition) << "there is no config " << key;
  if (const std::string* own =
          image.configs.Find({ConfigScope::kTopic, topic.ToString(), std::string(key)})) {
    return {*own, false};
  }
  if (const std::string* shared =
          image.configs.Find({ConfigScope::kCluster, "", std::string(key)})) {
    return {*shared, false};
  }
  return {std::string(definition->default_value), true};
}

TopicConfig TopicConfigOf(const Image& image, const TopicId& topic) {
  auto text = [&](std::string_view key) { return EffectiveTopicConfig(image, topic, key).value; };
  auto number = [&](std::string_view key) { return ParseNumber(text(key)).value_or(0); };
  TopicConfig config;
  std::string cleanup = text("cleanup.policy");
  config.is_deleted_by_age = Contains(Split(cleanup), "delete");
  config.is_compacted = Contains(Split(cleanup), "compact");
  config.retention_ms = number("retention.ms");
  config.retention_bytes = number("retention.bytes");
  int64_t small = number("internal.segment.bytes");
  config.segment_bytes = small > 0 ? small : number("segment.bytes");
  config.segment_ms = number("segment.ms");
  config.max_message_bytes = number("max.message.bytes");
  config.min_insync_replicas = static_cast<int32_t>(number("min.insync.replicas"));
  config.unclean_leader_election = text("unclean.leader.election.enable") == "true";
  config.compression = text("compression.type");
  config.stamps_append_time = text("message.timestamp.type") == "LogAppendTime";
  config.durability = text("weir.durability") == "cache" ? Durability::kCache : Durability::kFlush;
  return config;
}

int32_t EffectiveMinInsync(const Image& image, const PartitionId& id,
                           const Partition& partition) {
  return std::min(TopicConfigOf(image, id.topic).min_insync_replicas,
                  static_cast<int32_t>(partition.replicas.size()));
}

}  // namespace weir::metadata
