// SPDX-License-Identifier: Apache-2.0
// This voter's stream to one other voter: it sends in order, and reconnects for ever. What is lost
// when a stream ends stays lost: Raft sends it again.
#pragma once

#include <deque>
#include <memory>

#include "common/host/host.h"
#include "controller/quorum/founding.h"
#include "controller/quorum/wire.h"

namespace weir::quorum {

// What a Peer needs of the voter it belongs to.
class PeerEvents {
 public:
  virtual ~PeerEvents() = default;
  // The stream to this peer has ended, or the one from it (incoming).
  virtual void OnPeerLost(const raft::VoterId& peer, bool incoming) = 0;
  // This peer does not know this voter as a member yet, and answers on the stream that it was asked
  // on.
  virtual void OnAnswer(const Bytes& message) = 0;
  // Where this voter itself is reached.
  virtual host::Endpoint OwnEndpoint() const = 0;
  // Entries [from, to], or the first of them, out of memory or from the log.
  virtual void ReadForPeer(LogIndex from, LogIndex to,
                           Callback<void(Result<std::vector<LogEntry>>)> done) = 0;
  virtual std::optional<std::vector<LogEntry>> FindForPeer(LogIndex from, LogIndex to) = 0;
};

class Peer {
 public:
  Peer(host::Host host, ClusterId cluster, Voter voter, Duration backoff_min, Duration backoff_max,
       PeerEvents& events);
  ~Peer();

  // Dropped if no stream is open, or if too much waits.
  void Send(raft::Message message);

  const host::Endpoint& endpoint() const { return voter_.endpoint; }

 private:
  class Outgoing;

  void Connect();
  void Ended(const host::CallStatus& status);
  bool Join(const raft::Message& message);
  void Pump();
  bool SendFront();
  std::optional<std::vector<LogEntry>> TakeEntries(const raft::AppendRequest& request);
  void ReadFront(const raft::AppendRequest& request);
  void DropFront(LogIndex first);

  host::Host host_;
  const ClusterId cluster_;
  const Voter voter_;
  const Duration backoff_min_;
  const Duration backoff_max_;
  PeerEvents& events_;

  std::shared_ptr<Outgoing> events_of_stream_;
  std::shared_ptr<host::Stream> stream_;
  Instant connected_at_;
  Duration backoff_;
  host::Strand::TimerId timer_ = 0;

  std::deque<raft::Message> queue_;
  bool pump_posted_ = false;
  // Entries for the front of the queue are being read from the log, or were.
  bool reading_ = false;
  std::vector<LogEntry> read_;
  Lifetime lifetime_;
};

}  // namespace weir::quorum
