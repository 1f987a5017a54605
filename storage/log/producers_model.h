// SPDX-License-Identifier: Apache-2.0
// The rules of idempotent producers, held against a dumb model of them: a list of all batches.
#pragma once

#include <cstdint>
#include <string>

namespace weir::log {

// Lets a few producers write, repeat themselves and go wrong, while what is known of them is
// encoded, folded anew from anywhere, cut back and forgotten. What is wrong; empty where nothing
// is.
std::string FaultOfProducers(uint64_t seed);

}  // namespace weir::log
