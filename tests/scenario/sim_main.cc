// SPDX-License-Identifier: Apache-2.0
// The simulation by hand: replays one seed of a scenario, or hunts through many.
#include <gflags/gflags.h>

#include <charconv>
#include <fstream>
#include <iostream>
#include <sstream>

#include "tests/scenario/hunt.h"
#include "tests/scenario/settings.h"

DEFINE_string(scenario, "", "A file of tests/scenario, without .txt.");
DEFINE_uint64(seed, 1, "The one seed to run.");
DEFINE_string(seeds, "", "Seeds to hunt through: 1..100000, or how many, from --seed on.");
DEFINE_bool(trace, false,
            "With one seed: a line for each event, and the log, to the standard error.");
DEFINE_int32(jobs, 1, "How many processes hunt.");
DEFINE_string(time, "", "No seed is begun after this: 600s, 10m.");
DEFINE_int32(failures, 1, "How many seeds may fail before the hunt ends.");
DEFINE_bool(shrink, true, "Whether the faults of a seed that fails are thinned out.");
DEFINE_string(keep_faults, "", "Only these of the faults that the seed draws: 1,4,7.");
DEFINE_string(schedule, "", "A file with the faults to run, one a line, instead of drawn ones.");

namespace weir::scenario {
namespace {

int Refuse(const std::string& words) {
  std::cerr << "sim: " << words << '\n';
  return 2;
}

bool ParseNumber(std::string_view text, uint64_t* number) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  return error == std::errc() && end == text.data() + text.size();
}

// "1..100000", or a count from `first` on.
bool ParseSeeds(const std::string& text, uint64_t* first, uint64_t* last) {
  size_t dots = text.find("..");
  if (dots != std::string::npos) {
    return ParseNumber(text.substr(0, dots), first) && ParseNumber(text.substr(dots + 2), last) &&
           *first <= *last;
  }
  uint64_t count = 0;
  if (!ParseNumber(text, &count) || count == 0) return false;
  *last = *first + count - 1;
  return true;
}

std::optional<Duration> ParseTime(const std::string& text) {
  uint64_t number = 0;
  if (text.empty() || !ParseNumber(text.substr(0, text.size() - 1), &number)) return std::nullopt;
  if (text.back() == 'm') return std::chrono::minutes(number);
  if (text.back() == 's') return std::chrono::seconds(number);
  return std::nullopt;
}

bool ParseKeep(const std::string& text, std::set<size_t>* keep) {
  std::istringstream in(text);
  for (std::string word; std::getline(in, word, ',');) {
    uint64_t number = 0;
    if (!ParseNumber(word, &number)) return false;
    keep->insert(number);
  }
  return true;
}

Result<std::vector<sim::Fault>> ReadSchedule(const std::string& path) {
  std::ifstream in(path);
  if (!in) return Fail(Error::Kind::kNotFound, "there is no file '" + path + "'");
  std::vector<sim::Fault> faults;
  for (std::string line; std::getline(in, line);) {
    // As a hunt prints it, with a number before, or without.
    size_t colon = line.find(": ");
    if (colon != std::string::npos) line.erase(0, colon + 2);
    if (line.find_first_not_of(' ') == std::string::npos) continue;
    auto fault = sim::ParseFault(line);
    if (!fault) return std::unexpected(fault.error());
    faults.push_back(*fault);
  }
  return faults;
}

int Replay(const HuntPlan& plan) {
  Verdict verdict = Scenario(plan.text, plan.first, plan.options).Run();
  std::cout << "seed " << plan.first << ": " << verdict.events << " events, "
            << verdict.acknowledged << " of " << verdict.sent << " records acknowledged, trace "
            << std::hex << verdict.trace_hash << std::dec
            << (verdict.wrong.empty() ? ", all holds" : "") << std::endl;
  for (const std::string& words : verdict.wrong) std::cout << "  WRONG: " << words << '\n';
  return verdict.wrong.empty() ? 0 : 1;
}

int Run() {
  HuntPlan plan;
  plan.scenario = FLAGS_scenario;
  std::ifstream in("tests/scenario/" + FLAGS_scenario + ".txt");
  if (FLAGS_scenario.empty() || !in) {
    return Refuse("there is no scenario '" + FLAGS_scenario +
                  "'; --scenario names a file of tests/scenario, without .txt");
  }
  std::ostringstream text;
  text << in.rdbuf();
  plan.text = text.str();
  plan.first = plan.last = FLAGS_seed;
  if (!FLAGS_seeds.empty() && !ParseSeeds(FLAGS_seeds, &plan.first, &plan.last)) {
    return Refuse("--seeds is a range, as 1..100000, or how many there are, not " + FLAGS_seeds);
  }
  if (!FLAGS_time.empty()) {
    plan.time = ParseTime(FLAGS_time);
    if (!plan.time) return Refuse("--time is a duration, as 10m or 600s, not " + FLAGS_time);
    if (FLAGS_seeds.empty()) plan.last = UINT64_MAX - 1;
  }
  if (!ParseKeep(FLAGS_keep_faults, &plan.options.keep)) {
    return Refuse("--keep-faults are numbers, as 1,4,7, not " + FLAGS_keep_faults);
  }
  if (!FLAGS_schedule.empty()) {
    auto schedule = ReadSchedule(FLAGS_schedule);
    if (!schedule) return Refuse("--schedule: " + schedule.error().message);
    plan.options.schedule = *schedule;
  }
  plan.jobs = std::max(1, FLAGS_jobs);
  plan.failures_max = std::max(1, FLAGS_failures);
  plan.shrinks = FLAGS_shrink;
  if (FLAGS_trace) {
    if (plan.first != plan.last) return Refuse("--trace goes with one --seed");
    plan.options.trace = true;
    return Replay(plan);
  }
  return Hunt(plan, std::cout).failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace weir::scenario

int main(int argc, char** argv) {
  gflags::SetUsageMessage(
      "runs a scenario in the simulated world\n"
      "  sim --scenario=swarm_of_faults --seed=42 --trace           replays one seed\n"
      "  sim --scenario=swarm_of_faults --seeds=1..100000 --jobs=2  hunts");
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  return weir::scenario::Run();
}
