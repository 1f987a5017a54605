// SPDX-License-Identifier: Apache-2.0
// What differs between two images, by value. Costs what has changed, not what there is. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/metadata/image.h"

namespace weir::metadata {

// One key whose value differs: added (no before), removed (no after), or changed.
template <class K, class V>
struct Change {
  K key;
  std::optional<V> before;
  std::optional<V> after;

  bool is_added() const { return !before; }
  bool is_removed() const { return !after; }
  bool operator==(const Change&) const = default;
};

// Each list in order of its keys.
struct Changes {
  std::vector<Change<TopicId, Topic>> topics;
  // A removed topic's partitions are here too, as removed.
  std::vector<Change<PartitionId, Partition>> partitions;
  std::vector<Change<NodeId, Node>> nodes;
  std::vector<Change<ConfigKey, std::string>> configs;
  std::vector<Change<std::string, int32_t>> features;
  // The latest block, if it is another one. Blocks in between are not seen: to miss none, compare
  // image by image.
  std::optional<ProducerIds> producer_ids;

  bool operator==(const Changes&) const = default;
};

Changes Diff(const Image& before, const Image& after);

}  // namespace weir::metadata
