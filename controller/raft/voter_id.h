// SPDX-License-Identifier: Apache-2.0
// A voter is a controller with its disk: with another disk it is another voter, which has promised
// nothing.
#pragma once

#include <compare>
#include <ostream>

#include "common/base/ids.h"

namespace weir::raft {

struct VoterId {
  ControllerId controller;
  DirectoryId directory;
  auto operator<=>(const VoterId&) const = default;
};

// The controller's number.
std::ostream& operator<<(std::ostream& out, const VoterId& voter);

}  // namespace weir::raft
