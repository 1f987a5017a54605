// SPDX-License-Identifier: Apache-2.0
#include "controller/raft/raft.h"

#include <glog/logging.h>

#include <algorithm>
#include <type_traits>
#include <utility>

namespace weir::raft {

Raft::Raft(Config config, Origin origin, Instant now)
    : config_(std::move(config)),
      hard_state_(origin.hard_state),
      role_(Follower{}),
      begin_(origin.begin),
      snapshot_(origin.snapshot),
      terms_(std::move(origin.terms)),
      memberships_(std::move(origin.memberships)),
      last_(origin.last),
      saved_(origin.last),
      commit_(origin.snapshot.index),
      random_(config_.seed) {
  CHECK(begin_.index <= snapshot_.index) << "there is a gap between the snapshot and the log";
  CHECK(last_ >= snapshot_.index) << "the log ends before its snapshot";
  if (terms_.runs().empty()) terms_.Assign(begin_.term, begin_.index);
  CHECK_EQ(terms_.runs().front().start, begin_.index);
  CHECK(TermAt(snapshot_.index) == snapshot_.term) << "the log is not the one of its snapshot";
  // A voter that was given a log has seen its terms, and has voted in none of them.
  Term seen = *terms_.latest();
  if (hard_state_.term < seen) hard_state_ = {seen, std::nullopt};
  saved_hard_state_ = hard_state_;
  // There may be a leader that will be heard at once; if not, nobody gains by a long wait.
  role_ = Follower{
      .leader = std::nullopt,
      .last_heard = now - config_.timing.election_timeout,
      .deadline = now + (membership().voters.size() == 1
                             ? Duration::zero()
                             : Chance(config_.timing.election_jitter))};
  told_role_ = RoleChange{hard_state_.term, RoleName::kFollower, std::nullopt};
  CheckInvariants();
}

void Raft::Step(const Message& message, Instant now) {
  CheckInput();
  // What is said to another disk is not ours to keep. Who says it may be a member that this one has
  // not heard of yet: requests are taken from anybody, answers are counted of members alone (4.1).
  if (message.to != config_.self || message.from == config_.self) return;
  if (const auto* request = std::get_if<VoteRequest>(&message.body);
      request != nullptr && request->pre_vote) {
    StepPreVoteRequest(message, *request, now);
  } else if (TakeTerm(message, now)) {
    std::visit(
        [&](const auto& body) {
          using Body = std::decay_t<decltype(body)>;
          if constexpr (std::is_same_v<Body, VoteRequest>) StepVoteRequest(message, body, now);
          if constexpr (std::is_same_v<Body, VoteResponse>)
            StepVoteResponse(message.from, body, now);
          if constexpr (std::is_same_v<Body, AppendRequest>) StepAppendRequest(message, body, now);
          if constexpr (std::is_same_v<Body, AppendResponse>)
            StepAppendResponse(message.from, body, now);
          if constexpr (std::is_same_v<Body, TimeoutNow>) StepTimeoutNow(message, now);
          if constexpr (std::is_same_v<Body, SnapshotOffer>) StepSnapshotOffer(message, body, now);
        },
        message.body);
  }
  CheckInvariants();
}

// Brings this voter to the message's term, or the message to nothing. True if it is to be stepped.
bool Raft::TakeTerm(const Message& message, Instant now) {
  if (message.term < hard_state_.term) {
    AnswerStale(message);
    return false;
  }
  const auto* vote = std::get_if<VoteResponse>(&message.body);
  // A granted pre-vote speaks of a term that nobody has entered yet.
  if (vote != nullptr && vote->pre_vote && vote->granted) return true;
  if (message.term == hard_state_.term) return true;
  if (const auto* request = std::get_if<VoteRequest>(&message.body)) {
    // Whoever hears a leader does not help to depose it (4.2.3), unless the leader asked for it.
    if (!request->leader_hands_over && HearsLeader(request->leader_lost, now)) return false;
  }
  bool leads = std::holds_alternative<AppendRequest>(message.body) ||
               std::holds_alternative<SnapshotOffer>(message.body);
  BecomeFollower(message.term, leads ? std::optional(message.from) : std::nullopt, now);
  return true;
}

// A voter of an older term learns of ours. Without an answer, a leader that came back from a cut
// would never hear why nobody obeys it.
void Raft::AnswerStale(const Message& message) {
  if (const auto* request = std::get_if<AppendRequest>(&message.body)) {
    Send(message.from,
         AppendResponse{
             .rejected = true, .hint = {commit_, *TermAt(commit_)}, .round = request->round});
  } else if (std::holds_alternative<SnapshotOffer>(message.body)) {
    Send(message.from, AppendResponse{.rejected = true, .hint = {commit_, *TermAt(commit_)}});
  } else if (std::holds_alternative<VoteRequest>(message.body)) {
    Send(message.from, VoteResponse{.pre_vote = false, .granted = false});
  }
}

void Raft::Saved(uint64_t number, Instant now) {
  CheckInput();
  CHECK(number <= last_save_) << "save " << number << " was never asked for";
  auto after = std::ranges::upper_bound(pending_saves_, number, {}, &PendingSave::number);
  if (after != pending_saves_.begin()) {
    saved_ = std::prev(after)->last;
    saved_hard_state_ = std::prev(after)->hard_state;
    pending_saves_.erase(pending_saves_.begin(), after);
  }
  if (auto* candidate = std::get_if<Candidate>(&role_);
      candidate != nullptr && candidate->vote_saved_by <= number) {
    candidate->granted.insert(config_.self);
    CountOwnElection(now);
  } else if (role() == RoleName::kLeader) {
    AdvanceCommit();
  }
  CheckInvariants();
}

void Raft::PeerLost(const VoterId& peer, Instant now) {
  CheckInput();
  if (auto* follower = std::get_if<Follower>(&role_)) {
    if (follower->leader == peer && !follower->leader_lost) {
      follower->leader_lost = true;
      follower->deadline = std::min(follower->deadline, now + Chance(config_.timing.lost_stagger));
    }
  } else if (auto* leader = std::get_if<Leader>(&role_)) {
    auto found = leader->members.find(peer);
    if (found != leader->members.end()) ProbeFrom(found->second, found->second.match + 1);
  }
  CheckInvariants();
}

void Raft::TimeReached(Instant now) {
  CheckInput();
  if (now < NextDeadline()) return;
  if (role() != RoleName::kLeader && !MayStand()) {
    // Whoever is not asked does not stand.
    BecomeFollower(hard_state_.term, std::nullopt, now);
    CheckInvariants();
    return;
  }
  if (const auto* follower = std::get_if<Follower>(&role_)) {
    StartPreVote(follower->leader_lost, now);
  } else if (const auto* asking = std::get_if<PreCandidate>(&role_)) {
    StartPreVote(asking->leader_lost, now);
  } else if (role() == RoleName::kCandidate) {
    StartPreVote(false, now);
  } else {
    LeaderTimeReached(now);
  }
  CheckInvariants();
}

Instant Raft::NextDeadline() const {
  if (const auto* leader = std::get_if<Leader>(&role_)) {
    // At once; as an input of its own, so that the commit of the removal is told first.
    if (IsRemoved()) return Instant();
    return std::min({leader->heartbeat_due, QuorumLostAt(), leader->transfer_deadline});
  }
  if (const auto* follower = std::get_if<Follower>(&role_)) return follower->deadline;
  if (const auto* asking = std::get_if<PreCandidate>(&role_)) return asking->deadline;
  return std::get<Candidate>(role_).deadline;
}

Effects Raft::TakeEffects() {
  RoleChange now{hard_state_.term, role(), leader()};
  if (told_role_ != now) {
    told_role_ = now;
    effects_.role = now;
  }
  return std::exchange(effects_, {});
}

std::optional<VoterId> Raft::leader() const {
  if (role() == RoleName::kLeader) return config_.self;
  if (const auto* follower = std::get_if<Follower>(&role_)) return follower->leader;
  return std::nullopt;
}

std::optional<Term> Raft::TermAt(LogIndex index) const {
  if (index < begin_.index || index > last_) return std::nullopt;
  return terms_.EpochAt(index);
}

bool Raft::is_transferring() const {
  const auto* leader = std::get_if<Leader>(&role_);
  return leader != nullptr && leader->successor.has_value();
}

const std::map<VoterId, Progress>* Raft::progress() const {
  const auto* leader = std::get_if<Leader>(&role_);
  return leader == nullptr ? nullptr : &leader->members;
}

// How many of them are voters.
size_t Raft::CountVoters(const std::set<VoterId>& among) const {
  return static_cast<size_t>(
      std::ranges::count_if(among, [&](const VoterId& id) { return membership().IsVoter(id); }));
}

void Raft::Become(Role role) { role_ = std::move(role); }

void Raft::BecomeFollower(Term term, std::optional<VoterId> leader, Instant now) {
  CHECK(term >= hard_state_.term) << "terms never fall";
  if (term > hard_state_.term) SetHardState({term, std::nullopt});
  Become(Follower{
      .leader = leader,
      .last_heard = now,
      .deadline = now + config_.timing.election_timeout + Chance(config_.timing.election_jitter)});
}

void Raft::Send(const VoterId& to, decltype(Message::body) body) {
  SendIn(hard_state_.term, to, std::move(body));
}

void Raft::SendIn(Term term, const VoterId& to, decltype(Message::body) body) {
  effects_.send.push_back({config_.self, to, term, std::move(body)});
}

void Raft::SendWhenSaved(const VoterId& to, decltype(Message::body) body) {
  effects_.send_when_saved.push_back({config_.self, to, hard_state_.term, std::move(body)});
}

// The save that this input asks for; one input asks for one.
Save& Raft::OpenSave() {
  if (!effects_.save) {
    effects_.save = Save{.number = ++last_save_};
    pending_saves_.push_back({last_save_, last_, hard_state_});
  }
  return *effects_.save;
}

void Raft::SetHardState(HardState state) {
  CHECK(state.term >= hard_state_.term);
  hard_state_ = state;
  OpenSave().hard_state = state;
  pending_saves_.back().hard_state = state;
}

uint64_t Raft::NextRandom() {
  // SplitMix64.
  uint64_t z = (random_ += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

Duration Raft::Chance(Duration below) {
  if (below <= Duration::zero()) return Duration::zero();
  return Duration(static_cast<int64_t>(NextRandom() % static_cast<uint64_t>(below.count())));
}

LogPosition Raft::LastPosition() const { return {last_, *TermAt(last_)}; }

// Whether a log that ends at `theirs` holds all that this one may have acknowledged (5.4.1).
bool Raft::IsUpToDate(const LogPosition& theirs) const {
  LogPosition ours = LastPosition();
  if (theirs.term != ours.term) return theirs.term > ours.term;
  return theirs.index >= ours.index;
}

void Raft::CommitTo(LogIndex index) {
  if (index <= commit_) return;
  CHECK(index <= last_);
  commit_ = index;
  effects_.commit_to = index;
}

void Raft::CheckInput() const {
  CHECK(effects_.empty()) << "the effects of the last input were not taken:\n" << effects_;
}

void Raft::CheckInvariants() const {
  CHECK_LE(begin_.index, snapshot_.index);
  CHECK_LE(snapshot_.index, commit_);
  CHECK_LE(memberships_.latest_index(), last_);
  CHECK_LE(commit_, last_);
  CHECK_LE(saved_, last_);
  CHECK(terms_.latest() && *terms_.latest() <= hard_state_.term);
  CHECK_LE(terms_.runs().back().start, last_);
  if (const auto* leader = std::get_if<Leader>(&role_)) {
    CHECK(hard_state_.vote == config_.self) << "a leader has voted for itself";
    CHECK_EQ(leader->members.size(),
             membership().size() - (membership().Has(config_.self) ? 1 : 0));
    for (const auto& [id, progress] : leader->members) {
      CHECK(membership().Has(id)) << id;
      CHECK_GT(progress.next, begin_.index) << id;
      CHECK_LT(progress.match, progress.next) << id;
      CHECK_LE(progress.next, last_ + 1) << id;
      CHECK_LE(progress.in_flight.size(), config_.in_flight_max) << id;
      CHECK(!progress.probing || progress.in_flight.empty()) << id;
    }
  }
}

}  // namespace weir::raft
