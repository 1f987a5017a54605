// SPDX-License-Identifier: Apache-2.0
// `weir cluster init`: asks every controller what it is, and founds or completes a cluster.
#pragma once

#include <string>
#include <vector>

#include "cli/cluster.h"
#include "proto/raft/raft.pb.h"

namespace weir::cli {

// All `controllers` must answer within the common timeout, or `wait_seconds` if that is longer:
// until then they are asked again. Says on stdout what was done.
host::Task<int> InitCluster(host::Host host, std::vector<std::string> controllers, Common common,
                            int wait_seconds = 0);

// What the controller at `endpoint` is; asks again until `deadline`.
host::Task<client::Outcome<raft::v1::DescribeResponse>> DescribeController(host::Host host,
                                                                           std::string endpoint,
                                                                           Instant deadline);

}  // namespace weir::cli
