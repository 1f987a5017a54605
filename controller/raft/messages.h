// SPDX-License-Identifier: Apache-2.0
// What voters say to each other: plain values, which hold positions of entries and never the
// entries. Section numbers are those of Ongaro's thesis.
#pragma once

#include <optional>
#include <ostream>
#include <variant>
#include <vector>

#include "common/base/ids.h"
#include "common/collections/epoch_history.h"
#include "controller/raft/membership.h"

namespace weir::raft {

// What a voter must never forget.
struct HardState {
  Term term;
  std::optional<VoterId> vote;
  bool operator==(const HardState&) const = default;
};

// Which term wrote which run of the log.
using TermHistory = EpochHistory<Term, LogIndex>;

struct LogPosition {
  LogIndex index;
  Term term;
  bool operator==(const LogPosition&) const = default;
};

struct VoteRequest {
  // Asks whether it could win, without a new term (9.6).
  bool pre_vote = false;
  LogPosition last;
  // The leader asked for this election: a voter that still hears it may grant.
  bool leader_hands_over = false;
  // The candidate's stream from the leader broke: a voter that lost it too grants at once.
  bool leader_lost = false;
  bool operator==(const VoteRequest&) const = default;
};

struct VoteResponse {
  bool pre_vote = false;
  bool granted = false;
  bool operator==(const VoteResponse&) const = default;
};

// Entries (previous.index, last] by their terms, in runs; none: a heartbeat.
struct AppendRequest {
  LogPosition previous;
  LogIndex last;
  std::vector<TermHistory::Run> terms;
  // Those that these entries bring.
  std::vector<MembershipAt> memberships;
  LogIndex commit;
  // Grows with each round of heartbeats.
  int64_t round = 0;
  bool operator==(const AppendRequest&) const = default;
};

struct AppendResponse {
  bool rejected = false;
  // Accepted: the logs are equal, and on disk, up to here.
  LogIndex match;
  // Rejected: the highest position at which the logs may still be equal.
  LogPosition hint;
  int64_t round = 0;
  bool operator==(const AppendResponse&) const = default;
};

// What the receiver lacks is no longer in the leader's log: it may fetch the snapshot that ends at
// `last`. Repeated with each round of heartbeats, and a heartbeat itself; answered as one.
struct SnapshotOffer {
  LogPosition last;
  int64_t round = 0;
  bool operator==(const SnapshotOffer&) const = default;
};

// The leader hands over: stand for election now (3.10).
struct TimeoutNow {
  bool operator==(const TimeoutNow&) const = default;
};

struct Message {
  VoterId from;
  VoterId to;
  // The sender's; of a pre-vote, and of its grant, the term that is asked about.
  Term term;
  std::variant<VoteRequest, VoteResponse, AppendRequest, AppendResponse, TimeoutNow, SnapshotOffer>
      body;
  bool operator==(const Message&) const = default;
};

std::ostream& operator<<(std::ostream& out, const LogPosition& position);
std::ostream& operator<<(std::ostream& out, const HardState& state);
std::ostream& operator<<(std::ostream& out, const Message& message);

}  // namespace weir::raft
