// SPDX-License-Identifier: Apache-2.0
// A refusal as a gRPC status, and back: code, words, and a machine-readable ErrorInfo whose reason
// is Kafka's name of the error.
#pragma once

#include <map>
#include <string>

#include "common/base/error_code.h"
#include "common/host/call_status.h"

namespace weir::edge {

// What an error says beside its words, for programs: "leader_endpoint", "controller_id", ...
using Hints = std::map<std::string, std::string>;

host::CallStatus ToStatus(const Refusal& refusal, const Hints& hints = {});

// For reasons that Kafka has no code for.
host::CallStatus StatusOf(host::StatusCode code, const std::string& reason,
                          const std::string& message, const Hints& hints = {});

// What a status says to a program; empty where it says nothing.
struct Reason {
  std::string reason;
  Hints hints;
};
Reason ReasonOf(const host::CallStatus& status);

// The refusal that a status carries. A status that no Weir process made (a broken connection, a
// deadline) becomes NETWORK_EXCEPTION or REQUEST_TIMED_OUT.
Refusal ToRefusal(const host::CallStatus& status);

}  // namespace weir::edge
