// SPDX-License-Identifier: Apache-2.0
#include "tests/checker/kept_promises.h"

#include <algorithm>

namespace weir::checker {

void KeptPromises::Saw(const std::string& voter, const raft::HardState& state, Findings& findings) {
  auto [at, is_new] = known_.try_emplace(voter, state);
  raft::HardState& before = at->second;
  if (is_new || before == state) return;
  if (state.term < before.term) {
    findings.Add(voter, " was in term ", before.term, ", and its disk now says ", state.term);
  } else if (state.term == before.term && before.vote && state.vote != before.vote) {
    findings.Add(voter, " voted for controller ", before.vote->controller, " in term ", state.term,
                 ", and its disk now says ",
                 state.vote ? std::to_string(state.vote->controller.value()) : "nobody");
  }
  before = state;
}

void KeptPromises::Elected(ControllerId leader, Term term,
                           const std::vector<raft::HardState>& voters, Findings& findings) {
  if (!elected_.insert(term).second) return;
  auto promised =
      static_cast<size_t>(std::ranges::count_if(voters, [&](const raft::HardState& state) {
        return state.term > term ||
               (state.term == term && state.vote && state.vote->controller == leader);
      }));
  if (promised * 2 > voters.size()) return;
  findings.Add("controller ", leader, " leads in term ", term, ", and its votes are on ", promised,
               " of ", voters.size(), " voters' disks");
}

}  // namespace weir::checker
