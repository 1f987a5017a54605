// SPDX-License-Identifier: Apache-2.0
#include "controller/raft/membership.h"

namespace weir::raft {

std::ostream& operator<<(std::ostream& out, const VoterId& voter) {
  return out << voter.controller;
}

std::ostream& operator<<(std::ostream& out, const Membership& membership) {
  out << "voters";
  for (const VoterId& voter : membership.voters) out << ' ' << voter;
  if (!membership.learners.empty()) out << " learners";
  for (const VoterId& learner : membership.learners) out << ' ' << learner;
  return out;
}

}  // namespace weir::raft
