// SPDX-License-Identifier: Apache-2.0
// A storage node's session with the active controller: it finds the controller, registers, folds
// what is pushed into the image, and carries what the node asks. A broken session is opened again,
// with the next controller or the one that the last named; the image stands meanwhile.
//
// One strand. Events never come within a call.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/base/error_code.h"
#include "common/base/ids.h"
#include "common/host/host.h"
#include "common/metadata/image.h"
#include "proto/node/session.pb.h"

namespace weir::session {

struct SessionConfig {
  NodeId node;
  // Nil on a node that never joined a cluster: the first session tells.
  ClusterId cluster;
  Incarnation incarnation;
  // The epoch that a clean stop left behind; 0 otherwise.
  NodeEpoch previous_epoch;
  std::vector<host::Endpoint> controllers;
  std::string rack;
  std::vector<DirectoryId> directories;
  std::string version;
};

class SessionEvents {
 public:
  virtual ~SessionEvents() = default;
  // A session is open, with this epoch; what was asked in an earlier one may be lost.
  virtual void OnRegistered(NodeEpoch epoch) = 0;
  // The image moved, by one entry or by a snapshot.
  virtual void OnImage(const metadata::Image& before, const metadata::Image& after) = 0;
  virtual void OnIsrRefused(PartitionId partition, PartitionEpoch epoch,
                            const Refusal& refusal) = 0;
  // A stop in order is complete.
  virtual void OnMayStop() = 0;
  // This node cannot be part of the cluster: another one has its id, or the cluster is another.
  virtual void OnRefused(const Refusal& refusal) = 0;
};

class Session {
 public:
  Session(host::Host host, SessionConfig config, SessionEvents* events);
  ~Session();

  // Begins to look for the active controller, and tells it where this node listens.
  void Start(std::vector<metadata::v1::Listener> listeners);
  // Ends the session for good; no events come after.
  void Close();

  const metadata::Image& image() const;
  // kNoNodeEpoch until registered.
  NodeEpoch epoch() const;
  // Where the controller of the open session answers; empty while there is none.
  host::Endpoint active_controller() const;
  std::vector<host::Endpoint> controllers() const;

  // Says with every heartbeat whether the node's replicas are open and it wants to serve.
  void SetReady(bool ready);
  // Sent if a session is open, otherwise dropped: whoever asks asks again after OnRegistered.
  void ChangeIsr(node::v1::ChangeIsr change);
  void AllocateProducerIds();
  // Said again, on this session and later ones, until the image has it.
  void FailDirectory(const DirectoryId& directory);
  // Asks to be relieved of its leaderships; repeated on a new session until OnMayStop.
  void Stop();

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace weir::session
