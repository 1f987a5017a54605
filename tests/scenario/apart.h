// SPDX-License-Identifier: Apache-2.0
// Runs a scenario in a forked process, so that a CHECK that fails, or a loop without an end, is one
// more way in which a seed can fail, and what it was about is still known. One thread.
#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <string>

#include "tests/scenario/scenario.h"

namespace weir::scenario {

struct Outcome {
  uint64_t seed = 0;
  // As the run told it; of one that died, how it died.
  Verdict verdict;
  bool died = false;
  // What was to happen, by number.
  std::map<size_t, sim::Fault> faults;

  bool holds() const { return verdict.wrong.empty(); }
};

// One run under way. Destroyed before its end, it is killed.
class Apart {
 public:
  Apart(const std::string& text, uint64_t seed, Options options);
  Apart(const Apart&) = delete;
  Apart& operator=(const Apart&) = delete;
  ~Apart();

  // Readable, for poll, when Read would not wait.
  int handle() const { return from_child_; }
  // Takes in what has come; true when the run is over.
  bool Read();
  // After that.
  Outcome Finish();

 private:
  void Understand(const std::string& line);
  std::string Cause(int status) const;

  pid_t child_ = -1;
  int from_child_ = -1;
  int errors_ = -1;
  std::string unread_;
  bool told_all_ = false;
  Outcome outcome_;
};

// Waits for it.
Outcome RunApart(const std::string& text, uint64_t seed, Options options = {});

}  // namespace weir::scenario
