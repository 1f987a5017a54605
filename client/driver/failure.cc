// SPDX-License-Identifier: Apache-2.0
#include "client/driver/failure.h"

#include <utility>

#include "common/edge/refusal_status.h"

namespace weir::client {

using host::StatusCode;

Failure Decode(const host::CallStatus& status) {
  edge::Reason reason = edge::ReasonOf(status);
  return {.code = status.code,
          .reason = std::move(reason.reason),
          .message = status.message,
          .metadata = std::move(reason.hints)};
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
