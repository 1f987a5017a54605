// SPDX-License-Identifier: Apache-2.0
// The first snapshot of a cluster, and what `weir cluster init` does with what it finds. Pure.
#pragma once

#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/base/ids.h"
#include "common/base/time.h"
#include "controller/quorum/voters_entry.h"
#include "controller/raft/messages.h"
#include "proto/raft/raft.pb.h"

namespace weir::quorum {

// Where every cluster's log begins: the entry that its founding snapshot stands for.
inline constexpr raft::LogPosition kFoundingPosition{LogIndex(1), Term(1)};

// Who a snapshot says the cluster is.
struct Founding {
  ClusterId cluster;
  std::vector<Voter> voters;
};

// The serialized weir.metadata.v1.Snapshot that founds a cluster.
std::string MakeFoundingSnapshot(ClusterId cluster, const std::vector<Voter>& voters, WallTime now);

// Reads the cluster and its voters, learners too, out of any serialized weir.metadata.v1.Snapshot.
Result<Founding> ParseFounding(std::string_view snapshot);

// The voters, and learners, of any serialized weir.metadata.v1.Snapshot.
Result<std::vector<Voter>> VotersInSnapshot(std::string_view snapshot);

// What to send to whom.
struct InitPlan {
  ClusterId cluster;
  std::string snapshot;
  // Positions in the list of answers: these controllers are to be sent Found. None: nothing to do.
  std::vector<size_t> found;
  // Some controllers have the cluster already: a half-done founding is being completed.
  bool completes = false;
};

// Judges what all controllers answered to Describe. `fresh` becomes the cluster's id if there is
// none yet. Refused (kInvalid) with words for a person: two clusters, one id twice, a stranger.
Result<InitPlan> PlanInit(const std::vector<weir::raft::v1::DescribeResponse>& answers,
                          ClusterId fresh, WallTime now);

}  // namespace weir::quorum
