// SPDX-License-Identifier: Apache-2.0
// The log: probing, streaming, acknowledging, committing.
#include <glog/logging.h>

#include <algorithm>

#include "common/base/planted_bug.h"
#include "controller/raft/majority.h"
#include "controller/raft/raft.h"

namespace weir::raft {

std::optional<LogIndex> Raft::Propose(int64_t count, Instant now) {
  (void)now;
  CheckInput();
  CHECK_GT(count, 0);
  if (role() != RoleName::kLeader || is_transferring()) return std::nullopt;
  LogIndex first = AppendOwn(count);
  // The entries go out while our own disk writes them (10.2.1): we count ourselves when it has.
  for (auto& [id, progress] : std::get<Leader>(role_).members) SendAppends(id, progress);
  CheckInvariants();
  return first;
}

LogIndex Raft::AppendOwn(int64_t count) {
  LogIndex first = last_ + 1;
  terms_.Assign(hard_state_.term, first);
  last_ += count;
  OpenSave().append = Range{first, last_};
  pending_saves_.back().last = last_;
  return first;
}

std::optional<LogIndex> Raft::ProposeMembership(Membership membership, Instant now) {
  CheckInput();
  if (role() != RoleName::kLeader || is_transferring()) return std::nullopt;
  bool is_settled = (is_membership_committed() || PLANTED_BUG("raft: two voters change at once")) &&
                    TermAt(commit_) == hard_state_.term;
  if (!is_settled || membership.voters.empty()) return std::nullopt;
  if (VotersChanged(memberships_.latest(), membership) > 1) return std::nullopt;
  LogIndex index = AppendOwn(1);
  memberships_.Append({index, std::move(membership)});
  TellMembership();
  FollowMembership(now);
  for (auto& [id, progress] : std::get<Leader>(role_).members) SendAppends(id, progress);
  CheckInvariants();
  return index;
}

// A leader speaks with the members that are, from the moment they are.
void Raft::FollowMembership(Instant now) {
  auto& members = std::get<Leader>(role_).members;
  std::erase_if(members, [&](const auto& member) { return !membership().Has(member.first); });
  for (const auto* group : {&membership().voters, &membership().learners}) {
    for (const VoterId& id : *group) {
      if (id == config_.self || members.contains(id)) continue;
      members[id] = Progress{.match = LogIndex(0), .next = last_ + 1, .last_heard = now};
    }
  }
}

// A leader that is no longer a voter leads until that is committed (4.2.2).
bool Raft::IsRemoved() const { return !IsVoter() && is_membership_committed(); }

// The last position at or before `index` whose term is at most `term`; the log's begin if none.
LogPosition Raft::LastNotAfter(LogIndex index, Term term) const {
  index = std::min(index, last_);
  const auto& runs = terms_.runs();
  LogIndex end = last_ + 1;
  for (auto run = runs.rbegin(); run != runs.rend(); ++run) {
    if (run->epoch <= term && run->start <= index) {
      return {std::min(end - 1, index), run->epoch};
    }
    end = run->start;
  }
  return begin_;
}

// What a follower says of a log that it cannot follow upon `previous`: a whole term of conflict is
// skipped at a time, not one entry (5.3).
LogPosition Raft::HintFor(const LogPosition& previous) const {
  LogPosition hint = LastNotAfter(previous.index, previous.term);
  // All that is committed is equal in both logs.
  if (hint.index < commit_) return {commit_, *TermAt(commit_)};
  return hint;
}

void Raft::StepAppendRequest(const Message& message, const AppendRequest& request, Instant now) {
  CHECK_EQ(message.term, hard_state_.term);
  CHECK(role() != RoleName::kLeader) << "two leaders in term " << hard_state_.term << ": "
                                     << config_.self << " and " << message.from;
  BecomeFollower(message.term, message.from, now);
  if (request.previous.index < commit_) {
    // Old news: all of it up to our commit is here already.
    if (request.last <= commit_) {
      Send(message.from,
           AppendResponse{.match = std::min(commit_, saved_), .round = request.round});
      return;
    }
  } else if (TermAt(request.previous.index) != request.previous.term) {
    Send(message.from,
         AppendResponse{
             .rejected = true, .hint = HintFor(request.previous), .round = request.round});
    return;
  }
  TakeEntries(request);
  CommitTo(std::min(request.commit, request.last));
  AppendResponse response{.match = request.last, .round = request.round};
  // A heartbeat is answered at once, with what is durable, and does not wait behind a slow disk.
  bool is_heartbeat = request.last == request.previous.index;
  if (PLANTED_BUG("raft: entries are acknowledged before they are saved")) {
    Send(message.from, response);
  } else if (is_heartbeat && saved_hard_state_ == hard_state_) {
    response.match = std::min(request.last, saved_);
    Send(message.from, response);
  } else {
    SendWhenSaved(message.from, response);
  }
}

// Appends what is not here, after cutting what contradicts it.
void Raft::TakeEntries(const AppendRequest& request) {
  for (size_t i = 0; i < request.terms.size(); ++i) {
    const TermHistory::Run& run = request.terms[i];
    LogIndex run_last =
        i + 1 < request.terms.size() ? request.terms[i + 1].start - 1 : request.last;
    CHECK_LE(run.epoch, hard_state_.term) << "an entry from a term that is to come";
    LogIndex index = std::max(run.start, begin_.index);
    while (index <= run_last && TermAt(index) == run.epoch) ++index;
    if (index > run_last) continue;
    if (index <= last_) {
      CHECK_GT(index, commit_) << "a committed entry is contradicted by the leader of term "
                               << hard_state_.term;
      OpenSave().truncate_from = index;
      last_ = index - 1;
      terms_.TruncateTo(index);
      if (memberships_.TruncateFrom(index)) TellMembership();
      saved_ = std::min(saved_, last_);
      for (PendingSave& pending : pending_saves_) pending.last = std::min(pending.last, last_);
    }
    for (size_t j = i; j < request.terms.size(); ++j) {
      terms_.Assign(request.terms[j].epoch, std::max(request.terms[j].start, index));
    }
    OpenSave().append = Range{index, request.last};
    last_ = request.last;
    pending_saves_.back().last = last_;
    for (const MembershipAt& at : request.memberships) {
      if (at.index < index) continue;
      memberships_.Append(at);
      TellMembership();
    }
    return;
  }
}

// Where to look next for agreement with a log that may agree at `hint`; at or below the log's begin
// if that is further back than the log goes.
LogIndex Raft::NextAfter(const LogPosition& hint) const {
  bool is_before = hint.index < begin_.index || hint.term < begin_.term;
  return is_before ? begin_.index : LastNotAfter(hint.index, hint.term).index + 1;
}

void Raft::ProbeFrom(Progress& progress, LogIndex next) const {
  progress.Probe();
  progress.next = next;
  // What precedes the log can only be had as a snapshot.
  progress.needs_snapshot = next <= begin_.index;
  if (progress.needs_snapshot) progress.next = begin_.index + 1;
}

void Raft::StepAppendResponse(const VoterId& from, const AppendResponse& response, Instant now) {
  auto* leader = std::get_if<Leader>(&role_);
  if (leader == nullptr) return;
  auto found = leader->members.find(from);
  if (found == leader->members.end()) return;
  Progress& progress = found->second;
  progress.last_heard = std::max(progress.last_heard, now);
  progress.round = std::max(progress.round, response.round);
  ReleaseReads();
  if (response.rejected) {
    LogIndex next = std::max(progress.match + 1, NextAfter(response.hint));
    // A rejection that does not move the search back answers something overtaken.
    if (next < progress.next && !progress.needs_snapshot) ProbeFrom(progress, next);
  } else {
    CHECK_LE(response.match, last_) << from << " has more than its leader";
    bool still_needs = progress.needs_snapshot && response.match < begin_.index;
    if (still_needs) {
      progress.match = std::max(progress.match, response.match);
    } else {
      progress.needs_snapshot = false;
      if (progress.Matched(response.match)) AdvanceCommit();
    }
  }
  SendAppends(from, progress);
  TellSuccessor();
}

// The answer is a heartbeat's: whoever fetches a snapshot says so by fetching it.
void Raft::StepSnapshotOffer(const Message& message, const SnapshotOffer& offer, Instant now) {
  CHECK_EQ(message.term, hard_state_.term);
  CHECK(role() != RoleName::kLeader) << "two leaders in term " << hard_state_.term << ": "
                                     << config_.self << " and " << message.from;
  BecomeFollower(message.term, message.from, now);
  if (offer.last.index > commit_) effects_.fetch = Fetch{message.from, offer.last};
  Send(message.from, AppendResponse{.match = std::min(commit_, saved_), .round = offer.round});
}

bool Raft::InstallSnapshot(LogPosition last, Membership membership, Instant now) {
  (void)now;
  CheckInput();
  if (last.index <= commit_) return false;
  if (TermAt(last.index) == last.term) {
    // What is committed is in this log already: all before it is equal too.
    CommitTo(last.index);
    CheckInvariants();
    return false;
  }
  CHECK(role() != RoleName::kLeader) << "a leader has all that is committed";
  CHECK_LE(last.term, hard_state_.term) << "a snapshot from a term that is to come";
  OpenSave().install = last;
  for (PendingSave& pending : pending_saves_) pending.last = LogIndex(0);
  pending_saves_.back().last = last.index;
  begin_ = snapshot_ = last;
  last_ = commit_ = last.index;
  saved_ = LogIndex(0);
  terms_ = {};
  terms_.Assign(last.term, last.index);
  memberships_ = MembershipHistory({{last.index, std::move(membership)}});
  TellMembership();
  if (auto known = leader()) SendWhenSaved(*known, AppendResponse{.match = last.index});
  CheckInvariants();
  return true;
}

void Raft::Compacted(LogPosition snapshot, LogIndex begin) {
  CheckInput();
  CHECK_LE(snapshot.index, commit_);
  CHECK_LE(begin, snapshot.index);
  // A newer snapshot was installed meanwhile.
  if (snapshot.index <= snapshot_.index) return;
  CHECK(TermAt(snapshot.index) == snapshot.term);
  snapshot_ = snapshot;
  if (begin <= begin_.index) return;
  begin_ = {begin, *TermAt(begin)};
  terms_.DropBefore(begin);
  memberships_.DropBefore(begin);
  if (auto* leader = std::get_if<Leader>(&role_)) {
    for (auto& [id, progress] : leader->members) {
      if (progress.next <= begin_.index) ProbeFrom(progress, progress.next);
    }
  }
  CheckInvariants();
}

std::optional<uint64_t> Raft::Read(Instant now) {
  CheckInput();
  if (role() != RoleName::kLeader || TermAt(commit_) != hard_state_.term) return std::nullopt;
  // Whoever answers this round had no newer leader when the read had begun.
  SendHeartbeats(now);
  auto& leader = std::get<Leader>(role_);
  leader.reads.push_back({++last_read_, leader.round, commit_});
  ReleaseReads();
  CheckInvariants();
  return last_read_;
}

void Raft::ReleaseReads() {
  auto& leader = std::get<Leader>(role_);
  if (leader.reads.empty()) return;
  int64_t answered =
      ReachedByVoters(leader.round, [](const Progress& progress) { return progress.round; });
  while (!leader.reads.empty() && leader.reads.front().round <= answered) {
    effects_.reads.push_back({leader.reads.front().number, leader.reads.front().index});
    leader.reads.pop_front();
  }
}

void Raft::OfferSnapshot(const VoterId& to, Progress& progress) {
  progress.probe_sent = true;
  Send(to, SnapshotOffer{.last = snapshot_, .round = std::get<Leader>(role_).round});
}

void Raft::SendAppends(const VoterId& to, Progress& progress) {
  if (progress.needs_snapshot) {
    if (!progress.probe_sent) OfferSnapshot(to, progress);
    return;
  }
  if (progress.probing) {
    if (!progress.probe_sent && progress.next <= last_) {
      SendAppend(to, progress, std::min(last_, progress.next + config_.entries_per_append_max - 1));
      progress.probe_sent = true;
    }
    return;
  }
  while (progress.next <= last_ && progress.in_flight.size() < config_.in_flight_max) {
    LogIndex last = std::min(last_, progress.next + config_.entries_per_append_max - 1);
    SendAppend(to, progress, last);
    progress.in_flight.push_back(last);
    progress.next = last + 1;
  }
}

// Entries [progress.next, last]; none if last is before next.
void Raft::SendAppend(const VoterId& to, Progress& progress, LogIndex last) {
  AppendRequest request{.previous = {progress.next - 1, Term()},
                        .last = last,
                        .commit = commit_,
                        .round = std::get<Leader>(role_).round};
  request.previous.term = *TermAt(request.previous.index);
  for (const TermHistory::Run& run : terms_.runs()) {
    if (run.start > last) break;
    LogIndex start = std::max(run.start, progress.next);
    if (start > last) break;
    if (!request.terms.empty() && request.terms.back().start == start) request.terms.pop_back();
    request.terms.push_back({run.epoch, start});
  }
  request.memberships = memberships_.Within(progress.next, last);
  Send(to, std::move(request));
}

void Raft::SendHeartbeats(Instant now) {
  auto& leader = std::get<Leader>(role_);
  ++leader.round;
  leader.heartbeat_due = now + config_.timing.heartbeat;
  // Its answer also shows whether what was sent before has arrived.
  for (auto& [id, progress] : leader.members) {
    if (progress.needs_snapshot) {
      OfferSnapshot(id, progress);
    } else {
      SendAppend(id, progress, progress.next - 1);
    }
  }
}

// What a majority of the voters has reached; `self` is this one's own.
template <class T, class F>
T Raft::ReachedByVoters(T self, F of_progress) const {
  std::vector<T> reached;
  for (const VoterId& id : membership().voters) {
    reached.push_back(id == config_.self ? self
                                         : T(of_progress(std::get<Leader>(role_).members.at(id))));
  }
  return ReachedByMajority(std::move(reached));
}

// Only an entry of the own term is committed by counting; all before it follow (5.4.2).
void Raft::AdvanceCommit() {
  LogIndex index =
      ReachedByVoters(PLANTED_BUG("raft: a leader counts what it has not saved") ? last_ : saved_,
                      [](const Progress& progress) { return progress.match; });
  bool is_of_term =
      TermAt(index) == hard_state_.term || PLANTED_BUG("raft: an old term is committed by count");
  if (index > commit_ && is_of_term) CommitTo(index);
}

// When a majority will have been silent for an election timeout (6.2).
Instant Raft::QuorumLostAt() const {
  Instant heard = ReachedByVoters(Instant::Never(),
                                  [](const Progress& progress) { return progress.last_heard; });
  return heard == Instant::Never() ? heard : heard + config_.timing.election_timeout;
}

void Raft::LeaderTimeReached(Instant now) {
  auto& leader = std::get<Leader>(role_);
  if (IsRemoved() || now >= QuorumLostAt()) {
    // Who was furthest need not wait until the silence is noticed.
    if (IsRemoved()) TellFurthest();
    BecomeFollower(hard_state_.term, std::nullopt, now);
    return;
  }
  if (now >= leader.transfer_deadline) {
    leader.successor.reset();
    leader.successor_told = false;
    leader.transfer_deadline = Instant::Never();
  }
  if (now >= leader.heartbeat_due) SendHeartbeats(now);
}

}  // namespace weir::raft
