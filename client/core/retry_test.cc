// SPDX-License-Identifier: Apache-2.0
#include "client/core/retry.h"

#include <gtest/gtest.h>

namespace weir::client {
namespace {

using std::chrono::milliseconds;

TEST(BackOff, GrowsFromTwentyToTwoHundredFiftyMilliseconds) {
  BackOff backoff(7);
  EXPECT_EQ(backoff.Next(), milliseconds(20));
  Duration last{};
  for (int i = 0; i < 20; ++i) {
    last = backoff.Next();
    EXPECT_GE(last, milliseconds(20));
    EXPECT_LE(last, milliseconds(250));
  }
  EXPECT_GE(last, milliseconds(200));
  backoff.Reset();
  EXPECT_EQ(backoff.Next(), milliseconds(20));
}

TEST(Retry, KnowsWhichRefusalsLeaveTheFateOpen) {
  EXPECT_TRUE(IsRetriable(ErrorCode::kNotEnoughReplicas));
  EXPECT_FALSE(LeavesFateOpen(ErrorCode::kNotEnoughReplicas));
  EXPECT_TRUE(LeavesFateOpen(ErrorCode::kNotEnoughReplicasAfterAppend));
  EXPECT_FALSE(IsRetriable(ErrorCode::kMessageTooLarge));
}

TEST(ErrorCodeNamed, FindsEveryNameAgain) {
  EXPECT_EQ(ErrorCodeNamed("NOT_LEADER_OR_FOLLOWER"), ErrorCode::kNotLeaderOrFollower);
  EXPECT_EQ(ErrorCodeNamed("CONTROLLER_ID_NOT_REGISTERED"), ErrorCode::kControllerIdNotRegistered);
  EXPECT_EQ(ErrorCodeNamed("NO_SUCH_NAME"), ErrorCode::kUnknownServerError);
}

}  // namespace
}  // namespace weir::client
