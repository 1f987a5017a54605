// SPDX-License-Identifier: Apache-2.0
// One voter of the metadata quorum: drives raft::Raft over a QuorumLog and a stream to each peer.
// It is the log behind the metadata machine.
//
// Lives on the host's strand. Everything a listener hears comes on that strand, never within a call
// to Append; it may append from there, but not destroy the quorum. Destroying it at any other
// moment is a crash: nothing that was promised is lost.
#pragma once

#include <deque>
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
#include "controller/raft/raft.h"

namespace weir::quorum {

struct QuorumConfig {
  ClusterId cluster;
  raft::VoterId self;
  std::vector<Voter> voters;
  raft::Timing timing;
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

  // Begins with what the log remembers: OnSnapshot is told first, then what commits after it.
  void Start(Remembered remembered, StoredSnapshot snapshot);

  std::optional<int64_t> Append(int64_t epoch, Bytes entry) override;

  // Who leads, as far as this voter knows; this process itself too.
  std::optional<Leader> leader() const;
  bool is_leader() const;
  LogIndex commit() const { return delivered_; }
  Description Describe() const;

  // Hands leadership to the voter that is furthest; for a clean stop. `done` hears whether this
  // process no longer leads: at once if it did not, and at the latest after an election timeout.
  void TransferLeadership(Callback<void(bool)> done);

  // Committed entries from `from` on, up to `max_bytes` of payload but at least one; none when
  // there are none yet. Refused with kNotFound if the snapshot has swallowed `from`.
  void ReadEntries(LogIndex from, size_t max_bytes,
                   Callback<void(Result<std::vector<LogEntry>>)> done);

  // A peer has opened a stream to this voter (see PeerService).
  std::shared_ptr<host::StreamEvents> Accept(std::shared_ptr<host::Stream> stream);

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
  void ReadForPeer(LogIndex from, LogIndex to,
                   Callback<void(Result<std::vector<LogEntry>>)> done) override;
  std::optional<std::vector<LogEntry>> FindForPeer(LogIndex from, LogIndex to) override;

  // Why a message is not for this voter, if it is not.
  std::optional<host::CallStatus> Judge(const WireMessage& message) const;
  void Take(WireMessage message);
  Instant Now() const { return host_.clock.Now(); }
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
  std::map<raft::VoterId, std::unique_ptr<Peer>> peers_;
  EntryCache cache_;
  bool stopped_ = false;

  // What is being written, and what gathers behind it for the next synced write.
  std::optional<PendingSave> saving_;
  PendingSave gathering_;
  bool save_posted_ = false;

  // The listener has been told of all up to here.
  LogIndex delivered_;
  LogIndex snapshot_;
  std::deque<Notice> notices_;
  bool delivering_ = false;
  // How an incoming stream finds this voter, while it lives.
  std::shared_ptr<Quorum*> address_ = std::make_shared<Quorum*>(this);
  uint64_t incoming_streams_ = 0;

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
  host::Methods Methods();
  void Serve(Quorum* quorum) { quorum_ = quorum; }

 private:
  Quorum* quorum_ = nullptr;
};

}  // namespace weir::quorum
