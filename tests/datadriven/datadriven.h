// SPDX-License-Identifier: Apache-2.0
// The one test language. A file is a list of cases, each a few lines of commands, a line "----",
// and all that is observable then, up to an empty line:
//
//   # A comment.
//   produce partition=1 count=3
//   crash 2
//   ----
//   partition 1 ends at 3
//
// To write down what is observed instead of comparing it, run the test with WEIR_REWRITE=1:
//   WEIR_REWRITE=1 bazel run //controller/raft:raft_test
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::datadriven {

// One line: a name, then words; "key=value" words are named, others are positional. A value in
// parentheses may hold spaces: "entries=(1 2 3)" has the value "1 2 3".
struct Command {
  std::string name;
  std::vector<std::string> words;
  std::map<std::string, std::string> values;
  // "file:line", for words about what is wrong.
  std::string place;

  bool Has(const std::string& key) const { return values.contains(key); }
  // Fail the process with the place if what is asked for is not there, or is not a number.
  const std::string& Word(size_t position) const;
  int64_t Number(size_t position) const;
  std::string Value(const std::string& key, std::optional<std::string> otherwise = {}) const;
  int64_t NumberOf(const std::string& key, std::optional<int64_t> otherwise = {}) const;
};

Command ParseCommand(std::string_view line, std::string place);

// Runs one command and returns what it shows; what several show is put together.
using Handler = std::function<std::string(const Command&)>;
using Handlers = std::map<std::string, Handler>;

// Runs every case of the text; returns the text with what was observed in place of the expected.
std::string Rewritten(const std::string& name, const std::string& text, const Handlers& handlers);

// Runs the file, and adds a test failure for each case that shows something else than expected.
// `path` is from the root of the sources; the file must be among the test's data.
void Run(const std::string& path, const Handlers& handlers);

// The ".txt" files of a folder of the sources, sorted.
std::vector<std::string> FilesIn(const std::string& folder);

}  // namespace weir::datadriven
