// SPDX-License-Identifier: Apache-2.0
// The process's log: glog, to the standard error unless a folder is named. Everything logs with
// glog's LOG, except pure code, which does not log.
#pragma once

#include <string>

namespace weir {

struct LogConfig {
  // Where log files go; empty: the standard error.
  std::string folder;
  // Messages below it are not written: 0 info, 1 warning, 2 error.
  int severity_min = 0;
};

// The first thing that main does, once. `program` (argv[0]) lives as long as the process. Crashes
// leave a stack trace from here on. The first line says which build it is.
void StartLog(const char* program, const LogConfig& config);

}  // namespace weir
