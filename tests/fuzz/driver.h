// SPDX-License-Identifier: Apache-2.0
// Feeds a target its seeds and mutations of them, one after another, in one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tests/fuzz/target.h"

namespace weir::fuzz {

struct Order {
  uint64_t seed = 1;
  // 0: as many as the target says.
  int inputs = 0;
  // This one alone.
  std::optional<uint64_t> only;
};

// Nothing, or what is wrong. A crash says on standard error which input it was, and how to have it
// alone.
std::optional<std::string> Drive(const Target& target, const Order& order);

}  // namespace weir::fuzz
