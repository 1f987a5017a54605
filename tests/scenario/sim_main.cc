// SPDX-License-Identifier: Apache-2.0
// Runs one scenario by hand: one seed with a trace, or a range of seeds.
#include <gflags/gflags.h>

#include <fstream>
#include <iostream>
#include <sstream>

#include "tests/scenario/scenario.h"

DEFINE_string(scenario, "", "A file of tests/scenario, without .txt.");
DEFINE_uint64(seed, 1, "The seed, or the first of several.");
DEFINE_uint64(seeds, 1, "How many seeds, one after the other.");
DEFINE_bool(trace, false, "Print a line for each event.");

int main(int argc, char** argv) {
  gflags::SetUsageMessage(
      "runs a scenario in the simulated world\n"
      "  sim --scenario=leaders_are_killed --seed=42 --trace");
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  std::ifstream in("tests/scenario/" + FLAGS_scenario + ".txt");
  if (!in) {
    std::cerr << "sim: there is no scenario '" << FLAGS_scenario
              << "'; --scenario names a file of tests/scenario, without .txt\n";
    return 2;
  }
  std::ostringstream text;
  text << in.rdbuf();
  for (uint64_t seed = FLAGS_seed; seed < FLAGS_seed + FLAGS_seeds; ++seed) {
    weir::scenario::Scenario scenario(text.str(), seed);
    if (FLAGS_trace) scenario.Trace();
    weir::scenario::Verdict verdict = scenario.Run();
    std::cout << "seed " << seed << ": " << verdict.events << " events, " << verdict.acknowledged
              << " of " << verdict.sent << " records acknowledged, trace " << std::hex
              << verdict.trace_hash << std::dec << (verdict.wrong.empty() ? ", all holds" : "")
              << std::endl;
    for (const std::string& words : verdict.wrong) std::cout << "  WRONG: " << words << '\n';
    if (!verdict.wrong.empty()) {
      std::cout << "replay: bazel run //tests/scenario:sim -- --scenario=" << FLAGS_scenario
                << " --seed=" << seed << " --trace\n";
      return 1;
    }
  }
  return 0;
}
