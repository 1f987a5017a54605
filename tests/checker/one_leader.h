// SPDX-License-Identifier: Apache-2.0
// One leader at most: in a term of the quorum, and in a leader epoch of a partition. Pure.
#pragma once

#include <map>
#include <utility>

#include "common/base/ids.h"
#include "tests/checker/findings.h"

namespace weir::checker {

class OneLeaderPerTerm {
 public:
  // `controller` leads in `term`.
  void Saw(Term term, ControllerId controller, Findings& findings) {
    auto [known, is_new] = leaders_.try_emplace(term, controller);
    if (is_new || known->second == controller) return;
    findings.Add("term ", term, " has two leaders: controllers ", known->second, " and ",
                 controller);
  }

 private:
  std::map<Term, ControllerId> leaders_;
};

class OneLeaderPerEpoch {
 public:
  // `node` leads `partition` in `epoch`.
  void Saw(const PartitionId& partition, LeaderEpoch epoch, NodeId node, Findings& findings) {
    auto [known, is_new] = leaders_.try_emplace({partition, epoch}, node);
    if (is_new || known->second == node) return;
    findings.Add("partition ", partition, " has two leaders in epoch ", epoch, ": nodes ",
                 known->second, " and ", node);
  }

 private:
  std::map<std::pair<PartitionId, LeaderEpoch>, NodeId> leaders_;
};

}  // namespace weir::checker
