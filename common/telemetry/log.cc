// SPDX-License-Identifier: Apache-2.0
#include "common/telemetry/log.h"

#include <glog/logging.h>

#include "common/telemetry/build_version.h"

namespace weir {

void StartLog(const char* program, const LogConfig& config) {
  CHECK(!google::IsGoogleLoggingInitialized());
  FLAGS_logtostderr = config.folder.empty();
  FLAGS_log_dir = config.folder;
  FLAGS_minloglevel = config.severity_min;
  // A line is seen when it was logged, not when a buffer is full.
  FLAGS_logbufsecs = 0;
  google::InitGoogleLogging(program);
  google::InstallFailureSignalHandler();
  LOG(INFO) << DescribeBuild();
}

}  // namespace weir
