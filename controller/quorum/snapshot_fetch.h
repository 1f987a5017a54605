// SPDX-License-Identifier: Apache-2.0
// Fetches one snapshot from the leader that offers it, piece by piece: one piece is under way at a
// time, and after a break it goes on from where it was. Lives on the host's strand.
#pragma once

#include <string>

#include "common/host/host.h"
#include "controller/quorum/quorum_log.h"

namespace weir::quorum {

class SnapshotFetch {
 public:
  // `done` is called once, with the whole of it.
  SnapshotFetch(host::Host host, ClusterId cluster, raft::LogPosition last,
                Callback<void(StoredSnapshot)> done);

  const raft::LogPosition& last() const { return last_; }

  // It is offered there: begins, or goes on after a break. Nothing while a piece is under way.
  void Offered(const host::Endpoint& from);

 private:
  void Ask();
  void Took(host::CallStatus status, const Bytes& answer);

  host::Host host_;
  const ClusterId cluster_;
  const raft::LogPosition last_;
  Callback<void(StoredSnapshot)> done_;
  host::Endpoint from_;
  bool asking_ = false;
  std::string state_;
  Lifetime lifetime_;
};

}  // namespace weir::quorum
