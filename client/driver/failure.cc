// SPDX-License-Identifier: Apache-2.0
#include "client/driver/failure.h"

#include "client/core/retry.h"
#include "proto/rpc/status.pb.h"

namespace weir::client {

using host::StatusCode;

Failure Decode(const host::CallStatus& status) {
  Failure failure{.code = status.code, .message = status.message};
  google::rpc::Status details;
  if (status.details.empty() || !details.ParseFromString(status.details)) return failure;
  for (const auto& detail : details.details()) {
    google::rpc::ErrorInfo info;
    if (!detail.type_url().ends_with("/google.rpc.ErrorInfo")) continue;
    if (!info.ParseFromString(detail.value())) continue;
    failure.reason = info.reason();
    failure.metadata = {info.metadata().begin(), info.metadata().end()};
    break;
  }
  return failure;
}

Refusal Failure::AsRefusal() const {
  if (reason == "NOT_ACTIVE_CONTROLLER") return {ErrorCode::kNotController, message};
  if (!reason.empty()) return {ErrorCodeNamed(reason), message};
  switch (code) {
    case StatusCode::kUnavailable:
    case StatusCode::kCancelled:
    case StatusCode::kAborted:
      return {ErrorCode::kNetworkException, message};
    case StatusCode::kDeadlineExceeded:
      return {ErrorCode::kRequestTimedOut, message};
    case StatusCode::kResourceExhausted:
      return {ErrorCode::kThrottlingQuotaExceeded, message};
    case StatusCode::kUnimplemented:
      return {ErrorCode::kUnsupportedVersion, message};
    case StatusCode::kInvalidArgument:
      return {ErrorCode::kInvalidRequest, message};
    default:
      return {ErrorCode::kUnknownServerError, message};
  }
}

bool Failure::is_transient() const {
  return code == StatusCode::kUnavailable || code == StatusCode::kDeadlineExceeded ||
         code == StatusCode::kCancelled || reason == "NOT_ACTIVE_CONTROLLER" ||
         reason == "NOT_CONTROLLER";
}

}  // namespace weir::client
