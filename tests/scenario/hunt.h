// SPDX-License-Identifier: Apache-2.0
// Runs one scenario over many seeds, in several processes, until one fails; then finds the smallest
// part of its faults that still makes it fail, and says how to replay it.
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "common/base/time.h"
#include "tests/scenario/apart.h"

namespace weir::scenario {

struct HuntPlan {
  std::string scenario;
  std::string text;
  uint64_t first = 1;
  uint64_t last = 1;
  int jobs = 1;
  // No seed is begun after this; none: all are run.
  std::optional<Duration> time;
  // Seeds that fail before it ends.
  int failures_max = 1;
  // Whether the faults of a seed that fails are thinned out.
  bool shrinks = true;
  // For the runs.
  Options options;
};

struct HuntTally {
  uint64_t seeds = 0;
  uint64_t events = 0;
  uint64_t sent = 0;
  uint64_t acknowledged = 0;
  int failures = 0;
  std::vector<Outcome> failed;
};

// Tells its progress to `out`.
HuntTally Hunt(const HuntPlan& plan, std::ostream& out);

// The command that runs one seed again.
std::string ReplayCommand(const std::string& scenario, uint64_t seed,
                          const std::set<size_t>& keep = {});

// The numbers of the fewest faults that were found with which `failed` fails in the same way.
std::set<size_t> Shrink(const std::string& text, const Outcome& failed, const Options& options);

}  // namespace weir::scenario
