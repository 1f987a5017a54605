// SPDX-License-Identifier: Apache-2.0
// What must come back when nothing fails any more: every node active, every partition led and in
// sync, and every partition takes a record that all in sync have. Runs the world, and writes one
// record to each partition of each topic.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/checker/history.h"
#include "tests/cluster/cluster.h"

namespace weir::checker {

// Since now, when the last fault has ended. What was not well in time, in words. What it writes it
// notes in the topic's history, if there is one, and otherwise nowhere. To topics that another
// writes to and judges by itself it writes nothing.
std::vector<std::string> RecoverWithin(cluster::Cluster& cluster, Duration time,
                                       std::map<std::string, History>& histories,
                                       const std::set<std::string>& judged_elsewhere = {});

}  // namespace weir::checker
