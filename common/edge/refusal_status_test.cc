// SPDX-License-Identifier: Apache-2.0
#include "common/edge/refusal_status.h"

#include <gtest/gtest.h>

namespace weir::edge {
namespace {

TEST(RefusalStatus, RoundTripsCodeWordsAndHints) {
  Refusal refusal{ErrorCode::kNotLeaderOrFollower, "node 2 leads"};
  host::CallStatus status = ToStatus(refusal, {{"leader_endpoint", "h:1"}});
  EXPECT_EQ(status.code, host::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ToRefusal(status), refusal);
  EXPECT_EQ(ReasonOf(status).hints.at("leader_endpoint"), "h:1");
}

TEST(RefusalStatus, EveryKafkaErrorKeepsItsName) {
  for (int16_t code = 1; code <= 136; ++code) {
    Refusal refusal{static_cast<ErrorCode>(code), "why"};
    EXPECT_EQ(ToRefusal(ToStatus(refusal)), refusal) << code;
    EXPECT_FALSE(ToStatus(refusal).ok()) << code;
  }
}

TEST(RefusalStatus, ABrokenConnectionIsANetworkException) {
  host::CallStatus status{host::StatusCode::kUnavailable, "connection reset", ""};
  EXPECT_EQ(ToRefusal(status).code, ErrorCode::kNetworkException);
}

TEST(RefusalStatus, DetailsThatLieAreNoReason) {
  host::CallStatus status{host::StatusCode::kInternal, "?", "\x01\x02 not a message"};
  EXPECT_EQ(ReasonOf(status).reason, "");
  EXPECT_EQ(ToRefusal(status).code, ErrorCode::kUnknownServerError);
}

}  // namespace
}  // namespace weir::edge
