// SPDX-License-Identifier: Apache-2.0
// Admin calls that reach a storage node go on to the active controller, as they are, so that a
// client needs one address.
#pragma once

#include "common/host/host.h"
#include "storage/session/session.h"

namespace weir::grpc_edge {

// Every method of weir.admin.v1. Without an active controller a call waits for one, a few seconds.
host::Methods AdminForwardMethods(host::Host host, session::Session* session);

}  // namespace weir::grpc_edge
