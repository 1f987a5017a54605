// SPDX-License-Identifier: Apache-2.0
#include "tests/checker/kept_promises.h"

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

}  // namespace weir::checker
