// SPDX-License-Identifier: Apache-2.0
// The names of resources in the admin API ("topics/orders", "nodes/3", "configs/topics/orders"),
// and the pages of its lists (AIP-122, AIP-158). Pure.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "common/base/error_code.h"
#include "common/base/ids.h"

namespace weir::service {

Answer<std::string> TopicIn(const std::string& name);
Answer<NodeId> NodeIn(const std::string& name);

// "topics/{topic}/partitions/{n}".
struct PartitionOf {
  std::string topic;
  PartitionIndex index;
  bool operator==(const PartitionOf&) const = default;
};
Answer<PartitionOf> PartitionIn(const std::string& name);
Answer<std::string> FeatureIn(const std::string& name);

// A request's idempotence key; nothing where it gave none.
Answer<std::optional<RequestId>> RequestIdIn(const std::string& bytes);

struct ClusterConfigs {};
struct TopicConfigs {
  std::string topic;
};
struct NodeConfigs {
  NodeId node;
};
using ConfigTarget = std::variant<ClusterConfigs, TopicConfigs, NodeConfigs>;
Answer<ConfigTarget> ConfigTargetIn(const std::string& name);

struct Page {
  size_t size = 0;
  // The last key of the page before; empty for the first page.
  std::string after;
};
Answer<Page> PageOf(int32_t page_size, const std::string& page_token);
// The token of the page that follows the one which ended with `last_key`.
std::string TokenAfter(const std::string& last_key);

}  // namespace weir::service
