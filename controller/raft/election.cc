// SPDX-License-Identifier: Apache-2.0
// Who leads: asking, voting, winning, handing over.
#include <glog/logging.h>

#include <algorithm>
#include <utility>

#include "common/base/planted_bug.h"
#include "controller/raft/majority.h"
#include "controller/raft/raft.h"

namespace weir::raft {

Instant Raft::RetryAt(Instant now) {
  return now + config_.timing.retry + Chance(config_.timing.election_jitter);
}

// Whether this voter still has a leader, in its own eyes. `they_lost_it`: who asks saw its stream
// from the leader break; if ours broke too, that is no accident of one connection.
bool Raft::HearsLeader(bool they_lost_it, Instant now) const {
  if (role() == RoleName::kLeader) return true;
  const auto* follower = std::get_if<Follower>(&role_);
  if (follower == nullptr || !follower->leader) return false;
  if (follower->leader_lost && they_lost_it) return false;
  return now < follower->last_heard + config_.timing.election_timeout;
}

void Raft::StartPreVote(bool leader_lost, Instant now) {
  Become(PreCandidate{
      .granted = {config_.self}, .leader_lost = leader_lost, .deadline = RetryAt(now)});
  for (const VoterId& voter : membership().voters) {
    if (voter == config_.self) continue;
    SendIn(hard_state_.term + 1, voter,
           VoteRequest{.pre_vote = true, .last = LastPosition(), .leader_lost = leader_lost});
  }
  CountPreVotes(now);
}

// Who is not a voter has no voice.
VoteResult Raft::Count(const std::set<VoterId>& granted, const std::set<VoterId>& refused) const {
  return CountVotes(membership().voters.size(), CountVoters(granted), CountVoters(refused));
}

void Raft::CountPreVotes(Instant now) {
  const auto& asking = std::get<PreCandidate>(role_);
  VoteResult result = Count(asking.granted, asking.refused);
  if (result == VoteResult::kWon) StartElection(false, asking.leader_lost, now);
  // A lost one waits for its deadline, as a pending one does.
}

void Raft::StartElection(bool leader_hands_over, bool leader_lost, Instant now) {
  SetHardState({hard_state_.term + 1, config_.self});
  Become(Candidate{.vote_saved_by = last_save_, .deadline = RetryAt(now)});
  // The requests need not wait for our own vote to be durable: it counts only once it is, and a
  // candidate that forgot this term ignores what it is granted in it.
  for (const VoterId& voter : membership().voters) {
    if (voter == config_.self) continue;
    Send(voter, VoteRequest{.last = LastPosition(),
                            .leader_hands_over = leader_hands_over,
                            .leader_lost = leader_lost});
  }
}

void Raft::CountOwnElection(Instant now) {
  const auto& candidate = std::get<Candidate>(role_);
  VoteResult result = Count(candidate.granted, candidate.refused);
  if (result == VoteResult::kWon) {
    BecomeLeader(now);
  } else if (result == VoteResult::kLost) {
    BecomeFollower(hard_state_.term, std::nullopt, now);
    std::get<Follower>(role_).deadline = RetryAt(now);
  }
}

void Raft::StepPreVoteRequest(const Message& message, const VoteRequest& request, Instant now) {
  bool grant = message.term > hard_state_.term &&
               (IsUpToDate(request.last) || PLANTED_BUG("raft: votes for who has less")) &&
               !HearsLeader(request.leader_lost, now);
  if (!grant) {
    Send(message.from, VoteResponse{.pre_vote = true, .granted = false});
    return;
  }
  SendIn(message.term, message.from, VoteResponse{.pre_vote = true, .granted = true});
  // Stand back for who asked first, lest two candidates split the vote. Of two that ask each other
  // at once, the one with the lower id stands back.
  if (auto* follower = std::get_if<Follower>(&role_)) {
    follower->deadline = std::max(follower->deadline, RetryAt(now));
  } else if (role() == RoleName::kPreCandidate && message.from > config_.self) {
    bool leader_lost = std::get<PreCandidate>(role_).leader_lost;
    BecomeFollower(hard_state_.term, std::nullopt, now);
    auto& waiting = std::get<Follower>(role_);
    waiting.leader_lost = leader_lost;
    waiting.deadline = RetryAt(now);
  }
}

void Raft::StepVoteRequest(const Message& message, const VoteRequest& request, Instant now) {
  CHECK_EQ(message.term, hard_state_.term);
  if (PLANTED_BUG("raft: votes for two in one term") && hard_state_.vote && !leader()) {
    hard_state_.vote.reset();
  }
  bool is_free = hard_state_.vote ? *hard_state_.vote == message.from : !leader().has_value();
  if (!is_free || (!IsUpToDate(request.last) && !PLANTED_BUG("raft: votes for who has less"))) {
    Send(message.from, VoteResponse{.pre_vote = false, .granted = false});
    return;
  }
  if (role() != RoleName::kFollower) BecomeFollower(hard_state_.term, std::nullopt, now);
  if (!hard_state_.vote) SetHardState({hard_state_.term, message.from});
  if (PLANTED_BUG("raft: a vote is told before it is saved")) {
    Send(message.from, VoteResponse{.pre_vote = false, .granted = true});
    return;
  }
  SendWhenSaved(message.from, VoteResponse{.pre_vote = false, .granted = true});
  std::get<Follower>(role_).deadline =
      now + config_.timing.election_timeout + Chance(config_.timing.election_jitter);
}

void Raft::StepVoteResponse(const VoterId& from, const VoteResponse& response, Instant now) {
  if (response.pre_vote) {
    auto* asking = std::get_if<PreCandidate>(&role_);
    if (asking == nullptr) return;
    // A voter that changes its mind counts as it says last.
    (response.granted ? asking->refused : asking->granted).erase(from);
    (response.granted ? asking->granted : asking->refused).insert(from);
    CountPreVotes(now);
    return;
  }
  auto* candidate = std::get_if<Candidate>(&role_);
  if (candidate == nullptr) return;
  if (candidate->granted.contains(from)) return;
  (response.granted ? candidate->granted : candidate->refused).insert(from);
  if (response.granted) candidate->refused.erase(from);
  CountOwnElection(now);
}

void Raft::StepTimeoutNow(const Message& message, Instant now) {
  if (leader() != message.from || !IsVoter()) return;
  StartElection(/*leader_hands_over=*/true, /*leader_lost=*/false, now);
}

void Raft::BecomeLeader(Instant now) {
  CHECK(role() == RoleName::kCandidate);
  Become(Leader{});
  FollowMembership(now);
  SendHeartbeats(now);
}

bool Raft::TransferLeadership(Instant now, std::optional<VoterId> successor) {
  CheckInput();
  auto* leader = std::get_if<Leader>(&role_);
  if (leader == nullptr) return false;
  if (leader->successor) return !successor || leader->successor == successor;
  // One that is streamed to is there for certain; one whose stream broke may be dead.
  auto fitness = [](const Progress& progress) {
    return std::pair(!progress.probing, progress.match);
  };
  const VoterId* furthest = nullptr;
  for (const auto& [id, progress] : leader->members) {
    bool is_alive = now < progress.last_heard + config_.timing.election_timeout;
    if (!is_alive || !membership().IsVoter(id) || (successor && id != *successor)) continue;
    if (furthest == nullptr || fitness(progress) > fitness(leader->members.at(*furthest))) {
      furthest = &id;
    }
  }
  if (furthest == nullptr) return false;
  leader->successor = *furthest;
  leader->transfer_deadline = now + config_.timing.election_timeout;
  TellSuccessor();
  CheckInvariants();
  return true;
}

// The voter that is furthest is to stand for election now.
void Raft::TellFurthest() {
  const auto& members = std::get<Leader>(role_).members;
  const VoterId* furthest = nullptr;
  for (const VoterId& id : membership().voters) {
    if (furthest == nullptr || members.at(id).match > members.at(*furthest).match) furthest = &id;
  }
  if (furthest != nullptr) Send(*furthest, TimeoutNow{});
}

// The successor may stand as soon as it has the whole log.
void Raft::TellSuccessor() {
  auto& leader = std::get<Leader>(role_);
  if (!leader.successor || leader.successor_told) return;
  if (leader.members.at(*leader.successor).match < last_) return;
  leader.successor_told = true;
  Send(*leader.successor, TimeoutNow{});
}

}  // namespace weir::raft
