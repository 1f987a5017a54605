// SPDX-License-Identifier: Apache-2.0
// The processes of a cluster on one machine, before they are started. Pure.
#pragma once

#include <string>
#include <vector>

#include "cli/dev_state.h"

namespace weir::cli {

struct DevPlan {
  int controllers = 3;
  int nodes = 3;
  // An absolute path.
  std::string folder;
  std::string controller_binary;
  std::string storage_binary;
};

// One port for a controller, two for a node.
int PortsNeeded(const DevPlan& plan);

// Their names, command lines, logs and endpoints; not yet running. As many ports as are needed.
DevState PlanProcesses(const DevPlan& plan, const std::vector<int>& ports);

}  // namespace weir::cli
