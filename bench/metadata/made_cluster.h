// SPDX-License-Identifier: Apache-2.0
// A cluster out of thin air, as large as asked for: what the benchmarks of the metadata run on.
// The same one each time.
#pragma once

#include "common/metadata/image.h"
#include "proto/metadata/records.pb.h"

namespace weir::bench {

inline constexpr int32_t kPartitionsPerTopic = 100;

// 6 nodes in 3 racks, `partition_count` partitions of 3 replicas, 100 to a topic.
metadata::Image MadeCluster(int32_t partition_count);

// The record of a partition of `image` whose leadership moves to the next of its replicas. Any
// number will do for `which`.
metadata::v1::Record LeaderMoves(const metadata::Image& image, uint64_t which);

}  // namespace weir::bench
