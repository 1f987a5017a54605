// SPDX-License-Identifier: Apache-2.0
// Spoils inputs: flipped bits, cut ends, pieces of other seeds, lengths that lie. The same seed
// number gives the same bytes on every machine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace weir::fuzz {

// Number 0 and on are the seeds as they are; then come mutations. `seeds` may be empty.
std::string InputOf(const std::vector<std::string>& seeds, uint64_t seed, uint64_t number);

}  // namespace weir::fuzz
