// SPDX-License-Identifier: Apache-2.0
// Entries that change who takes part in the quorum. The quorum reads one record of the metadata
// log, and no other: the VotersRecord, which stands first in its entry. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "controller/raft/membership.h"
#include "proto/metadata/records.pb.h"

namespace weir::quorum {

struct Voter {
  raft::VoterId id;
  // "host:port", of the listener for peers.
  std::string endpoint;
  // It is sent the log, and does not vote yet.
  bool is_learner = false;
  bool operator==(const Voter&) const = default;
};

// Whether the first record of this serialized weir.metadata.v1.Entry is a VotersRecord. Looks at
// its first bytes alone; what is no entry at all brings no voters.
bool BringsVoters(std::string_view entry);

// kCorrupt if they cannot be told apart.
Result<std::vector<Voter>> ReadVoters(const metadata::v1::VotersRecord& record);

// The voters that an entry brings; nothing if it brings none. kCorrupt if it cannot be read.
Result<std::optional<std::vector<Voter>>> VotersIn(std::string_view entry);

raft::Membership MembershipOf(const std::vector<Voter>& voters);

}  // namespace weir::quorum
