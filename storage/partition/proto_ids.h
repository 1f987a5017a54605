// SPDX-License-Identifier: Apache-2.0
// A partition's identity in and out of the messages between nodes.
#pragma once

#include <optional>

#include "common/base/ids.h"

namespace weir::partition {

template <class Message>
void PutId(const PartitionId& id, Message* message) {
  message->set_topic_id(id.topic.ToBytes());
  message->set_partition(id.index.value());
}

template <class Message>
std::optional<PartitionId> IdOf(const Message& message) {
  auto topic = TopicId::FromBytes(message.topic_id());
  if (!topic) return std::nullopt;
  return PartitionId{*topic, PartitionIndex(message.partition())};
}

}  // namespace weir::partition
