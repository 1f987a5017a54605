// SPDX-License-Identifier: Apache-2.0
// What `weir dev` remembers of the cluster that it started: one JSON file in its folder.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/error.h"

namespace weir::cli {

struct DevProcess {
  // "controller-1", "node-2".
  std::string name;
  int pid = 0;
  // Field 22 of /proc/PID/stat: two processes with one pid differ in it. 0: not running.
  uint64_t start_ticks = 0;
  // Where clients (of a controller: all) reach it.
  std::string endpoint;
  std::string log;
  // The command line that starts it, again too.
  std::vector<std::string> command;

  bool is_controller() const { return name.starts_with("controller-"); }
  bool operator==(const DevProcess&) const = default;
};

struct DevState {
  std::vector<DevProcess> processes;

  std::vector<std::string> Endpoints(bool of_controllers) const;
  DevProcess* Find(const std::string& name);
  bool operator==(const DevState&) const = default;
};

std::string ToText(const DevState& state);
Result<DevState> ParseDevState(const std::string& text);

// FOLDER/dev.json. kNotFound where there is none.
Result<DevState> LoadDevState(const std::string& folder);
Result<void> SaveDevState(const std::string& folder, const DevState& state);

// The start time in the text of a /proc/PID/stat; 0 if it is none.
uint64_t StartTicksOf(const std::string& stat);

}  // namespace weir::cli
