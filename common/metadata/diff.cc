// SPDX-License-Identifier: Apache-2.0
#include "common/metadata/diff.h"

namespace weir::metadata {
namespace {

template <class K, class V>
std::vector<Change<K, V>> ChangesOf(const PersistentMap<K, V>& before,
                                    const PersistentMap<K, V>& after) {
  std::vector<Change<K, V>> changes;
  PersistentMap<K, V>::Diff(before, after, [&](const K& key, const V* was, const V* is) {
    changes.push_back({key, was ? std::optional<V>(*was) : std::nullopt,
                       is ? std::optional<V>(*is) : std::nullopt});
  });
  return changes;
}

}  // namespace

Changes Diff(const Image& before, const Image& after) {
  Changes changes;
  changes.topics = ChangesOf(before.topics, after.topics);
  changes.partitions = ChangesOf(before.partitions, after.partitions);
  changes.nodes = ChangesOf(before.nodes, after.nodes);
  changes.configs = ChangesOf(before.configs, after.configs);
  changes.features = ChangesOf(before.features, after.features);
  if (before.producer_ids != after.producer_ids) changes.producer_ids = after.producer_ids;
  return changes;
}

}  // namespace weir::metadata
