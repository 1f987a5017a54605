// SPDX-License-Identifier: Apache-2.0
#include "controller/raft/effects.h"

namespace weir::raft {

std::ostream& operator<<(std::ostream& out, RoleName role) {
  switch (role) {
    case RoleName::kFollower:
      return out << "follower";
    case RoleName::kPreCandidate:
      return out << "pre-candidate";
    case RoleName::kCandidate:
      return out << "candidate";
    case RoleName::kLeader:
      return out << "leader";
  }
  return out;
}

std::ostream& operator<<(std::ostream& out, const Save& save) {
  out << "save";
  if (save.hard_state) out << ' ' << *save.hard_state;
  if (save.truncate_from) out << " truncate from " << *save.truncate_from;
  if (save.install) out << " install " << *save.install;
  if (save.append) out << " append " << save.append->first << ".." << save.append->last;
  return out;
}

std::ostream& operator<<(std::ostream& out, const RoleChange& change) {
  out << change.role << " in term " << change.term;
  if (change.leader) out << ", leader " << *change.leader;
  return out;
}

std::ostream& operator<<(std::ostream& out, const Effects& effects) {
  if (effects.role) out << *effects.role << '\n';
  if (effects.save) out << *effects.save << '\n';
  for (const Message& message : effects.send) out << "send " << message << '\n';
  for (const Message& message : effects.send_when_saved) {
    out << "send when saved " << message << '\n';
  }
  if (effects.commit_to) out << "commit to " << *effects.commit_to << '\n';
  if (effects.membership) out << "members are " << *effects.membership << '\n';
  if (effects.fetch) {
    out << "fetch snapshot " << effects.fetch->last << " from " << effects.fetch->from << '\n';
  }
  for (const ReadReady& ready : effects.reads) {
    out << "read " << ready.read << " sees all up to " << ready.index << '\n';
  }
  return out;
}

}  // namespace weir::raft
