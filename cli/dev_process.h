// SPDX-License-Identifier: Apache-2.0
// Processes of this machine: started detached, watched and ended by `weir dev`. A pid is believed
// only together with the time at which its process began.
#pragma once

#include <string>
#include <vector>

#include "cli/dev_state.h"
#include "common/base/error.h"

namespace weir::cli {

// Starts `process.command` with its output appended to `process.log`, in a session of its own, and
// fills in the pid and the start time.
Result<void> StartProcess(DevProcess& process);

// It runs, and it is the one that we started.
bool IsRunning(const DevProcess& process);

// False: it does not run.
bool SignalProcess(const DevProcess& process, int signal);

// SIGTERM to all, then SIGKILL to those that are left after `seconds`. Returns the names of those
// that had to be killed.
std::vector<std::string> EndProcesses(const std::vector<DevProcess>& processes, int seconds);

// Ports of 127.0.0.1 that nobody listens at now, and that the kernel gives to no outgoing
// connection: a node that is down must find its port free again.
Result<std::vector<int>> FreePorts(int count);

// The last lines of a file.
std::string Tail(const std::string& path, int lines);

}  // namespace weir::cli
