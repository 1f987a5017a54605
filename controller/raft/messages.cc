// SPDX-License-Identifier: Apache-2.0
#include "controller/raft/messages.h"

namespace weir::raft {
namespace {

void Print(std::ostream& out, const VoteRequest& request) {
  out << (request.pre_vote ? "PreVote?" : "Vote?") << " last " << request.last;
  if (request.leader_hands_over) out << " leader-hands-over";
  if (request.leader_lost) out << " leader-lost";
}

void Print(std::ostream& out, const VoteResponse& response) {
  out << (response.pre_vote ? "PreVote " : "Vote ") << (response.granted ? "granted" : "refused");
}

void Print(std::ostream& out, const AppendRequest& request) {
  out << "Append after " << request.previous;
  if (request.last > request.previous.index) {
    out << " entries " << request.previous.index + 1 << ".." << request.last << " terms";
    for (const auto& run : request.terms) out << ' ' << run.epoch << '@' << run.start;
    for (const auto& at : request.memberships) out << ' ' << at.membership << " at " << at.index;
  }
  out << " commit " << request.commit;
}

void Print(std::ostream& out, const AppendResponse& response) {
  if (response.rejected) {
    out << "Append rejected, hint " << response.hint;
  } else {
    out << "Append matches " << response.match;
  }
}

void Print(std::ostream& out, const TimeoutNow&) { out << "TimeoutNow"; }

void Print(std::ostream& out, const SnapshotOffer& offer) {
  out << "Snapshot offered, of " << offer.last;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const LogPosition& position) {
  return out << position.index << '/' << position.term;
}

std::ostream& operator<<(std::ostream& out, const HardState& state) {
  out << "term " << state.term << " vote ";
  return state.vote ? out << *state.vote : out << '-';
}

std::ostream& operator<<(std::ostream& out, const Message& message) {
  out << message.from << "->" << message.to << " term " << message.term << ' ';
  std::visit([&](const auto& body) { Print(out, body); }, message.body);
  return out;
}

}  // namespace weir::raft
