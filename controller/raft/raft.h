// SPDX-License-Identifier: Apache-2.0
// Raft, as a pure state machine: events in, effects out. It holds positions, never entries; time is
// an argument, chance is a seed. After each input the driver takes the effects and carries them
// out. Section numbers are those of Ongaro's thesis. One thread at a time; a value that can be
// copied.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <variant>
#include <vector>

#include "common/base/time.h"
#include "controller/raft/effects.h"
#include "controller/raft/majority.h"
#include "controller/raft/membership.h"
#include "controller/raft/messages.h"
#include "controller/raft/progress.h"

namespace weir::raft {

struct Timing {
  Duration heartbeat = std::chrono::milliseconds(100);
  // A silent leader is given up after this, and up to `election_jitter` more.
  Duration election_timeout = std::chrono::milliseconds(600);
  Duration election_jitter = std::chrono::milliseconds(300);
  // A leader whose stream broke is given up after up to this.
  Duration lost_stagger = std::chrono::milliseconds(40);
  // An election that came to nothing is tried again after this, and up to `election_jitter` more.
  Duration retry = std::chrono::milliseconds(150);
};

struct Config {
  VoterId self;
  Timing timing;
  // Append messages under way to one member, and entries in each.
  size_t in_flight_max = 64;
  int64_t entries_per_append_max = 256;
  uint64_t seed = 0;
};

// Where a member begins: what it has saved. One that was added to a cluster begins with nothing:
// positions of 0, and no membership.
struct Origin {
  HardState hard_state;
  // The position that the log follows upon. Not after the snapshot's, and not needed by it: entries
  // that the snapshot covers are kept for members that are a little behind.
  LogPosition begin;
  // Where the newest snapshot ends: committed, with all before it.
  LogPosition snapshot;
  // Of `begin` and all entries after it.
  TermHistory terms;
  LogIndex last;
  // The one in force at `begin`, and those of entries after it.
  std::vector<MembershipAt> memberships;
};

class Raft {
 public:
  Raft(Config config, Origin origin, Instant now);

  // Inputs. Take the effects after each.
  void Step(const Message& message, Instant now);
  // Appends `count` entries of this term; returns the first one's index. Nothing if this voter does
  // not lead, or is handing over.
  std::optional<LogIndex> Propose(int64_t count, Instant now);
  // Appends the entry that brings `membership`; returns its index. Nothing where Propose would give
  // nothing, before an entry of this term is committed (Ongaro's correction of 2015), while an
  // earlier membership is not committed, and if more than one voter would come or go.
  std::optional<LogIndex> ProposeMembership(Membership membership, Instant now);
  // Asks from which index on a state is new enough to answer a read that begins now (6.4); the
  // effect ReadReady names it. Nothing if this voter does not lead, or has not yet committed an
  // entry of its term. Reads under way are forgotten when leadership is lost.
  std::optional<uint64_t> Read(Instant now);
  // The snapshot that was offered has been fetched. True: it takes the place of the log, and the
  // effects say to save it. False: the log holds as much already.
  bool InstallSnapshot(LogPosition last, Membership membership, Instant now);
  // A snapshot of what is committed up to `snapshot` is durable, and the log begins after `begin`,
  // which is at most that.
  void Compacted(LogPosition snapshot, LogIndex begin);
  // Save `number`, and all before it, is durable.
  void Saved(uint64_t number, Instant now);
  // The stream to or from `peer` broke: what was under way may be lost, and it may be dead.
  void PeerLost(const VoterId& peer, Instant now);
  void TimeReached(Instant now);
  // Hands leadership to `successor`, or to the voter that is furthest. False if there is nobody to
  // hand it to.
  bool TransferLeadership(Instant now, std::optional<VoterId> successor = std::nullopt);

  Effects TakeEffects();

  // When TimeReached is due.
  Instant NextDeadline() const;

  // What is now.
  RoleName role() const { return static_cast<RoleName>(role_.index()); }
  Term term() const { return hard_state_.term; }
  const HardState& hard_state() const { return hard_state_; }
  std::optional<VoterId> leader() const;
  LogIndex commit() const { return commit_; }
  LogIndex last() const { return last_; }
  LogIndex saved() const { return saved_; }
  const TermHistory& terms() const { return terms_; }
  LogPosition begin() const { return begin_; }
  LogPosition snapshot() const { return snapshot_; }
  std::optional<Term> TermAt(LogIndex index) const;
  bool is_transferring() const;
  // In force, and whether its entry is committed.
  const Membership& membership() const { return memberships_.latest(); }
  const MembershipHistory& memberships() const { return memberships_; }
  bool is_membership_committed() const { return memberships_.latest_index() <= commit_; }
  // Of the other members; null where this one does not lead.
  const std::map<VoterId, Progress>* progress() const;

 private:
  struct Follower {
    std::optional<VoterId> leader;
    Instant last_heard;
    // The stream from the leader broke since it was last heard.
    bool leader_lost = false;
    Instant deadline;
  };
  struct PreCandidate {
    std::set<VoterId> granted;
    std::set<VoterId> refused;
    bool leader_lost = false;
    Instant deadline;
  };
  struct Candidate {
    // Its own vote counts once it is durable.
    std::set<VoterId> granted;
    std::set<VoterId> refused;
    uint64_t vote_saved_by = 0;
    Instant deadline;
  };
  struct PendingRead {
    uint64_t number = 0;
    int64_t round = 0;
    LogIndex index;
  };
  struct Leader {
    // The other members'.
    std::map<VoterId, Progress> members;
    // Ascending by round.
    std::deque<PendingRead> reads;
    int64_t round = 0;
    Instant heartbeat_due;
    std::optional<VoterId> successor;
    bool successor_told = false;
    Instant transfer_deadline = Instant::Never();
  };
  // In the order of RoleName.
  using Role = std::variant<Follower, PreCandidate, Candidate, Leader>;

  struct PendingSave {
    uint64_t number = 0;
    LogIndex last;
    HardState hard_state;
  };

  // raft.cc
  void Become(Role role);
  void BecomeFollower(Term term, std::optional<VoterId> leader, Instant now);
  void Send(const VoterId& to, decltype(Message::body) body);
  void SendIn(Term term, const VoterId& to, decltype(Message::body) body);
  void SendWhenSaved(const VoterId& to, decltype(Message::body) body);
  Save& OpenSave();
  void SetHardState(HardState state);
  Duration Chance(Duration below);
  uint64_t NextRandom();
  LogPosition LastPosition() const;
  bool IsUpToDate(const LogPosition& theirs) const;
  void CommitTo(LogIndex index);
  void CheckInvariants() const;
  void CheckInput() const;
  void AnswerStale(const Message& message);
  bool TakeTerm(const Message& message, Instant now);
  bool IsVoter() const { return membership().IsVoter(config_.self); }
  // Whoever has the entry that removes it, and does not know it committed, may be the only one who
  // has it, and is needed to bring it to the others (4.2.2). Its own vote does not count.
  bool MayStand() const { return memberships_.MayVote(config_.self, commit_); }
  size_t CountVoters(const std::set<VoterId>& among) const;
  template <class T, class F>
  T ReachedByVoters(T self, F of_progress) const;
  void TellMembership() { effects_.membership = membership(); }

  // election.cc
  void StartPreVote(bool leader_lost, Instant now);
  void StartElection(bool leader_hands_over, bool leader_lost, Instant now);
  void StepVoteRequest(const Message& message, const VoteRequest& request, Instant now);
  void StepPreVoteRequest(const Message& message, const VoteRequest& request, Instant now);
  void StepVoteResponse(const VoterId& from, const VoteResponse& response, Instant now);
  void StepTimeoutNow(const Message& message, Instant now);
  VoteResult Count(const std::set<VoterId>& granted, const std::set<VoterId>& refused) const;
  void CountPreVotes(Instant now);
  void CountOwnElection(Instant now);
  bool HearsLeader(bool they_lost_it, Instant now) const;
  void BecomeLeader(Instant now);
  Instant RetryAt(Instant now);

  // replication.cc
  void StepAppendRequest(const Message& message, const AppendRequest& request, Instant now);
  void StepAppendResponse(const VoterId& from, const AppendResponse& response, Instant now);
  void TakeEntries(const AppendRequest& request);
  LogPosition HintFor(const LogPosition& previous) const;
  LogPosition LastNotAfter(LogIndex index, Term term) const;
  void SendAppends(const VoterId& to, Progress& progress);
  void SendAppend(const VoterId& to, Progress& progress, LogIndex last);
  void SendHeartbeats(Instant now);
  void StepSnapshotOffer(const Message& message, const SnapshotOffer& offer, Instant now);
  void OfferSnapshot(const VoterId& to, Progress& progress);
  void ProbeFrom(Progress& progress, LogIndex next) const;
  LogIndex NextAfter(const LogPosition& hint) const;
  LogIndex AppendOwn(int64_t count);
  void FollowMembership(Instant now);
  void TellFurthest();
  bool IsRemoved() const;
  void ReleaseReads();
  void AdvanceCommit();
  void TellSuccessor();
  Instant QuorumLostAt() const;
  void LeaderTimeReached(Instant now);

  const Config config_;
  HardState hard_state_;
  Role role_;

  LogPosition begin_;
  LogPosition snapshot_;
  TermHistory terms_;
  MembershipHistory memberships_;
  // Invariant: begin_ <= snapshot_.index <= commit_ <= last_, and saved_ <= last_.
  LogIndex last_;
  LogIndex saved_;
  LogIndex commit_;

  HardState saved_hard_state_;
  uint64_t last_save_ = 0;
  uint64_t last_read_ = 0;
  std::vector<PendingSave> pending_saves_;

  Effects effects_;
  std::optional<RoleChange> told_role_;
  uint64_t random_;
};

}  // namespace weir::raft
