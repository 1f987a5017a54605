// SPDX-License-Identifier: Apache-2.0
#include "controller/quorum/wire.h"

#include <glog/logging.h>

#include <limits>
#include <string>
#include <utility>

#include "common/codec/message.h"
#include "proto/raft/raft.pb.h"

namespace weir::quorum {
namespace {

namespace proto = weir::raft::v1;

// No quorum counts that far in the life of the universe; a stranger might, to use all terms up.
constexpr int64_t kTermMax = int64_t{1} << 60;

void Fill(const raft::VoteRequest& from, const std::vector<LogEntry>&, proto::Message& to) {
  proto::VoteRequest& request = *to.mutable_vote_request();
  request.set_pre_vote(from.pre_vote);
  request.set_last_index(from.last.index.value());
  request.set_last_term(from.last.term.value());
  request.set_leader_hands_over(from.leader_hands_over);
  request.set_leader_lost(from.leader_lost);
}

void Fill(const raft::VoteResponse& from, const std::vector<LogEntry>&, proto::Message& to) {
  to.mutable_vote_response()->set_pre_vote(from.pre_vote);
  to.mutable_vote_response()->set_granted(from.granted);
}

void Fill(const raft::AppendRequest& from, const std::vector<LogEntry>& entries,
          proto::Message& to) {
  proto::AppendRequest& request = *to.mutable_append_request();
  request.set_previous_index(from.previous.index.value());
  request.set_previous_term(from.previous.term.value());
  request.set_commit(from.commit.value());
  request.set_round(from.round);
  CHECK_EQ(from.last - from.previous.index, static_cast<int64_t>(entries.size()));
  for (const LogEntry& entry : entries) {
    proto::Entry& added = *request.add_entries();
    added.set_index(entry.index.value());
    added.set_term(entry.term.value());
    added.set_payload(std::string(entry.payload.view()));
  }
}

void Fill(const raft::AppendResponse& from, const std::vector<LogEntry>&, proto::Message& to) {
  proto::AppendResponse& response = *to.mutable_append_response();
  response.set_match(from.match.value());
  response.set_rejected(from.rejected);
  response.set_hint_index(from.hint.index.value());
  response.set_hint_term(from.hint.term.value());
  response.set_round(from.round);
}

void Fill(const raft::TimeoutNow&, const std::vector<LogEntry>&, proto::Message& to) {
  to.mutable_timeout_now();
}

void Fill(const raft::SnapshotOffer& from, const std::vector<LogEntry>&, proto::Message& to) {
  proto::SnapshotOffer& offer = *to.mutable_snapshot_offer();
  offer.set_last_index(from.last.index.value());
  offer.set_last_term(from.last.term.value());
  offer.set_round(from.round);
}

raft::LogPosition Position(int64_t index, int64_t term) { return {LogIndex(index), Term(term)}; }

Result<raft::AppendRequest> ReadAppend(const proto::AppendRequest& from, WireMessage& to) {
  std::vector<LogEntry>& entries = to.entries;
  raft::AppendRequest request{.previous = Position(from.previous_index(), from.previous_term()),
                              .commit = LogIndex(from.commit()),
                              .round = from.round()};
  raft::LogPosition last = request.previous;
  for (const proto::Entry& entry : from.entries()) {
    bool has_next = last.index.value() < std::numeric_limits<int64_t>::max();
    bool follows = has_next && entry.index() == last.index.value() + 1 &&
                   entry.term() >= last.term.value();
    if (!follows) {
      return Fail(Error::Kind::kInvalid, "entry " + std::to_string(entry.index()) + " of term " +
                                             std::to_string(entry.term()) +
                                             " does not follow upon the one before it");
    }
    if (entries.empty() || entry.term() != last.term.value()) {
      request.terms.push_back({Term(entry.term()), LogIndex(entry.index())});
    }
    last = Position(entry.index(), entry.term());
    auto voters = VotersIn(entry.payload());
    if (!voters) return std::unexpected(voters.error());
    if (*voters) {
      request.memberships.push_back({last.index, MembershipOf(**voters)});
      to.voters.insert(to.voters.end(), (*voters)->begin(), (*voters)->end());
    }
    entries.push_back({last.index, last.term, Bytes::FromString(entry.payload())});
  }
  request.last = last.index;
  return request;
}

Result<void> ReadBody(const proto::Message& from, WireMessage& to) {
  switch (from.body_case()) {
    case proto::Message::kVoteRequest: {
      const proto::VoteRequest& request = from.vote_request();
      to.message.body =
          raft::VoteRequest{.pre_vote = request.pre_vote(),
                            .last = Position(request.last_index(), request.last_term()),
                            .leader_hands_over = request.leader_hands_over(),
                            .leader_lost = request.leader_lost()};
      return {};
    }
    case proto::Message::kVoteResponse:
      to.message.body = raft::VoteResponse{.pre_vote = from.vote_response().pre_vote(),
                                           .granted = from.vote_response().granted()};
      return {};
    case proto::Message::kAppendRequest: {
      auto request = ReadAppend(from.append_request(), to);
      if (!request) return std::unexpected(request.error());
      to.message.body = std::move(*request);
      return {};
    }
    case proto::Message::kAppendResponse: {
      const proto::AppendResponse& response = from.append_response();
      to.message.body =
          raft::AppendResponse{.rejected = response.rejected(),
                               .match = LogIndex(response.match()),
                               .hint = Position(response.hint_index(), response.hint_term()),
                               .round = response.round()};
      return {};
    }
    case proto::Message::kTimeoutNow:
      to.message.body = raft::TimeoutNow{};
      return {};
    case proto::Message::kSnapshotOffer: {
      const proto::SnapshotOffer& offer = from.snapshot_offer();
      to.message.body = raft::SnapshotOffer{Position(offer.last_index(), offer.last_term()),
                                            offer.round()};
      to.endpoint = offer.endpoint();
      return {};
    }
    case proto::Message::BODY_NOT_SET:
      break;
  }
  return Fail(Error::Kind::kInvalid, "a message between controllers of a kind that is not known");
}

}  // namespace

Pieces Encode(const WireMessage& message) {
  proto::Message to;
  to.set_cluster_id(message.cluster.ToBytes());
  to.set_from(message.message.from.controller.value());
  to.set_from_directory(message.message.from.directory.ToBytes());
  to.set_to(message.message.to.controller.value());
  to.set_to_directory(message.message.to.directory.ToBytes());
  to.set_term(message.message.term.value());
  std::visit([&](const auto& body) { Fill(body, message.entries, to); }, message.message.body);
  if (to.has_snapshot_offer()) to.mutable_snapshot_offer()->set_endpoint(message.endpoint);
  return {Bytes::FromString(to.SerializeAsString())};
}

Result<WireMessage> Decode(const Bytes& bytes) {
  proto::Message from;
  auto cluster = codec::ParseMessage(bytes.view(), &from) ? ClusterId::FromBytes(from.cluster_id())
                                                          : std::nullopt;
  auto from_directory = DirectoryId::FromBytes(from.from_directory());
  auto to_directory = DirectoryId::FromBytes(from.to_directory());
  if (!cluster || !from_directory || !to_directory) {
    return Fail(Error::Kind::kInvalid, "not a message between controllers");
  }
  if (from.term() < 0 || from.term() > kTermMax) {
    return Fail(Error::Kind::kInvalid, std::to_string(from.term()) + " is no term");
  }
  WireMessage to{.cluster = *cluster,
                 .message = {.from = {ControllerId(from.from()), *from_directory},
                             .to = {ControllerId(from.to()), *to_directory},
                             .term = Term(from.term()),
                             .body = raft::TimeoutNow{}}};
  auto read = ReadBody(from, to);
  if (!read) return std::unexpected(read.error());
  return to;
}

}  // namespace weir::quorum
