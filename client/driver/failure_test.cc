// SPDX-License-Identifier: Apache-2.0
#include "client/driver/failure.h"

#include <gtest/gtest.h>

#include "proto/rpc/status.pb.h"

namespace weir::client {
namespace {

host::CallStatus WithReason(const std::string& reason) {
  google::rpc::ErrorInfo info;
  info.set_reason(reason);
  info.set_domain("weir");
  (*info.mutable_metadata())["endpoint"] = "c2:9090";
  google::rpc::Status details;
  details.add_details()->PackFrom(info);
  return {.code = host::StatusCode::kFailedPrecondition,
          .message = "why",
          .details = details.SerializeAsString()};
}

TEST(Failure, HasTheReasonOfItsStatus) {
  Failure failure = Decode(WithReason("NOT_LEADER_OR_FOLLOWER"));
  EXPECT_EQ(failure.reason, "NOT_LEADER_OR_FOLLOWER");
  EXPECT_EQ(failure.message, "why");
  EXPECT_EQ(failure.metadata.at("endpoint"), "c2:9090");
  EXPECT_EQ(failure.AsRefusal().code, ErrorCode::kNotLeaderOrFollower);
  EXPECT_FALSE(failure.is_transient());
}

TEST(Failure, IsTransientWhereAnotherEndpointMayAnswer) {
  EXPECT_TRUE(Decode(WithReason("NOT_ACTIVE_CONTROLLER")).is_transient());
  EXPECT_TRUE(Decode({.code = host::StatusCode::kUnavailable}).is_transient());
  EXPECT_FALSE(Decode({.code = host::StatusCode::kInvalidArgument}).is_transient());
}

TEST(Failure, WithoutAReasonIsJudgedByItsCode) {
  EXPECT_EQ(Decode({.code = host::StatusCode::kUnavailable}).AsRefusal().code,
            ErrorCode::kNetworkException);
  EXPECT_EQ(Decode({.code = host::StatusCode::kDeadlineExceeded}).AsRefusal().code,
            ErrorCode::kRequestTimedOut);
  EXPECT_EQ(Decode({.code = host::StatusCode::kUnavailable, .details = "rubbish"}).reason, "");
}

}  // namespace
}  // namespace weir::client
