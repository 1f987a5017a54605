// SPDX-License-Identifier: Apache-2.0
// What a machine says to one command: what to write down, if anything, and what to answer once that
// stands. A value.
#pragma once

#include <optional>

#include "common/base/error_code.h"
#include "common/base/time.h"

namespace weir::machine {

// The moment of a decision, told by the driver's owner.
struct Now {
  Instant instant;
  WallTime wall;
};

template <class EntryType, class OutcomeType>
struct Decision {
  // Nothing: the state stays as it is. A refusal has none.
  std::optional<EntryType> entry;
  Answer<OutcomeType> answer;
};

}  // namespace weir::machine
