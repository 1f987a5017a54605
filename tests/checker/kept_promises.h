// SPDX-License-Identifier: Apache-2.0
// What a voter has promised on its disk holds for ever, over all its lives: its term never falls,
// and in one term it votes for one candidate. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "controller/raft/messages.h"
#include "tests/checker/findings.h"

namespace weir::checker {

class KeptPromises {
 public:
  // What stands on the disk of `voter` now.
  void Saw(const std::string& voter, const raft::HardState& state, Findings& findings);
  // The disk was replaced: whoever has the new one has promised nothing.
  void Forget(const std::string& voter) { known_.erase(voter); }

 private:
  std::map<std::string, raft::HardState> known_;
};

}  // namespace weir::checker
