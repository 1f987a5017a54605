// SPDX-License-Identifier: Apache-2.0
// The throttle of partitions that move: a rate for the whole cluster, and per topic the replicas
// that it holds for. In-sync replicas are never throttled.
#pragma once

#include <cstdint>
#include <vector>

#include "cli/cluster.h"
#include "cli/partition_words.h"

namespace weir::cli {

// From now on what the moves copy goes at `bytes_per_second` on each node. What was throttled in
// these topics before is so no longer.
host::Task<client::Outcome<int>> Throttle(Cluster& cluster, std::vector<MoveWord> moves,
                                          int64_t bytes_per_second);
// As if there had never been one: of these topics, and of the cluster.
host::Task<client::Outcome<int>> Unthrottle(Cluster& cluster, std::vector<MoveWord> moves);

}  // namespace weir::cli
