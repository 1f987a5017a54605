// SPDX-License-Identifier: Apache-2.0
// What a fuzz target defines: inputs that are right, and what is done with any bytes. It must
// neither crash nor take more memory than its limits say, whatever the bytes.
//
// weir_fuzz_test (bazel/weir.bzl) links it with one of two mains: in the suite ours (driver.h),
// which feeds the seeds and mutations of them that depend on a number alone; with --config=fuzz
// libFuzzer's, which goes on for as long as it is let.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::fuzz {

struct Target {
  std::vector<std::string> seeds;
  std::function<void(std::string_view)> feed;
  // What one input may hold at once: so much, and so much for each of its bytes. What the process
  // held before the input does not count.
  size_t bytes_max = size_t{1} << 20;
  size_t bytes_per_byte_max = 64;
  // How many inputs a run of the suite feeds.
  int inputs = 20'000;
};

// Defined by the target; called once.
Target MakeTarget();

// Several messages as one input: two bytes of length before each. A length that lies takes what is
// there.
inline std::string Framed(const std::vector<std::string>& messages) {
  std::string input;
  for (const std::string& message : messages) {
    input.push_back(static_cast<char>(message.size() >> 8));
    input.push_back(static_cast<char>(message.size()));
    input += message;
  }
  return input;
}

inline std::vector<std::string> Unframed(std::string_view input) {
  std::vector<std::string> messages;
  while (input.size() >= 2) {
    size_t size = static_cast<size_t>(static_cast<unsigned char>(input[0])) << 8 |
                  static_cast<unsigned char>(input[1]);
    messages.emplace_back(input.substr(2, size));
    input.remove_prefix(std::min(input.size(), size + 2));
  }
  return messages;
}

}  // namespace weir::fuzz
