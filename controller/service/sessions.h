// SPDX-License-Identifier: Apache-2.0
// The storage nodes' sessions at the active controller: registers, pushes what commits, fences who
// is gone, and carries what nodes ask to the metadata machine. One strand.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>

#include "common/host/deadline_timer.h"
#include "common/host/host.h"
#include "controller/decide/liveness.h"
#include "controller/decide/metadata_machine.h"
#include "controller/service/active.h"
#include "proto/node/session.pb.h"

namespace weir::service {

inline constexpr char kSessionMethod[] = "/weir.node.v1.Sessions/Open";

class Sessions : public machine::MachineObserver<metadata::Image> {
 public:
  // `active` outlives this.
  Sessions(host::Host host, const ActiveController* active);
  ~Sessions() override;

  // Before the machine runs; it outlives this.
  void Serve(MetadataDriver* machine) { machine_ = machine; }

  host::StreamMethod Method();

  // An entry has committed; it is encoded once and pushed to every session.
  void OnPublished(const metadata::Image& before, const metadata::Image& after,
                   machine::Position position, const Bytes& entry) override;
  void OnRestored(const metadata::Image& before, const metadata::Image& after,
                  machine::Position position) override;
  // This controller decides from here on: known nodes get their reconnect window.
  void OnActive(int64_t epoch) override;
  // It does not any more: every session ends, and its nodes look for the one that does.
  void OnInactive() override;

  size_t size() const { return sessions_.size(); }

 private:
  class Session;

  // As it committed, and not as it was pushed: whoever leads next pushes it with a term of its own.
  struct Recent {
    machine::Position position;
    Bytes entry;
  };

  void Registered(const std::shared_ptr<Session>& session, const node::v1::Register& hello);
  void Register(const std::shared_ptr<Session>& session, decide::RegisterNode command,
                LogIndex applied);
  void Admitted(const std::shared_ptr<Session>& session, LogIndex applied, NodeEpoch epoch);
  bool HasSuffix(LogIndex index) const;
  void Heard(Session& session, const node::v1::Heartbeat& heartbeat);
  void ChangeIsr(const std::shared_ptr<Session>& session, const node::v1::ChangeIsr& change);
  void AllocateProducerIds(Session& session);
  void FailDirectory(Session& session, const node::v1::FailDirectory& failed);
  void StopNode(const std::shared_ptr<Session>& session);
  void EndRemoved(const metadata::Image& image);
  void Ended(Session& session);
  void Dismiss(uint64_t stranger);
  void CheckStops();
  void SetTimer();
  void TimeReached();
  void Fence(NodeId node);
  void FenceLater(NodeId node);
  void Ask(const decide::Command& command, MetadataDriver::Done done);
  // For what is asked of our own accord: a refusal is only logged.
  void Submit(const decide::Command& command, Callback<void()> then = {});

  host::Host host_;
  MetadataDriver* machine_ = nullptr;
  const ActiveController* const active_;
  std::optional<Term> term_;
  decide::Liveness liveness_;
  // The newest session of each node.
  std::map<NodeId, std::shared_ptr<Session>> sessions_;
  // By number: those that have not registered yet.
  std::map<uint64_t, std::weak_ptr<Session>> strangers_;
  uint64_t last_session_ = 0;
  // What committed last: a node that was away for a moment needs no snapshot.
  std::deque<Recent> recent_;
  size_t recent_bytes_ = 0;
  host::DeadlineTimer timer_;
  Lifetime lifetime_;
};

}  // namespace weir::service
