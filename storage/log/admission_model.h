// SPDX-License-Identifier: Apache-2.0
// What a log takes from its producers, held against the rules as one would say them.
#pragma once

#include <cstdint>
#include <string>

namespace weir::log {

// Draws a topic's rules and batches of all kinds, right and wrong. What is wrong with what becomes
// of them; empty where nothing is.
std::string FaultOfAdmission(uint64_t seed);

}  // namespace weir::log
