// SPDX-License-Identifier: Apache-2.0
#include "controller/quorum/wire.h"

#include <gtest/gtest.h>

#include "proto/raft/raft.pb.h"

namespace weir::quorum {
namespace {

WireMessage Make(decltype(raft::Message::body) body, std::vector<LogEntry> entries = {}) {
  raft::VoterId one{ControllerId(1), DirectoryId(Uuid::FromRandom(1, 1))};
  raft::VoterId two{ControllerId(2), DirectoryId(Uuid::FromRandom(2, 2))};
  return {ClusterId(Uuid::FromRandom(5, 5)), {one, two, Term(7), std::move(body)}, entries};
}

TEST(Wire, BringsBackEveryKindOfMessage) {
  std::vector<LogEntry> entries{{LogIndex(5), Term(3), Bytes::FromString("a")},
                                {LogIndex(6), Term(7), Bytes::FromString("")}};
  raft::LogPosition position{LogIndex(4), Term(3)};
  for (const WireMessage& message :
       {Make(raft::VoteRequest{true, position, true, true}), Make(raft::VoteResponse{true, true}),
        Make(raft::AppendRequest{position,
                                 LogIndex(6),
                                 {{Term(3), LogIndex(5)}, {Term(7), LogIndex(6)}},
                                 {},
                                 LogIndex(4),
                                 9},
             entries),
        Make(raft::AppendRequest{position, LogIndex(4), {}, {}, LogIndex(2), 1}),
        Make(raft::AppendResponse{true, LogIndex(0), position, 3}), Make(raft::TimeoutNow{})}) {
    auto back = Decode(Join(Encode(message)));
    ASSERT_TRUE(back) << back.error();
    EXPECT_EQ(back->cluster, message.cluster);
    EXPECT_EQ(back->message, message.message) << message.message;
    EXPECT_EQ(back->entries, message.entries);
  }
}

TEST(Wire, RefusesEntriesThatDoNotFollowUponEachOther) {
  weir::raft::v1::Message message;
  ASSERT_TRUE(message.ParseFromString(Join(Encode(Make(raft::AppendRequest{}))).ToString()));
  auto& request = *message.mutable_append_request();
  for (int64_t index : {1, 3}) {
    request.add_entries()->set_index(index);
    request.mutable_entries()->rbegin()->set_term(1);
  }
  EXPECT_FALSE(Decode(Bytes::FromString(message.SerializeAsString())));
}

TEST(Wire, RefusesWhatIsNoMessage) {
  EXPECT_FALSE(Decode(Bytes::FromString("")));
  EXPECT_FALSE(Decode(Bytes::FromString("\xff\xff")));
}

}  // namespace
}  // namespace weir::quorum
