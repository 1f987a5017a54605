// SPDX-License-Identifier: Apache-2.0
// Why a call failed, read out of its status: the reason that machines act on, the words for people.
#pragma once

#include <expected>
#include <map>
#include <string>

#include "common/base/error_code.h"
#include "common/host/call_status.h"

namespace weir::client {

struct Failure {
  host::StatusCode code = host::StatusCode::kUnknown;
  // Kafka's error name or one of ours; empty where the status has none.
  std::string reason;
  std::string message;
  std::map<std::string, std::string> metadata;

  // As the cores judge it: without a reason, a broken connection is kNetworkException.
  Refusal AsRefusal() const;
  // Nobody took the call, or nobody answered in time, or who answered could not decide.
  bool is_transient() const;

  bool operator==(const Failure&) const = default;
};

// A failed call's status; not for one that is ok.
Failure Decode(const host::CallStatus& status);

template <class T>
using Outcome = std::expected<T, Failure>;

}  // namespace weir::client
