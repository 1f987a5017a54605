// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/driver.h"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <sstream>

#include "tests/fuzz/memory_meter.h"
#include "tests/fuzz/mutation.h"

namespace weir::fuzz {
namespace {

// What a signal's handler may read: made before the input is fed.
std::array<char, 4096> last_words = {};

extern "C" void SayLastWords(int signal) {
  ssize_t written = ::write(STDERR_FILENO, last_words.data(), ::strlen(last_words.data()));
  (void)written;
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

// "input 17: give --seed=1 --only=17 to have it alone; its bytes: 0a10..."
std::string WordsFor(const Order& order, uint64_t number, const std::string& input) {
  std::ostringstream words;
  words << "input " << number << ": give --seed=" << order.seed << " --only=" << number
        << " to have it alone; its " << input.size() << " bytes: ";
  constexpr char kDigits[] = "0123456789abcdef";
  for (unsigned char byte : input) {
    if (words.tellp() > static_cast<std::streamoff>(last_words.size()) - 16) {
      words << "...";
      break;
    }
    words << kDigits[byte >> 4] << kDigits[byte & 15];
  }
  return words.str();
}

size_t BytesTakenBy(const Target& target, const std::string& input) {
  size_t before = HeldBytes();
  ForgetMost();
  target.feed(input);
  return MostHeldBytes() - before;
}

}  // namespace

std::optional<std::string> Drive(const Target& target, const Order& order) {
  for (int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) ::signal(signal, SayLastWords);
  int inputs = order.inputs > 0 ? order.inputs : target.inputs;
  uint64_t first = order.only.value_or(0);
  uint64_t end = order.only ? first + 1 : static_cast<uint64_t>(inputs);
  for (uint64_t number = first; number < end; ++number) {
    std::string input = InputOf(target.seeds, order.seed, number);
    std::string words = WordsFor(order, number, input);
    std::snprintf(last_words.data(), last_words.size(), "crashed by %s\n", words.c_str());
    size_t took = BytesTakenBy(target, input);
    size_t allowed = target.bytes_max + target.bytes_per_byte_max * input.size();
    // Again: what is made once for all who come after is not the input's.
    if (took > allowed) took = BytesTakenBy(target, input);
    if (took > allowed) {
      return "took " + std::to_string(took) + " bytes of memory where " + std::to_string(allowed) +
             " are allowed, for " + words;
    }
  }
  return std::nullopt;
}

}  // namespace weir::fuzz
