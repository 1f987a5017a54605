// SPDX-License-Identifier: Apache-2.0
#include "controller/raft/majority.h"

#include <glog/logging.h>

namespace weir::raft {

VoteResult CountVotes(size_t voters, size_t granted, size_t refused) {
  CHECK_GT(voters, 0u);
  CHECK_LE(granted + refused, voters);
  size_t needed = MajorityOf(voters);
  if (granted >= needed) return VoteResult::kWon;
  if (voters - refused < needed) return VoteResult::kLost;
  return VoteResult::kPending;
}

}  // namespace weir::raft
