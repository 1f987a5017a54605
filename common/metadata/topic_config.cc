// SPDX-License-Identifier: Apache-2.0
#include "common/metadata/topic_config.h"

#include <glog/logging.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

namespace weir::metadata {
namespace {

using Definition = TopicConfigDefinition;
using Kind = Definition::Kind;

constexpr int64_t kMaxInt = std::numeric_limits<int32_t>::max();
constexpr int64_t kMaxLong = std::numeric_limits<int64_t>::max();

// 0 would be no compression at all, and is refused.
const std::vector<std::string_view>& GzipLevels() {
  static const std::vector<std::string_view> levels = {"-1", "1", "2", "3", "4",
                                                       "5",  "6", "7", "8", "9"};
  return levels;
}

const std::vector<Definition>& Table() {
  static const std::vector<Definition> table = {
      {"cleanup.policy", "delete", Kind::kListOf, 0, 0, {"compact", "delete"},
       "What becomes of old records: \"delete\" drops them by age and size, \"compact\" keeps the "
       "last of each key, \"compact,delete\" does both; empty keeps everything."},
      {"compression.gzip.level", "-1", Kind::kOneOf, 0, 0, GzipLevels(),
       "How hard gzip tries where it is the compression.type: 1 (fast) to 9 (small); -1: 6."},
      {"compression.lz4.level", "9", Kind::kNumber, 1, 17, {},
       "How hard lz4 tries where it is the compression.type: 1 to 17; 9 stands for its fast "
       "compressor, the others for the thorough one."},
      {"compression.type", "producer", Kind::kOneOf, 0, 0,
       {"gzip", "lz4", "producer", "snappy", "uncompressed", "zstd"},
       "How batches are compressed on disk; \"producer\" keeps them as they came."},
      {"compression.zstd.level", "3", Kind::kNumber, -131'072, 22, {},
       "How hard zstd tries where it is the compression.type: -131072 (fast) to 22 (small)."},
      {"delete.retention.ms", "86400000", Kind::kNumber, 0, kMaxLong, {},
       "How long a record without a value, which deletes its key, is kept in a compacted topic, so "
       "that whoever reads it from the start learns of it. Milliseconds, 0 or more."},
      {"file.delete.delay.ms", "60000", Kind::kNumber, 0, kMaxLong, {},
       "How long a deleted segment's file stays for those who still read it. Milliseconds, 0 or "
       "more."},
      {"follower.replication.throttled.rate", "9223372036854775807", Kind::kNumber, 0, kMaxLong, {},
       "What each node may take in for throttled replicas; for the whole cluster alone. Bytes a "
       "second, 0 or more.",
       true},
      {"follower.replication.throttled.replicas", "", Kind::kReplicas, 0, 0, {},
       "Replicas that are throttled while they are not in sync, as partition:follower, with commas "
       "between; \"*\" for all."},
      {"index.interval.bytes", "4096", Kind::kNumber, 0, kMaxInt, {},
       "After how many bytes of records a segment's indexes get another entry. Bytes, 0 to "
       "2147483647."},
      {"internal.segment.bytes", "0", Kind::kNumber, 0, kMaxInt, {},
       "Overrides segment.bytes, without its lower bound; for tests. 0: segment.bytes holds. "
       "Bytes, 0 to 2147483647."},
      {"leader.replication.throttled.rate", "9223372036854775807", Kind::kNumber, 0, kMaxLong, {},
       "What each node may send to throttled replicas; for the whole cluster alone. Bytes a "
       "second, 0 or more.",
       true},
      {"leader.replication.throttled.replicas", "", Kind::kReplicas, 0, 0, {},
       "Replicas that are throttled while they are not in sync, as partition:leader, with commas "
       "between; \"*\" for all."},
      {"max.compaction.lag.ms", "9223372036854775807", Kind::kNumber, 1, kMaxLong, {},
       "How long a record may wait in a compacted topic until compaction looks at it. "
       "Milliseconds, 1 or more."},
      {"max.message.bytes", "1048588", Kind::kNumber, 0, kMaxInt, {},
       "The largest record batch that is accepted, after compression. Bytes, 0 to 2147483647."},
      {"message.timestamp.after.max.ms", "3600000", Kind::kNumber, 0, kMaxLong, {},
       "How far a producer's timestamp may lie after the leader's clock, where "
       "message.timestamp.type is CreateTime. Milliseconds, 0 or more."},
      {"message.timestamp.before.max.ms", "9223372036854775807", Kind::kNumber, 0, kMaxLong, {},
       "How far a producer's timestamp may lie before the leader's clock, where "
       "message.timestamp.type is CreateTime. Milliseconds, 0 or more."},
      {"message.timestamp.type", "CreateTime", Kind::kOneOf, 0, 0, {"CreateTime", "LogAppendTime"},
       "Whose clock stamps a record: its producer's, or the leader's when it appends."},
      {"min.cleanable.dirty.ratio", "0.5", Kind::kRatio, 0, 1, {},
       "How much of a compacted partition compaction must not have looked at yet, for it to begin. "
       "0 to 1."},
      {"min.compaction.lag.ms", "0", Kind::kNumber, 0, kMaxLong, {},
       "How long compaction leaves a record alone. Milliseconds, 0 or more."},
      {"min.insync.replicas", "1", Kind::kNumber, 1, kMaxInt, {},
       "How many replicas must be in sync for acks=all to be accepted; at most the number of "
       "replicas counts. 1 to 2147483647."},
      {"retention.bytes", "-1", Kind::kNumber, -1, kMaxLong, {},
       "How large a partition may grow before its oldest segments are deleted. Bytes, 0 or more; "
       "-1: without limit."},
      {"retention.ms", "604800000", Kind::kNumber, -1, kMaxLong, {},
       "How old a segment may grow before it is deleted. Milliseconds, 0 or more; -1: without "
       "limit."},
      {"segment.bytes", "1073741824", Kind::kNumber, 1 << 20, kMaxInt, {},
       "The size at which a partition begins a new segment. Bytes, 1048576 to 2147483647."},
      {"segment.index.bytes", "10485760", Kind::kNumber, 4, kMaxInt, {},
       "The size of an index at which a partition begins a new segment. Bytes, 4 to 2147483647."},
      {"segment.jitter.ms", "0", Kind::kNumber, 0, kMaxLong, {},
       "By up to how much a segment's age may fall short of segment.ms, by chance, so that not all "
       "partitions begin a new one at once. Milliseconds, 0 or more."},
      {"segment.ms", "604800000", Kind::kNumber, 1, kMaxLong, {},
       "The age at which a partition begins a new segment. Milliseconds, 1 or more."},
      {"unclean.leader.election.enable", "false", Kind::kBool, 0, 0, {},
       "Whether a replica that lacks acknowledged records may lead when no other is left."},
      {"weir.durability", "flush", Kind::kOneOf, 0, 0, {"cache", "flush"},
       "Where an acknowledged batch is on every in-sync replica: on disk (\"flush\") or in the "
       "page cache (\"cache\")."},
  };
  return table;
}

const Definition* FindDefinition(std::string_view key) {
  auto found = std::ranges::lower_bound(Table(), key, {}, &Definition::key);
  return found == Table().end() || found->key != key ? nullptr : &*found;
}

// How many letters must be put in, left out or changed to make `b` of `a`.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

// Kafka trims values too.
std::string_view Trimmed(std::string_view text) {
  size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::optional<int64_t> ParseNumber(std::string_view value) {
  std::string_view text = Trimmed(value);
  int64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<double> ParseRatio(std::string_view value) {
  std::string_view text = Trimmed(value);
  double ratio = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ratio);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return ratio;
}

// In any case, as Kafka reads them.
std::optional<bool> ParseBool(std::string_view value) {
  std::string lower(Trimmed(value));
  for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  if (lower == "true") return true;
  if (lower == "false") return false;
  return std::nullopt;
}

// Nothing between the commas is an item too, and known to nobody; an empty text is an empty list.
std::vector<std::string_view> ParseList(std::string_view value) {
  std::vector<std::string_view> items;
  std::string_view rest = Trimmed(value);
  while (!rest.empty()) {
    size_t comma = rest.find(',');
    items.push_back(Trimmed(rest.substr(0, comma)));
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
    if (rest.empty()) items.push_back("");
  }
  return items;
}

// "*", or partition:node with commas between.
std::optional<ThrottledReplicas> ParseReplicas(std::string_view value) {
  ThrottledReplicas replicas;
  if (Trimmed(value) == "*") {
    replicas.all = true;
    return replicas;
  }
  for (std::string_view item : ParseList(value)) {
    const size_t colon = item.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    auto partition = ParseNumber(item.substr(0, colon));
    auto node = ParseNumber(item.substr(colon + 1));
    auto fits = [](std::optional<int64_t> number) {
      return number && *number >= 0 && *number <= kMaxInt;
    };
    if (!fits(partition) || !fits(node)) return std::nullopt;
    replicas.named.emplace(PartitionIndex(static_cast<int32_t>(*partition)),
                           NodeId(static_cast<int32_t>(*node)));
  }
  return replicas;
}

std::string Joined(const std::vector<std::string_view>& choices) {
  std::string text;
  for (std::string_view choice : choices) {
    if (!text.empty()) text += ", ";
    text += choice;
  }
  return text;
}

// What would have been right.
std::string RangeOf(const Definition& definition) {
  switch (definition.kind) {
    case Kind::kNumber:
      if (definition.max == kMaxLong) {
        return "a whole number of at least " + std::to_string(definition.min);
      }
      return "a whole number from " + std::to_string(definition.min) + " to " +
             std::to_string(definition.max);
    case Kind::kRatio:
      return "a number from " + std::to_string(definition.min) + " to " +
             std::to_string(definition.max);
    case Kind::kBool:
      return "true or false";
    case Kind::kOneOf:
      return "one of " + Joined(definition.choices);
    case Kind::kListOf:
      return "a list, with commas and each at most once, of " + Joined(definition.choices) +
             "; or empty";
    case Kind::kReplicas:
      return "\"*\", or a list of partition:node, as in 0:1,0:2; or empty";
  }
  CHECK(false) << "a kind of config without a range";
  std::unreachable();
}

bool IsInRange(const Definition& definition, std::string_view value) {
  auto is_choice = [&](std::string_view text) {
    return std::ranges::count(definition.choices, text) > 0;
  };
  switch (definition.kind) {
    case Kind::kNumber: {
      auto number = ParseNumber(value);
      return number && *number >= definition.min && *number <= definition.max;
    }
    case Kind::kRatio: {
      // Also false for what is no number at all, which nothing is less than.
      auto ratio = ParseRatio(value);
      return ratio && *ratio >= static_cast<double>(definition.min) &&
             *ratio <= static_cast<double>(definition.max);
    }
    case Kind::kBool:
      return ParseBool(value).has_value();
    case Kind::kOneOf:
      return is_choice(Trimmed(value));
    case Kind::kListOf: {
      auto items = ParseList(value);
      if (!std::ranges::all_of(items, is_choice)) return false;
      std::ranges::sort(items);
      return std::ranges::adjacent_find(items) == items.end();
    }
    case Kind::kReplicas:
      return ParseReplicas(value).has_value();
  }
  CHECK(false) << "a kind of config that is not checked";
  std::unreachable();
}

// The values of one topic, read. Each was validated before it came into the image.
class Reading {
 public:
  Reading(const Image& image, const TopicId& topic) : image_(image), topic_(topic) {}

  std::string Text(std::string_view key) const {
    return std::string(Trimmed(EffectiveTopicConfig(image_, topic_, key).value));
  }
  int64_t Number(std::string_view key) const {
    std::string text = Text(key);
    auto number = ParseNumber(text);
    CHECK(number) << "config " << key << " of topic " << topic_ << " is no number: " << text;
    return *number;
  }
  double Ratio(std::string_view key) const {
    std::string text = Text(key);
    auto ratio = ParseRatio(text);
    CHECK(ratio) << "config " << key << " of topic " << topic_ << " is no number: " << text;
    return *ratio;
  }
  bool Bool(std::string_view key) const {
    std::string text = Text(key);
    auto value = ParseBool(text);
    CHECK(value) << "config " << key << " of topic " << topic_ << " is no bool: " << text;
    return *value;
  }
  bool ListHas(std::string_view key, std::string_view item) const {
    std::string text = Text(key);
    return std::ranges::count(ParseList(text), item) > 0;
  }
  ThrottledReplicas Replicas(std::string_view key) const {
    std::string text = Text(key);
    auto replicas = ParseReplicas(text);
    CHECK(replicas) << "config " << key << " of topic " << topic_ << " names no replicas: " << text;
    return *replicas;
  }

 private:
  const Image& image_;
  const TopicId& topic_;
};

}  // namespace

std::span<const TopicConfigDefinition> TopicConfigDefinitions() { return Table(); }

Answer<void> ValidateTopicConfig(std::string_view key, std::string_view value, ConfigScope scope) {
  const Definition* definition = FindDefinition(key);
  if (definition == nullptr) {
    auto nearest = std::ranges::min_element(
        Table(), {}, [&](const Definition& known) { return EditDistance(key, known.key); });
    return Refuse(ErrorCode::kInvalidConfig, "unknown topic config \"" + std::string(key) +
                                                 "\": the nearest that is known is \"" +
                                                 std::string(nearest->key) + "\"");
  }
  if (definition->is_of_cluster && scope == ConfigScope::kTopic) {
    return Refuse(ErrorCode::kInvalidConfig,
                  std::string(key) + " holds for every node: set it for the whole cluster");
  }
  if (!IsInRange(*definition, value)) {
    return Refuse(ErrorCode::kInvalidConfig, "topic config " + std::string(key) + " cannot be \"" +
                                                 std::string(value) + "\": it is " +
                                                 RangeOf(*definition));
  }
  return {};
}

TopicConfig TopicConfigOf(const Image& image, const TopicId& topic) {
  Reading reading(image, topic);
  TopicConfig config;
  config.is_deleted_by_age = reading.ListHas("cleanup.policy", "delete");
  config.is_compacted = reading.ListHas("cleanup.policy", "compact");
  config.retention_ms = reading.Number("retention.ms");
  config.retention_bytes = reading.Number("retention.bytes");
  config.segment_bytes = reading.Number("internal.segment.bytes");
  if (config.segment_bytes == 0) config.segment_bytes = reading.Number("segment.bytes");
  config.segment_ms = reading.Number("segment.ms");
  config.segment_jitter_ms = reading.Number("segment.jitter.ms");
  config.segment_index_bytes = reading.Number("segment.index.bytes");
  config.index_interval_bytes = reading.Number("index.interval.bytes");
  config.file_delete_delay_ms = reading.Number("file.delete.delay.ms");
  config.dirty_ratio_min = reading.Ratio("min.cleanable.dirty.ratio");
  config.compaction_lag_ms_min = reading.Number("min.compaction.lag.ms");
  config.compaction_lag_ms_max = reading.Number("max.compaction.lag.ms");
  config.delete_retention_ms = reading.Number("delete.retention.ms");
  config.max_message_bytes = reading.Number("max.message.bytes");
  config.min_insync_replicas = static_cast<int32_t>(reading.Number("min.insync.replicas"));
  config.unclean_leader_election = reading.Bool("unclean.leader.election.enable");
  config.compression = reading.Text("compression.type");
  std::string level = "compression." + config.compression + ".level";
  if (FindDefinition(level) != nullptr) {
    config.compression_level = static_cast<int>(reading.Number(level));
  }
  config.timestamp_before_max_ms = reading.Number("message.timestamp.before.max.ms");
  config.timestamp_after_max_ms = reading.Number("message.timestamp.after.max.ms");
  config.stamps_append_time = reading.Text("message.timestamp.type") == "LogAppendTime";
  config.durability =
      reading.Text("weir.durability") == "cache" ? Durability::kCache : Durability::kFlush;
  config.throttled_leaders = reading.Replicas("leader.replication.throttled.replicas");
  config.throttled_followers = reading.Replicas("follower.replication.throttled.replicas");
  return config;
}

ReplicationRates ReplicationRatesOf(const Image& image) {
  const TopicId none;
  Reading reading(image, none);
  return {.as_leader = reading.Number("leader.replication.throttled.rate"),
          .as_follower = reading.Number("follower.replication.throttled.rate")};
}

EffectiveConfig EffectiveTopicConfig(const Image& image, const TopicId& topic,
                                     std::string_view key) {
  const Definition* definition = FindDefinition(key);
  CHECK(definition != nullptr) << "there is no topic config " << key;
  for (const auto& [scope, resource] : {std::pair(ConfigScope::kTopic, topic.ToString()),
                                        std::pair(ConfigScope::kCluster, std::string())}) {
    const std::string* value = image.configs.Find({scope, resource, std::string(key)});
    if (value != nullptr) return {*value, false};
  }
  return {std::string(definition->default_value), true};
}

int32_t EffectiveMinInsync(const TopicConfig& config, const Partition& partition) {
  return std::min(config.min_insync_replicas,
                  static_cast<int32_t>(partition.replicas.size() - partition.adding.size()));
}

int32_t EffectiveMinInsync(const Image& image, const PartitionId& id, const Partition& partition) {
  // Of that one value alone: this is asked for each of very many partitions.
  TopicConfig config;
  config.min_insync_replicas =
      static_cast<int32_t>(Reading(image, id.topic).Number("min.insync.replicas"));
  return EffectiveMinInsync(config, partition);
}

}  // namespace weir::metadata
