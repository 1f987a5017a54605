// SPDX-License-Identifier: Apache-2.0
#include "client/core/retry.h"

#include <algorithm>

namespace weir::client {

bool IsRetriable(ErrorCode code) {
  switch (code) {
    case ErrorCode::kUnknownTopicOrPartition:
    case ErrorCode::kUnknownTopicId:
    case ErrorCode::kLeaderNotAvailable:
    case ErrorCode::kNotLeaderOrFollower:
    case ErrorCode::kRequestTimedOut:
    case ErrorCode::kBrokerNotAvailable:
    case ErrorCode::kReplicaNotAvailable:
    case ErrorCode::kNetworkException:
    case ErrorCode::kCoordinatorLoadInProgress:
    case ErrorCode::kCoordinatorNotAvailable:
    case ErrorCode::kNotCoordinator:
    case ErrorCode::kNotController:
    case ErrorCode::kNotEnoughReplicas:
    case ErrorCode::kNotEnoughReplicasAfterAppend:
    case ErrorCode::kKafkaStorageError:
    case ErrorCode::kFencedLeaderEpoch:
    case ErrorCode::kUnknownLeaderEpoch:
    case ErrorCode::kOffsetNotAvailable:
    case ErrorCode::kThrottlingQuotaExceeded:
    case ErrorCode::kNewLeaderElected:
      return true;
    default:
      return false;
  }
}

bool LeavesFateOpen(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNotLeaderOrFollower:
    case ErrorCode::kRequestTimedOut:
    case ErrorCode::kNetworkException:
    case ErrorCode::kNotEnoughReplicasAfterAppend:
    case ErrorCode::kKafkaStorageError:
    case ErrorCode::kUnknownServerError:
    case ErrorCode::kBrokerNotAvailable:
      return true;
    default:
      return false;
  }
}

Duration BackOff::Next() {
  constexpr int64_t kShortestMs = 20;
  constexpr int64_t kLongestMs = 250;
  int64_t ms = std::min(kLongestMs, kShortestMs << std::min(attempts_, 10));
  ++attempts_;
  state_ = state_ * 6364136223846793005u + 1442695040888963407u;
  // Between four fifths and the whole.
  int64_t fifth = ms * 1000 / 5;
  int64_t us = ms * 1000 - static_cast<int64_t>(state_ >> 33) % (fifth + 1);
  return std::chrono::microseconds(std::max(us, kShortestMs * 1000));
}

}  // namespace weir::client
