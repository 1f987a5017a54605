// SPDX-License-Identifier: Apache-2.0
#include "cli/dev_plan.h"

namespace weir::cli {

int PortsNeeded(const DevPlan& plan) { return plan.controllers + 2 * plan.nodes; }

DevState PlanProcesses(const DevPlan& plan, const std::vector<int>& ports) {
  DevState state;
  size_t next = 0;
  auto endpoint = [&] { return "127.0.0.1:" + std::to_string(ports.at(next++)); };
  std::string controllers;
  for (int id = 1; id <= plan.controllers; ++id) {
    DevProcess process{.name = "controller-" + std::to_string(id), .endpoint = endpoint()};
    process.log = plan.folder + "/logs/" + process.name + ".log";
    process.command = {plan.controller_binary, "--id=" + std::to_string(id),
                       "--listen=" + process.endpoint, "--advertise=" + process.endpoint,
                       "--data=" + plan.folder + "/" + process.name};
    controllers += (controllers.empty() ? "" : ",") + process.endpoint;
    state.processes.push_back(std::move(process));
  }
  for (int id = 1; id <= plan.nodes; ++id) {
    DevProcess process{.name = "node-" + std::to_string(id), .endpoint = endpoint()};
    process.log = plan.folder + "/logs/" + process.name + ".log";
    process.command = {plan.storage_binary,
                       "--id=" + std::to_string(id),
                       "--client_listen=" + process.endpoint,
                       "--internal_listen=" + endpoint(),
                       "--data=" + plan.folder + "/" + process.name,
                       "--controllers=" + controllers};
    state.processes.push_back(std::move(process));
  }
  return state;
}

}  // namespace weir::cli
