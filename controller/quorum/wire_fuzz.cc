// SPDX-License-Identifier: Apache-2.0
// Any bytes as a message between controllers.
#include <glog/logging.h>

#include "controller/quorum/wire.h"
#include "tests/fuzz/target.h"

namespace weir::fuzz {
namespace {

using quorum::LogEntry;
using quorum::WireMessage;

std::string Wired(decltype(raft::Message::body) body, std::vector<LogEntry> entries = {}) {
  raft::VoterId one{ControllerId(1), DirectoryId(Uuid::FromRandom(1, 1))};
  raft::VoterId two{ControllerId(2), DirectoryId(Uuid::FromRandom(2, 2))};
  return Join(quorum::Encode({ClusterId(Uuid::FromRandom(5, 5)),
                              {one, two, Term(7), std::move(body)},
                              std::move(entries)}))
      .ToString();
}

std::string WiredAppend() {
  raft::AppendRequest request;
  request.previous = {LogIndex(4), Term(3)};
  request.commit = LogIndex(6);
  request.terms = {{Term(3), LogIndex(5)}, {Term(7), LogIndex(6)}};
  request.last = LogIndex(6);
  return Wired(request, {{LogIndex(5), Term(3), Bytes::FromString("some payload")},
                         {LogIndex(6), Term(7), Bytes::FromString("")}});
}

// A field that nobody knows, which says that it has much more than there is.
std::string HugeUnknown() { return Wired(raft::TimeoutNow{}) + "\x8a\x7d\xff\xff\xff\x7f" + "few"; }

// What is understood is written down again, and understood as the same.
void Feed(std::string_view bytes) {
  auto message = quorum::Decode(Bytes::FromString(std::string(bytes)));
  if (!message) return;
  auto again = quorum::Decode(Join(quorum::Encode(*message)));
  CHECK(again) << again.error();
  CHECK(again->message == message->message) << message->message;
  CHECK(again->entries == message->entries);
}

}  // namespace

Target MakeTarget() {
  raft::LogPosition position{LogIndex(4), Term(3)};
  return {.seeds = {Wired(raft::VoteRequest{.pre_vote = true, .last = position}),
                    Wired(raft::VoteResponse{.pre_vote = true, .granted = true}), WiredAppend(),
                    Wired(raft::AppendResponse{.rejected = true, .hint = position, .round = 3}),
                    Wired(raft::TimeoutNow{}), HugeUnknown()},
          .feed = Feed,
          // An empty entry is 2 bytes on the wire.
          .bytes_per_byte_max = 400};
}

}  // namespace weir::fuzz
