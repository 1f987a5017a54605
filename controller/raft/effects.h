// SPDX-License-Identifier: Apache-2.0
// What the core asks of its driver after one input, in the order in which it is to be done.
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <vector>

#include "controller/raft/messages.h"

namespace weir::raft {

// Entries [first, last].
struct Range {
  LogIndex first;
  LogIndex last;
  bool operator==(const Range&) const = default;
};

// To be made durable in the order of the numbers; then Raft::Saved(number).
struct Save {
  uint64_t number = 0;
  std::optional<HardState> hard_state;
  std::optional<LogIndex> truncate_from;
  // The snapshot that ends here takes the place of the whole log.
  std::optional<LogPosition> install;
  // The entries just proposed, or carried by the message just stepped.
  std::optional<Range> append;
  bool operator==(const Save&) const = default;
};

enum class RoleName { kFollower, kPreCandidate, kCandidate, kLeader };

struct RoleChange {
  Term term;
  RoleName role = RoleName::kFollower;
  // Who leads this term, where it is known.
  std::optional<VoterId> leader;
  bool operator==(const RoleChange&) const = default;
};

// A snapshot to be fetched from `from`, and then given to Raft::InstallSnapshot. One that is being
// fetched already is not begun again.
struct Fetch {
  VoterId from;
  LogPosition last;
  bool operator==(const Fetch&) const = default;
};

// A read that was asked for may be answered from a state with all up to `index`.
struct ReadReady {
  uint64_t read = 0;
  LogIndex index;
  bool operator==(const ReadReady&) const = default;
};

struct Effects {
  std::optional<Save> save;
  // At once, beside the save.
  std::vector<Message> send;
  // They promise what this save, and those before it, make durable.
  std::vector<Message> send_when_saved;
  // All entries up to here are committed. They may not be saved here yet: others have them.
  std::optional<LogIndex> commit_to;
  std::optional<RoleChange> role;
  // Who takes part from now on.
  std::optional<Membership> membership;
  std::optional<Fetch> fetch;
  std::vector<ReadReady> reads;

  bool empty() const {
    return !save && send.empty() && send_when_saved.empty() && !commit_to && !role &&
           !membership && !fetch && reads.empty();
  }
};

std::ostream& operator<<(std::ostream& out, RoleName role);
std::ostream& operator<<(std::ostream& out, const Save& save);
std::ostream& operator<<(std::ostream& out, const RoleChange& change);
// One line for each effect.
std::ostream& operator<<(std::ostream& out, const Effects& effects);

}  // namespace weir::raft
