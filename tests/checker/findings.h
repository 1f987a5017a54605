// SPDX-License-Identifier: Apache-2.0
// What checkers found wrong, in words, in the order in which it was found. The first few: what
// follows from a broken cluster explains nothing.
#pragma once

#include <sstream>
#include <string>
#include <vector>

namespace weir::checker {

class Findings {
 public:
  template <class... Parts>
  void Add(const Parts&... parts) {
    if (all_.size() == kMost) return;
    std::ostringstream words;
    (words << ... << parts);
    all_.push_back(words.str());
  }

  bool empty() const { return all_.empty(); }
  const std::vector<std::string>& all() const { return all_; }

 private:
  static constexpr size_t kMost = 20;

  std::vector<std::string> all_;
};

}  // namespace weir::checker
