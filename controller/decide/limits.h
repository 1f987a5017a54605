// SPDX-License-Identifier: Apache-2.0
// What one cluster, one entry and one request hold at most. They protect the quorum: every voter
// and every node keeps the image in memory, and a new active controller is there only once it has
// it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace weir::decide {

// One decision is one entry, within these bounds.
inline constexpr int32_t kPartitionsMax = 10'000;
inline constexpr size_t kEntryBytesMax = 2 << 20;

// A cluster, over all topics. A snapshot of so many partitions loads in seconds.
inline constexpr size_t kClusterPartitionsMax = 200'000;
inline constexpr size_t kClusterTopicsMax = 50'000;
inline constexpr size_t kClusterNodesMax = 1'000;

// Replicas of one partition, joining and leaving ones included.
inline constexpr size_t kReplicasMax = 32;
// Partitions that are named one by one in a request: elections, moves. What each was answered is
// remembered for as long as the request is.
inline constexpr size_t kNamedPartitionsMax = 1'000;
// Configs that one request sets or resets.
inline constexpr size_t kConfigsMax = 100;

// Of what a node says of itself when it registers.
inline constexpr size_t kListenersMax = 16;
inline constexpr size_t kDirectoriesMax = 64;
inline constexpr size_t kFeaturesMax = 64;
inline constexpr size_t kWordBytesMax = 255;

}  // namespace weir::decide
