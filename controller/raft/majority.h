// SPDX-License-Identifier: Apache-2.0
// Arithmetic of majorities; it knows nothing of Raft.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <vector>

namespace weir::raft {

constexpr size_t MajorityOf(size_t count) { return count / 2 + 1; }

// The largest value that a majority of `values` has reached; `values` is not empty.
template <class T>
T ReachedByMajority(std::vector<T> values) {
  std::sort(values.begin(), values.end(), std::greater<T>());
  return values[MajorityOf(values.size()) - 1];
}

enum class VoteResult { kPending, kWon, kLost };

// What `granted` yes and `refused` no among `voters` come to.
VoteResult CountVotes(size_t voters, size_t granted, size_t refused);

}  // namespace weir::raft
