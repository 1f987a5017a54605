// SPDX-License-Identifier: Apache-2.0
// What a voter has promised on its disk holds for ever, over all its lives: its term never falls,
// and in one term it votes for one candidate; and nobody leads by votes that were not written down.
// Pure.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "controller/raft/messages.h"
#include "tests/checker/findings.h"

namespace weir::checker {

class KeptPromises {
 public:
  // What stands on the disk of `voter` now.
  void Saw(const std::string& voter, const raft::HardState& state, Findings& findings);
  // `leader` leads in `term`; `voters` are what all voters have on their disks when that is first
  // seen. A majority has written down that it voted for it, or has gone on to a later term.
  void Elected(ControllerId leader, Term term, const std::vector<raft::HardState>& voters,
               Findings& findings);
  // The disk was replaced: whoever has the new one has promised nothing.
  void Forget(const std::string& voter) { known_.erase(voter); }

 private:
  std::map<std::string, raft::HardState> known_;
  std::set<Term> elected_;
};

}  // namespace weir::checker
