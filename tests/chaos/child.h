// SPDX-License-Identifier: Apache-2.0
// A real process of ours: started with its output in a file, waited for with a deadline, and killed
// when its object goes. No other process is ever touched.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace weir::chaos {

// Of a program that Bazel built: "controller", "storage", "weir".
std::string PathOf(const std::string& program);

class Child {
 public:
  // `input` is what it reads from its standard input.
  explicit Child(std::vector<std::string> command, const std::string& input = "");
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void Signal(int signal);
  // Its exit code, or 128 and the signal that ended it; nothing if it still runs after `within`.
  std::optional<int> Wait(std::chrono::milliseconds within = std::chrono::seconds(20));
  // Until its output has `words`; false if it never does within 10 s.
  bool Says(const std::string& words);
  std::string Output() const;
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = 0;
  std::string output_;
  std::optional<int> ended_;
};

// How a command ended that was waited for.
struct Ended {
  std::optional<int> code;
  std::string output;
};
Ended Run(std::vector<std::string> command, const std::string& input = "");

// A port of 127.0.0.1 that nobody listens at, and no outgoing connection takes.
int FreePort();

// A new folder of this test's own.
std::string NewFolder();

}  // namespace weir::chaos
