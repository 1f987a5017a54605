// SPDX-License-Identifier: Apache-2.0
// How a call between processes ended: gRPC's status, with its numbers.
#pragma once

#include <ostream>
#include <string>

namespace weir::host {

enum class StatusCode {
  kOk = 0,
  kCancelled = 1,
  kUnknown = 2,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kAborted = 10,
  kOutOfRange = 11,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kDataLoss = 15,
  kUnauthenticated = 16,
};

struct CallStatus {
  StatusCode code = StatusCode::kOk;
  std::string message;
  // A serialized google.rpc.Status (the trailer "grpc-status-details-bin"), or empty.
  std::string details;

  bool ok() const { return code == StatusCode::kOk; }
  bool operator==(const CallStatus&) const = default;
  static CallStatus Ok() { return {}; }
  friend std::ostream& operator<<(std::ostream& out, const CallStatus& status) {
    return out << "status " << static_cast<int>(status.code) << ": " << status.message;
  }
};

}  // namespace weir::host
