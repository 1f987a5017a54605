// SPDX-License-Identifier: Apache-2.0
// One member of the metadata quorum: drives raft::Raft over a QuorumLog and a stream to each peer.
// It is the log behind the metadata machine. Who takes part is said by the snapshot, and by the
// entries after it that bring voters (voters_entry.h); Append recognises one.
//
// Lives on the host's strand. Everything a listener hears comes on that strand, never within a call
// to Append; it may append from there, but not destroy the quorum. Destroying it at any other
// moment is a crash: nothing that was promised is lost.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "common/host/host.h"
#include "common/machine/machine_log.h"
#include "controller/quorum/entry_cache.h"
#include "controller/quorum/founding.h"
#include "controller/quorum/peer.h"
#include "controller/quorum/quorum_log.h"
#include "controller/quorum/snapshot_fetch.h"
#include "controller/raft/raft.h"

namespace weir::quorum {

// When the log is shortened: a snapshot is taken after so many entries, or so many bytes but not
// fewer than the snapshot itself; members that are at most `kept_entries` behind need none.
struct Compaction {
  int64_t after_entries = 10'000;
  size_t after_bytes = size_t{16} << 20;
  int64_t kept_entries = 5'000;
};

struct QuorumConfig {
  ClusterId cluster;
  raft::VoterId self;
  raft::Timing timing;
  Compaction compaction;
  // Who takes part, as a snapshot of the machine's state says it.
  std::function<Result<std::vector<Voter>>(std::string_view snapshot)> voters_in = VotersInSnapshot;
  // Told now and then, where this voter leads, of a learner that has the whole log: it may be made
  // a voter.
  std::function<void(const Voter&)> caught_up;
  // Append is refused while so much was appended and is not committed.
  size_t waiting_entries_max = 4096;
  size_t waiting_bytes_max = size_t{64} << 20;
  Duration reconnect_min = std::chrono::milliseconds(20);
  Duration reconnect_max = std::chrono::milliseconds(250);
};

class Quorum final : public machine::MachineLog, private PeerEvents {
 public:
  struct Leader {
    ControllerId id;
    host::Endpoint endpoint;
    Term term;
  };
  struct VoterDescription {
    Voter voter;
    LogIndex match;
    // Since when the leader has not heard of it; zero for the leader.
    Duration silence{};
  };
  struct Description {
    std::optional<Leader> leader;
    Term term;
    LogIndex commit;
    LogIndex last;
    // Where the newest snapshot ends, and what the log follows upon.
    LogIndex snapshot;
    LogIndex begin;
    // An entry that brings voters is appended and not committed.
    bool is_changing = false;
    // Where this process does not lead, matches and silences are not known, and zero.
    std::vector<VoterDescription> voters;
  };

  // `failed` is told once if the log cannot be written or read any more: the process should stop,
  // for this voter does nothing from then on. All references outlive this.
  Quorum(host::Host host, QuorumLog& log, QuorumConfig config, machine::LogEvents& events,
         Callback<void(Error)> failed);
  ~Quorum() override;
  Quorum(const Quorum&) = delete;
  Quorum& operator=(const Quorum&) = delete;

  // Begins with what the log remembers: OnSnapshot is told first, then what commits after it. A
  // snapshot that ends at 0 is none: this controller was asked to join, and waits for one.
  void Start(Remembered remembered, StoredSnapshot snapshot);

  std::optional<int64_t> Append(int64_t epoch, Bytes entry) override;

  // Who leads, as far as this voter knows; this process itself too.
  std::optional<Leader> leader() const;
  bool is_leader() const;
  LogIndex commit() const { return delivered_; }
  Description Describe() const;
  // Of an entry that this voter has, saved or not; nothing for one that it lacks or has compacted.
  std::optional<Term> TermAt(LogIndex index) const;

  // Calls back once everything is told that was committed, by whomever, when this was called: then
  // what the machine knows is new enough to answer who asked. False: this voter does not lead, or
  // not any more.
  void AwaitReadable(Callback<void(bool)> done);

  // Hands leadership to `successor`, or to the voter that is furthest. `done` hears whether this
  // process no longer leads: at once if it did not, and at the latest after an election timeout.
  void TransferLeadership(Callback<void(bool)> done,
                          std::optional<raft::VoterId> successor = std::nullopt);

  // Committed entries from `from` on, up to `max_bytes` of payload but at least one; none when
  // there are none yet. Refused with kNotFound if the log begins after `from`.
  void ReadEntries(LogIndex from, size_t max_bytes,
                   Callback<void(Result<std::vector<LogEntry>>)> done);

  // A peer has opened a stream to this voter, or asks for a piece of a snapshot (PeerService).
  std::shared_ptr<host::StreamEvents> Accept(std::shared_ptr<host::Stream> stream);
  void ServeSnapshot(const Bytes& request, host::Reply reply);

 private:
  class Incoming;
  struct PendingSave {
    LogWrite write;
    uint64_t number = 0;
    std::vector<raft::Message> then_send;
  };
  // What the listener has still to be told, in order.
  struct TellSnapshot {
    StoredSnapshot snapshot;
  };
  struct TellRole {
    std::optional<Term> leading;
  };
  struct TellCommitted {
    LogIndex to;
  };
  using Notice = std::variant<TellSnapshot, TellRole, TellCommitted>;

  void OnPeerLost(const raft::VoterId& peer, bool incoming) override;
  void OnAnswer(const Bytes& message) override;
  host::Endpoint OwnEndpoint() const override { return EndpointOf(config_.self); }
  void ReadForPeer(LogIndex from, LogIndex to,
                   Callback<void(Result<std::vector<LogEntry>>)> done) override;
  std::optional<std::vector<LogEntry>> FindForPeer(LogIndex from, LogIndex to) override;

  // Why a message is not for this voter, if it is not.
  std::optional<host::CallStatus> Judge(const WireMessage& message) const;
  void Take(WireMessage message);
  // Members (members.cc).
  void Learn(const std::vector<Voter>& voters);
  // Empty where it is not known.
  host::Endpoint EndpointOf(const raft::VoterId& id) const;
  void FollowMembership();
  void AnswerStranger(const raft::Message& message);
  void TellCaughtUp();

  // Snapshots (snapshots.cc).
  void MaybeTakeSnapshot();
  void WriteSnapshot();
  void SnapshotSaved(raft::LogPosition last, LogIndex begin, Result<void> saved);
  void Reply(const StoredSnapshot& snapshot, size_t offset, host::Reply& reply);
  void Fetch(const raft::Fetch& fetch);
  void Fetched(StoredSnapshot snapshot);

  // Reads (reads.cc).
  void StartRead();
  void ReleaseReads();
  void FailReads();
  Instant Now() const { return host_.clock.Now(); }
  Result<std::vector<raft::MembershipAt>> Memberships(const Remembered& remembered,
                                                      const StoredSnapshot& snapshot);
  std::optional<LogIndex> Gather(Bytes entry);
  void ProposeGathered();
  std::optional<LogIndex> ProposeVoters(const Bytes& entry);
  void CarryOut(std::vector<LogEntry> payloads);
  void QueueSave(const raft::Save& save, std::vector<LogEntry> payloads);
  void StartSave();
  void SaveDone(Result<void> saved);
  void Send(const std::vector<raft::Message>& messages);
  void ChangeRole(const raft::RoleChange& change);
  void Tell(Notice notice);
  void Deliver();
  bool DeliverCommitted(LogIndex to);
  void DeliverOne(const LogEntry& entry);
  void SetTimer();
  void FinishTransfer();
  void Fail(Error error);

  host::Host host_;
  QuorumLog& log_;
  const QuorumConfig config_;
  machine::LogEvents& events_;
  Callback<void(Error)> failed_;

  std::optional<raft::Raft> raft_;
  // Where members, and whoever was one, are reached; and who offered a snapshot last, of whom
  // nothing else may be known yet.
  std::map<raft::VoterId, Voter> known_;
  std::optional<Voter> stranger_;
  std::map<raft::VoterId, std::unique_ptr<Peer>> peers_;
  // The newest stream that each has opened.
  std::map<raft::VoterId, Incoming*> incoming_;
  Instant caught_up_told_;
  EntryCache cache_;
  bool stopped_ = false;

  // Appended in this turn of the strand, and not proposed yet.
  std::vector<LogEntry> gathered_;
  // What is being written, and what gathers behind it for the next synced write.
  std::optional<PendingSave> saving_;
  PendingSave gathering_;
  bool save_posted_ = false;

  // The listener has been told of all up to here.
  LogIndex delivered_;
  std::deque<Notice> notices_;
  bool delivering_ = false;

  // What was told since the last snapshot was begun.
  int64_t entries_since_snapshot_ = 0;
  size_t bytes_since_snapshot_ = 0;
  size_t snapshot_size_ = 0;
  // A snapshot that is being written down.
  struct Writing {
    raft::LogPosition last;
    std::unique_ptr<machine::SnapshotSource> source;
    Pieces pieces;
  };
  std::optional<Writing> writing_;
  // The one that was fetched last by a peer; forgotten when nobody asks any more.
  std::optional<StoredSnapshot> served_;
  host::Strand::TimerId served_timer_ = 0;
  std::unique_ptr<SnapshotFetch> fetch_;
  // Given to the core, and not yet put into a write.
  std::optional<StoredSnapshot> installing_;

  struct WaitingRead {
    // Which read of the core it waits for; 0: not begun.
    uint64_t number = 0;
    // Once that is known: what must be told before the answer.
    std::optional<LogIndex> index;
    Callback<void(bool)> done;
  };
  std::deque<WaitingRead> reads_;
  bool read_posted_ = false;

  // How an incoming stream finds this voter, while it lives.
  std::shared_ptr<Quorum*> address_ = std::make_shared<Quorum*>(this);
  // The term in which this voter leads; the listener is told in its turn.
  std::optional<Term> leading_;

  // Appended by this leader and not yet committed.
  struct Waiting {
    LogIndex index;
    size_t bytes;
  };
  std::deque<Waiting> waiting_;
  size_t waiting_bytes_ = 0;

  host::Strand::TimerId timer_ = 0;
  Instant timer_at_ = Instant::Never();
  std::vector<Callback<void(bool)>> transfers_;
  host::Strand::TimerId transfer_timer_ = 0;
  Lifetime lifetime_;
};

// weir.raft.v1.Peers: exists from the start of the process, so that the port can be opened before
// there is a cluster. Until Serve, and after Serve(nullptr), streams end with UNAVAILABLE.
class PeerService {
 public:
  // Asked when the leader of `cluster` speaks to this very controller and disk, which has no
  // cluster: somebody has added it. Answers the quorum that it is a member of from now on, or null.
  using Join = std::function<Quorum*(ClusterId cluster)>;

  host::Methods Methods();
  void Serve(Quorum* quorum) { quorum_ = quorum; }
  void AwaitInvitation(raft::VoterId self, Join join);

 private:
  class Uninvited;

  Quorum* Invited(const Bytes& message);

  Quorum* quorum_ = nullptr;
  raft::VoterId self_;
  Join join_;
  // How a waiting stream finds this, while it lives.
  std::shared_ptr<PeerService*> address_ = std::make_shared<PeerService*>(this);
};

}  // namespace weir::quorum
