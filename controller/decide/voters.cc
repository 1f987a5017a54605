// SPDX-License-Identifier: Apache-2.0
// Who takes part in the quorum: one member comes, is promoted or goes at a time. The quorum itself
// refuses a change while an earlier one is not committed.
#include <algorithm>
#include <sstream>

#include "controller/decide/decisions.h"
#include "controller/decide/draft.h"

namespace weir::decide {
namespace {

std::string NameOf(const metadata::Voter& voter) {
  std::ostringstream out;
  out << "controller " << voter.id << " with directory " << voter.directory << " at "
      << voter.endpoint;
  return out.str();
}

Decision Write(const metadata::Image& tip, std::vector<metadata::Voter> voters) {
  std::ranges::sort(voters, {}, &metadata::Voter::id);
  Draft draft(tip);
  draft.Add(metadata::ToRecord(voters));
  return std::move(draft).Finish(Decided{});
}

}  // namespace

Decision Decide(const metadata::Image& tip, const AddLearner& command, Now) {
  metadata::Voter added = command.voter;
  added.is_learner = true;
  if (added.endpoint.empty()) {
    return RefuseDecision(ErrorCode::kInvalidRequest,
                          "a controller is added with the endpoint that its peers reach it at");
  }
  for (const metadata::Voter& voter : tip.voters) {
    if (voter.id == added.id && voter.directory == added.directory &&
        voter.endpoint == added.endpoint) {
      return {std::nullopt, Decided{}};
    }
    if (voter.id == added.id && voter.directory != added.directory) {
      return RefuseDecision(
          ErrorCode::kDuplicateVoter,
          NameOf(voter) + " is a member already: a wiped disk is another member; remove that one "
                          "first, then add this one");
    }
    if (voter.endpoint == added.endpoint && voter.id != added.id) {
      return RefuseDecision(ErrorCode::kDuplicateVoter, NameOf(voter) + " has this endpoint");
    }
  }
  std::vector<metadata::Voter> voters = tip.voters;
  auto known = std::ranges::find(voters, added.id, &metadata::Voter::id);
  if (known == voters.end()) {
    voters.push_back(std::move(added));
  } else {
    known->endpoint = added.endpoint;
  }
  return Write(tip, std::move(voters));
}

Decision Decide(const metadata::Image& tip, const PromoteLearner& command, Now) {
  std::vector<metadata::Voter> voters = tip.voters;
  for (metadata::Voter& voter : voters) {
    if (voter.id != command.id || voter.directory != command.directory) continue;
    if (!voter.is_learner) return {std::nullopt, Decided{}};
    voter.is_learner = false;
    return Write(tip, std::move(voters));
  }
  return RefuseDecision(ErrorCode::kVoterNotFound, "no such learner: it was removed meanwhile");
}

Decision Decide(const metadata::Image& tip, const RemoveVoter& command, Now) {
  std::vector<metadata::Voter> voters = tip.voters;
  auto leaving = std::ranges::find(voters, command.id, &metadata::Voter::id);
  std::ostringstream id;
  id << command.id;
  if (leaving == voters.end()) {
    return RefuseDecision(ErrorCode::kVoterNotFound,
                          "controller " + id.str() + " is not a member of the quorum");
  }
  if (command.directory && leaving->directory != *command.directory) {
    return RefuseDecision(ErrorCode::kVoterNotFound,
                          "controller " + id.str() + " has another directory: " +
                              NameOf(*leaving) + " is the member");
  }
  voters.erase(leaving);
  bool is_empty = std::ranges::all_of(voters, &metadata::Voter::is_learner);
  if (is_empty) {
    return RefuseDecision(ErrorCode::kInvalidRequest,
                          "controller " + id.str() +
                              " is the last voter: without it there would be no quorum; add "
                              "another one first");
  }
  return Write(tip, std::move(voters));
}

}  // namespace weir::decide
