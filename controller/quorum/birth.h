// SPDX-License-Identifier: Apache-2.0
// How a controller comes to have a cluster: it waits, until `weir cluster init` sends the founding
// snapshot (weir.raft.v1.Birth). No flag can found a second cluster on wiped disks.
//
// Lives on the host's strand. Outlived by its QuorumLog, and by the network that serves its
// methods.
#pragma once

#include <optional>
#include <string>

#include "common/host/network.h"
#include "controller/quorum/founding.h"
#include "controller/quorum/quorum_log.h"

namespace weir::quorum {

class Birth {
 public:
  struct Self {
    raft::VoterId id;
    // Where peers reach it: becomes its endpoint in the cluster's voters.
    host::Endpoint endpoint;
    std::string version;
  };
  // `found` runs once, on the strand: the cluster is on this disk (since long, or since now), and
  // the process may start its Quorum with what the log remembers.
  struct Found {
    ClusterId cluster;
    Remembered remembered;
    StoredSnapshot snapshot;
  };

  Birth(QuorumLog& log, Self self, Callback<void(Found)> found);

  // Loads the log. `done` hears a log that cannot be used; else it hears success, and `found`
  // follows now or later.
  void Start(Callback<void(Result<void>)> done);

  // Somebody has added this controller, which has no cluster yet, to the quorum of `cluster`: then
  // `found` runs at once, with no snapshot. False if it has a cluster, or is not ready.
  bool Join(ClusterId cluster);

  // weir.raft.v1.Birth, to be merged into what the process serves; may serve before Start.
  host::Methods Methods();

 private:
  void Loaded(Result<Remembered> remembered, Callback<void(Result<void>)> done);
  void Describe(host::Reply reply) const;
  void TakeFound(Bytes request, host::Reply reply);
  void Write(StoredSnapshot snapshot, Founding founding, host::Reply reply);
  void TellFound();

  QuorumLog& log_;
  const Self self_;
  Callback<void(Found)> found_;
  bool loaded_ = false;
  // A founding is being written: another one waits its turn by asking again.
  bool saving_ = false;
  Remembered remembered_;
  std::optional<StoredSnapshot> snapshot_;
  std::optional<Founding> founding_;
  Lifetime lifetime_;
};

}  // namespace weir::quorum
