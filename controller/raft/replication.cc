// SPDX-License-Identifier: Apache-2.0
// The log: probing, streaming, acknowledging, committing.
#include <glog/logging.h>

#include <algorithm>

#include "controller/raft/majority.h"
#include "controller/raft/raft.h"

namespace weir::raft {

std::optional<LogIndex> Raft::Propose(int64_t count, Instant now) {
  (void)now;
  CheckInput();
  CHECK_GT(count, 0);
  if (role() != RoleName::kLeader || is_transferring()) return std::nullopt;
  LogIndex first = last_ + 1;
  terms_.Assign(hard_state_.term, first);
  last_ += count;
  OpenSave().append = Range{first, last_};
  pending_saves_.back().last = last_;
  // The entries go out while our own disk writes them (10.2.1): we count ourselves when it has.
  for (auto& [id, progress] : std::get<Leader>(role_).voters) SendAppends(id, progress);
  CheckInvariants();
  return first;
}

// The last position at or before `index` whose term is at most `term`; the snapshot's if none.
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
  return snapshot_;
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
  if (is_heartbeat && saved_hard_state_ == hard_state_) {
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
    LogIndex index = std::max(run.start, snapshot_.index);
    while (index <= run_last && TermAt(index) == run.epoch) ++index;
    if (index > run_last) continue;
    if (index <= last_) {
      CHECK_GT(index, commit_) << "a committed entry is contradicted by the leader of term "
                               << hard_state_.term;
      OpenSave().truncate_from = index;
      last_ = index - 1;
      terms_.TruncateTo(index);
      saved_ = std::min(saved_, last_);
      for (PendingSave& pending : pending_saves_) pending.last = std::min(pending.last, last_);
    }
    for (size_t j = i; j < request.terms.size(); ++j) {
      terms_.Assign(request.terms[j].epoch, std::max(request.terms[j].start, index));
    }
    OpenSave().append = Range{index, request.last};
    last_ = request.last;
    pending_saves_.back().last = last_;
    return;
  }
}

void Raft::StepAppendResponse(const VoterId& from, const AppendResponse& response, Instant now) {
  auto* leader = std::get_if<Leader>(&role_);
  if (leader == nullptr) return;
  Progress& progress = leader->voters.at(from);
  progress.last_heard = std::max(progress.last_heard, now);
  progress.round = std::max(progress.round, response.round);
  if (response.rejected) {
    LogPosition agreed = LastNotAfter(response.hint.index, response.hint.term);
    LogIndex next = std::max(progress.match + 1, agreed.index + 1);
    // A rejection that does not move the search back answers something overtaken.
    if (next < progress.next) {
      progress.Probe();
      progress.next = next;
    }
  } else {
    CHECK_LE(response.match, last_) << from << " has more than its leader";
    if (progress.Matched(response.match)) AdvanceCommit();
  }
  SendAppends(from, progress);
  TellSuccessor();
}

void Raft::SendAppends(const VoterId& to, Progress& progress) {
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
  Send(to, std::move(request));
}

void Raft::SendHeartbeats(Instant now) {
  auto& leader = std::get<Leader>(role_);
  ++leader.round;
  leader.heartbeat_due = now + config_.timing.heartbeat;
  // Its answer also shows whether what was sent before has arrived.
  for (auto& [id, progress] : leader.voters) SendAppend(id, progress, progress.next - 1);
}

// Only an entry of the own term is committed by counting; all before it follow (5.4.2).
void Raft::AdvanceCommit() {
  std::vector<LogIndex> reached{saved_};
  for (const auto& [id, progress] : std::get<Leader>(role_).voters) {
    reached.push_back(progress.match);
  }
  LogIndex index = ReachedByMajority(std::move(reached));
  if (index > commit_ && TermAt(index) == hard_state_.term) CommitTo(index);
}

// When a majority will have been silent for an election timeout (6.2).
Instant Raft::QuorumLostAt() const {
  if (config_.voters.size() == 1) return Instant::Never();
  std::vector<Instant> heard{Instant::Never()};
  for (const auto& [id, progress] : std::get<Leader>(role_).voters) {
    heard.push_back(progress.last_heard);
  }
  return ReachedByMajority(std::move(heard)) + config_.timing.election_timeout;
}

void Raft::LeaderTimeReached(Instant now) {
  auto& leader = std::get<Leader>(role_);
  if (now >= QuorumLostAt()) {
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
