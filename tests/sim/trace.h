// SPDX-License-Identifier: Apache-2.0
// What happened, as a running hash: two runs of one seed must end with the same one. As text too,
// where somebody listens.
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

#include "common/base/time.h"

namespace weir::sim {

// A fast hash of content; not for anything but comparing runs.
inline uint64_t HashOf(std::string_view text) {
  uint64_t hash = 0x9e3779b97f4a7c15 ^ text.size();
  while (!text.empty()) {
    uint64_t word = 0;
    size_t taken = text.size() < sizeof(word) ? text.size() : sizeof(word);
    std::memcpy(&word, text.data(), taken);
    text.remove_prefix(taken);
    hash = (hash ^ word) * 0xff51afd7ed558ccd;
    hash ^= hash >> 32;
  }
  return hash;
}

class Trace {
 public:
  using Listener = std::function<void(Instant when, std::string_view line)>;

  uint64_t hash() const { return hash_; }
  uint64_t events() const { return events_; }
  bool heard() const { return static_cast<bool>(listener_); }
  void Listen(Listener listener) { listener_ = std::move(listener); }

  void Add(uint64_t word) {
    hash_ = (hash_ ^ word) * 0xc4ceb9fe1a85ec53;
    hash_ ^= hash_ >> 29;
  }
  void AddEvent(Instant when, uint64_t life, std::string_view kind) {
    ++events_;
    Add(static_cast<uint64_t>(when.ns));
    Add(life << 8 | static_cast<uint8_t>(kind.empty() ? 0 : kind[0]));
  }

  // `line` is a function, so that a run without a listener makes no text.
  template <class Line>
  void Say(Instant when, Line line) {
    if (listener_) listener_(when, line());
  }

 private:
  uint64_t hash_ = 0x243f6a8885a308d3;
  uint64_t events_ = 0;
  Listener listener_;
};

}  // namespace weir::sim
