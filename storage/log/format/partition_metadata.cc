// SPDX-License-Identifier: Apache-2.0
#include "storage/log/format/partition_metadata.h"

#include "storage/log/format/lines.h"

namespace weir::log {
namespace {

constexpr std::string_view kTopicKey = "topic_id: ";

}  // namespace

std::string EncodePartitionMetadata(const TopicId& topic) {
  return "version: 0\n" + std::string(kTopicKey) + topic.ToString();
}

std::optional<TopicId> DecodePartitionMetadata(std::string_view text) {
  if (TakeLine(text) != "version: 0") return std::nullopt;
  auto line = TakeLine(text);
  if (!line || !line->starts_with(kTopicKey) || !text.empty()) return std::nullopt;
  return TopicId::Parse(line->substr(kTopicKey.size()));
}

}  // namespace weir::log
