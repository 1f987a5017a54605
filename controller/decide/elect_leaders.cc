// SPDX-License-Identifier: Apache-2.0
// Elections that somebody asked for: of preferred replicas, or of whoever is there.
#include "controller/decide/decisions.h"
#include "controller/decide/draft.h"
#include "controller/decide/move.h"
#include "controller/decide/partitions.h"

namespace weir::decide {
namespace {

using metadata::Partition;
using Election = LeadersElected::Election;

Election Left(const PartitionName& name, const Partition& partition, ErrorCode code,
              std::string message) {
  return {name, code, partition.leader, false, std::move(message)};
}

Election ElectPreferred(Draft& draft, const PartitionName& name, const PartitionId& id,
                        const Partition& known) {
  NodeId preferred = known.replicas.front().node;
  std::string node = "node " + std::to_string(preferred.value());
  if (known.leader == preferred) {
    return Left(name, known, ErrorCode::kElectionNotNeeded, node + " leads it already");
  }
  Partition elected = ElectPreferred(known, RulesFor(draft.image(), id, known));
  if (elected.leader != preferred) {
    std::string why = known.IsInSync(preferred) ? " is not active, or is draining"
                                                : " is not in sync: wait until it has caught up";
    return Left(name, known, ErrorCode::kPreferredLeaderNotAvailable,
                "the preferred replica on " + node + why);
  }
  draft.Change(id, std::move(elected));
  return {name, ErrorCode::kNone, preferred, false, ""};
}

// Who has all that was committed, and is not there.
std::string WhoHadAll(const Partition& partition) {
  std::vector<NodeId> nodes = partition.isr;
  nodes.insert(nodes.end(), partition.eligible_leaders.begin(), partition.eligible_leaders.end());
  if (nodes.empty()) return "";
  return "; the nodes " + ListOf(nodes) + " have all of it, and will cut it off when they return";
}

Election ElectUncleanly(Draft& draft, const PartitionName& name, const PartitionId& id,
                        const Partition& known) {
  if (known.leader != kNoNode) {
    return Left(name, known, ErrorCode::kElectionNotNeeded,
                "node " + std::to_string(known.leader.value()) + " leads it");
  }
  ElectionRules rules = RulesFor(draft.image(), id, known);
  rules.may_be_unclean = true;
  Partition elected = Elect(known, rules);
  if (elected.leader == kNoNode) {
    return Left(name, known, ErrorCode::kEligibleLeadersNotAvailable,
                "none of the nodes " + ListOf(known.replicas) +
                    " is active with the replica's directory: start one of them");
  }
  Election election{name, ErrorCode::kNone, elected.leader, elected.recovering, ""};
  if (elected.recovering) {
    election.message = "UNCLEAN: node " + std::to_string(elected.leader.value()) +
                       " was not in sync; what it lacks of what was acknowledged is lost" +
                       WhoHadAll(known);
  }
  draft.Change(id, Rehomed(draft.image(), id, std::move(elected)));
  return election;
}

}  // namespace

Decision Decide(const metadata::Image& tip, const ElectLeaders& command, Now) {
  if (auto fits = CheckNamed(command.partitions); !fits) {
    return {std::nullopt, std::unexpected(fits.error())};
  }
  Draft draft(tip);
  LeadersElected outcome;
  for (const PartitionName& name : command.partitions) {
    auto id = Find(tip, name);
    if (!id) {
      outcome.elections.push_back(
          {name, id.error().code, kNoNode, false, std::move(id.error().message)});
      continue;
    }
    const Partition known = *draft.image().partitions.Find(*id);
    outcome.elections.push_back(command.unclean ? ElectUncleanly(draft, name, *id, known)
                                                : ElectPreferred(draft, name, *id, known));
  }
  return std::move(draft).Finish(std::move(outcome));
}

Decision Decide(const metadata::Image& tip, const BalanceLeaders& command, Now) {
  Draft draft(tip);
  for (const PartitionId& id : command.partitions) {
    const Partition* known = draft.image().partitions.Find(id);
    if (!known || known->leader == kNoNode) continue;
    if (draft.is_full()) return std::move(draft).Finish(DecidedInPart{});
    draft.Change(id, ElectPreferred(*known, RulesFor(draft.image(), id, *known)));
  }
  return std::move(draft).Finish(Decided{});
}

}  // namespace weir::decide
