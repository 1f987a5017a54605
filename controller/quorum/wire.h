// SPDX-License-Identifier: Apache-2.0
// Raft's messages as weir.raft.v1.Message: positions and payloads meet here.
#pragma once

#include <vector>

#include "common/base/bytes.h"
#include "common/base/error.h"
#include "common/host/network.h"
#include "controller/quorum/quorum_log.h"
#include "controller/quorum/voters_entry.h"
#include "controller/raft/messages.h"

namespace weir::quorum {

// A message with the entries that it speaks of.
struct WireMessage {
  ClusterId cluster;
  raft::Message message;
  std::vector<LogEntry> entries;
  // With a SnapshotOffer: where its sender is reached.
  host::Endpoint endpoint = {};
  // All that the entries bring: read by Decode, and not sent beside them.
  std::vector<Voter> voters = {};
};

Pieces Encode(const WireMessage& message);
// kInvalid if the bytes are not such a message, if its entries are not contiguous, or if they bring
// voters that cannot be read.
Result<WireMessage> Decode(const Bytes& bytes);

}  // namespace weir::quorum
