// SPDX-License-Identifier: Apache-2.0
#include "common/edge/refusal_status.h"

#include "proto/rpc/status.pb.h"

namespace weir::edge {
namespace {

using host::CallStatus;
using host::StatusCode;

constexpr char kDomain[] = "weir";

// How gRPC's generic clients should treat an error: above all, whether trying again may help.
StatusCode StatusCodeOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNone:
      return StatusCode::kOk;
    case ErrorCode::kUnknownTopicOrPartition:
    case ErrorCode::kUnknownTopicId:
    case ErrorCode::kResourceNotFound:
    case ErrorCode::kBrokerIdNotRegistered:
    case ErrorCode::kLogDirNotFound:
      return StatusCode::kNotFound;
    case ErrorCode::kTopicAlreadyExists:
    case ErrorCode::kDuplicateBrokerRegistration:
    case ErrorCode::kDuplicateResource:
      return StatusCode::kAlreadyExists;
    case ErrorCode::kOffsetOutOfRange:
      return StatusCode::kOutOfRange;
    case ErrorCode::kRequestTimedOut:
      return StatusCode::kDeadlineExceeded;
    case ErrorCode::kCorruptMessage:
    case ErrorCode::kMessageTooLarge:
    case ErrorCode::kInvalidTopicException:
    case ErrorCode::kInvalidRequiredAcks:
    case ErrorCode::kInvalidTimestamp:
    case ErrorCode::kUnsupportedForMessageFormat:
    case ErrorCode::kInvalidPartitions:
    case ErrorCode::kInvalidReplicationFactor:
    case ErrorCode::kInvalidReplicaAssignment:
    case ErrorCode::kInvalidConfig:
    case ErrorCode::kInvalidRequest:
    case ErrorCode::kInvalidRecord:
    case ErrorCode::kInvalidRegistration:
    case ErrorCode::kUnsupportedCompressionType:
      return StatusCode::kInvalidArgument;
    case ErrorCode::kNotLeaderOrFollower:
    case ErrorCode::kNotController:
    case ErrorCode::kFencedLeaderEpoch:
    case ErrorCode::kStaleBrokerEpoch:
    case ErrorCode::kInvalidUpdateVersion:
    case ErrorCode::kIneligibleReplica:
    case ErrorCode::kOutOfOrderSequenceNumber:
    case ErrorCode::kInvalidProducerEpoch:
    case ErrorCode::kInconsistentClusterId:
    case ErrorCode::kReassignmentInProgress:
    case ErrorCode::kNoReassignmentInProgress:
    case ErrorCode::kOperationNotAttempted:
    case ErrorCode::kFeatureUpdateFailed:
      return StatusCode::kFailedPrecondition;
    case ErrorCode::kLeaderNotAvailable:
    case ErrorCode::kBrokerNotAvailable:
    case ErrorCode::kReplicaNotAvailable:
    case ErrorCode::kUnknownLeaderEpoch:
    case ErrorCode::kNotEnoughReplicas:
    case ErrorCode::kNotEnoughReplicasAfterAppend:
    case ErrorCode::kNetworkException:
    case ErrorCode::kKafkaStorageError:
    case ErrorCode::kCoordinatorLoadInProgress:
      return StatusCode::kUnavailable;
    case ErrorCode::kThrottlingQuotaExceeded:
    case ErrorCode::kPolicyViolation:
      return StatusCode::kResourceExhausted;
    case ErrorCode::kUnsupportedVersion:
      return StatusCode::kUnimplemented;
    default:
      return StatusCode::kUnknown;
  }
}

}  // namespace

CallStatus StatusOf(StatusCode code, const std::string& reason, const std::string& message,
                    const Hints& hints) {
  google::rpc::ErrorInfo info;
  info.set_reason(reason);
  info.set_domain(kDomain);
  for (const auto& [key, value] : hints) (*info.mutable_metadata())[key] = value;
  google::rpc::Status status;
  status.set_code(static_cast<int>(code));
  status.set_message(message);
  status.add_details()->PackFrom(info);
  return CallStatus{code, message, status.SerializeAsString()};
}

CallStatus ToStatus(const Refusal& refusal, const Hints& hints) {
  if (refusal.code == ErrorCode::kNone) return CallStatus::Ok();
  return StatusOf(StatusCodeOf(refusal.code), std::string(NameOf(refusal.code)), refusal.message,
                  hints);
}

Reason ReasonOf(const CallStatus& status) {
  google::rpc::Status rich;
  if (status.details.empty() || !rich.ParseFromString(status.details)) return {};
  for (const auto& detail : rich.details()) {
    google::rpc::ErrorInfo info;
    if (!detail.UnpackTo(&info) || info.domain() != kDomain) continue;
    return Reason{info.reason(), Hints(info.metadata().begin(), info.metadata().end())};
  }
  return {};
}

Refusal ToRefusal(const CallStatus& status) {
  if (status.ok()) return Refusal{ErrorCode::kNone, ""};
  Reason reason = ReasonOf(status);
  if (!reason.reason.empty()) return Refusal{ErrorCodeNamed(reason.reason), status.message};
  switch (status.code) {
    case StatusCode::kUnavailable:
    case StatusCode::kCancelled:
      return Refusal{ErrorCode::kNetworkException, status.message};
    case StatusCode::kDeadlineExceeded:
      return Refusal{ErrorCode::kRequestTimedOut, status.message};
    default:
      return Refusal{ErrorCode::kUnknownServerError, status.message};
  }
}

}  // namespace weir::edge
