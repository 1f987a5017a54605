// SPDX-License-Identifier: Apache-2.0
#include "tests/scenario/hunt.h"

#include <poll.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <list>
#include <vector>

namespace weir::scenario {
namespace {

using SteadyClock = std::chrono::steady_clock;

// A failure without its numbers: two runs that fail so, fail in the same way.
std::string KindOf(const Outcome& outcome) {
  if (outcome.holds()) return "";
  std::string kind;
  for (char c : outcome.verdict.wrong.front()) {
    if (!std::isdigit(static_cast<unsigned char>(c))) kind += c;
  }
  return kind.substr(0, 48);
}

void PrintFailure(const HuntPlan& plan, const Outcome& failed, std::ostream& out) {
  out << "\nseed " << failed.seed << " FAILS\n";
  for (const std::string& words : failed.verdict.wrong) out << "  WRONG: " << words << '\n';
  if (!failed.faults.empty()) out << "its faults:\n";
  for (const auto& [number, fault] : failed.faults) out << "  " << number << ": " << fault << '\n';
  out << "replay: " << ReplayCommand(plan.scenario, failed.seed, plan.options.keep) << std::endl;
  if (!plan.shrinks || failed.faults.size() < 2) return;
  std::set<size_t> few = Shrink(plan.text, failed, plan.options);
  out << "the fewest faults that were found to be enough:\n";
  for (size_t number : few) out << "  " << number << ": " << failed.faults.at(number) << '\n';
  out << "replay: " << ReplayCommand(plan.scenario, failed.seed, few) << std::endl;
}

class Hunting {
 public:
  Hunting(const HuntPlan& plan, std::ostream& out) : plan_(plan), out_(out), next_(plan.first) {}

  HuntTally Run() {
    begun_ = last_told_ = SteadyClock::now();
    for (Begin(); !runs_.empty(); Begin()) {
      Await();
      if (tally_.failures >= plan_.failures_max) break;
    }
    runs_.clear();
    TellProgress();
    return tally_;
  }

 private:
  bool IsOver() const {
    return next_ > plan_.last || (plan_.time && SteadyClock::now() - begun_ >= *plan_.time);
  }

  void Begin() {
    while (static_cast<int>(runs_.size()) < plan_.jobs && !IsOver()) {
      runs_.emplace_back(plan_.text, next_++, plan_.options);
    }
  }

  void Await() {
    std::vector<pollfd> handles;
    for (const Apart& run : runs_) handles.push_back({run.handle(), POLLIN, 0});
    poll(handles.data(), handles.size(), -1);
    auto run = runs_.begin();
    for (const pollfd& handle : handles) {
      auto at = run++;
      if (handle.revents == 0 || !at->Read()) continue;
      Count(at->Finish());
      runs_.erase(at);
      if (tally_.failures >= plan_.failures_max) return;
    }
    if (SteadyClock::now() - last_told_ >= std::chrono::seconds(10)) TellProgress();
  }

  void Count(const Outcome& outcome) {
    ++tally_.seeds;
    tally_.events += outcome.verdict.events;
    tally_.sent += outcome.verdict.sent;
    tally_.acknowledged += outcome.verdict.acknowledged;
    if (outcome.holds()) return;
    ++tally_.failures;
    PrintFailure(plan_, outcome, out_);
    tally_.failed.push_back(outcome);
  }

  void TellProgress() {
    last_told_ = SteadyClock::now();
    double seconds = std::chrono::duration<double>(last_told_ - begun_).count();
    out_ << plan_.scenario << ": " << tally_.seeds << " seeds (next " << next_ << "), "
         << tally_.failures << " failed, " << tally_.events << " events, " << tally_.acknowledged
         << " of " << tally_.sent << " records acknowledged, in " << static_cast<int>(seconds)
         << " s" << std::endl;
  }

  const HuntPlan& plan_;
  std::ostream& out_;
  uint64_t next_;
  std::list<Apart> runs_;
  HuntTally tally_;
  SteadyClock::time_point begun_;
  SteadyClock::time_point last_told_;
};

}  // namespace

HuntTally Hunt(const HuntPlan& plan, std::ostream& out) { return Hunting(plan, out).Run(); }

std::string ReplayCommand(const std::string& scenario, uint64_t seed,
                          const std::set<size_t>& keep) {
  std::string command = "bazel run //tests:sim -- --scenario=" + scenario +
                        " --seed=" + std::to_string(seed) + " --trace";
  for (size_t number : keep) {
    command += (number == *keep.begin() ? " --keep-faults=" : ",") + std::to_string(number);
  }
  return command;
}

// Leaves out halves, quarters and so on, down to single faults, until nothing more can go.
std::set<size_t> Shrink(const std::string& text, const Outcome& failed, const Options& options) {
  const std::string kind = KindOf(failed);
  std::vector<size_t> kept;
  for (const auto& [number, fault] : failed.faults) kept.push_back(number);
  for (size_t part = std::max<size_t>(1, kept.size() / 2);;) {
    bool has_shrunk = false;
    for (size_t from = 0; from < kept.size() && kept.size() > 1;) {
      std::vector<size_t> rest(kept.begin(), kept.begin() + static_cast<ptrdiff_t>(from));
      size_t to = std::min(from + part, kept.size());
      rest.insert(rest.end(), kept.begin() + static_cast<ptrdiff_t>(to), kept.end());
      Options fewer = options;
      fewer.keep = {rest.begin(), rest.end()};
      bool still_fails = !rest.empty() && KindOf(RunApart(text, failed.seed, fewer)) == kind;
      if (still_fails) {
        kept = rest;
        has_shrunk = true;
      } else {
        from = to;
      }
    }
    if (part > 1) {
      part /= 2;
    } else if (!has_shrunk) {
      return {kept.begin(), kept.end()};
    }
  }
}

}  // namespace weir::scenario
