// SPDX-License-Identifier: Apache-2.0
// Who is the active controller, as far as this one knows, and how a caller who came to another is
// told.
#pragma once

#include <functional>
#include <optional>

#include "common/base/ids.h"
#include "common/edge/refusal_status.h"
#include "common/host/network.h"
#include "common/machine/machine_driver.h"
#include "controller/decide/metadata_machine.h"

namespace weir::service {

using MetadataDriver = machine::MachineDriver<decide::MetadataMachine>;

struct ActiveController {
  struct Known {
    ControllerId id;
    host::Endpoint endpoint;
  };
  // Nothing while an election is under way.
  std::function<std::optional<Known>()> known;

  // FAILED_PRECONDITION, NOT_ACTIVE_CONTROLLER, with who is where that is known.
  host::CallStatus Redirect() const {
    auto leader = known();
    if (!leader) {
      return edge::StatusOf(host::StatusCode::kUnavailable, "NOT_ACTIVE_CONTROLLER",
                            "this controller is not active, and knows of none that is; try again");
    }
    return edge::StatusOf(
        host::StatusCode::kFailedPrecondition, "NOT_ACTIVE_CONTROLLER",
        "controller " + std::to_string(leader->id.value()) + " at " + leader->endpoint +
            " is active",
        {{"controller_id", std::to_string(leader->id.value())}, {"endpoint", leader->endpoint}});
  }
};

}  // namespace weir::service
