// SPDX-License-Identifier: Apache-2.0
// Two kinds of time that never mix, and the span between two points of one kind.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <ostream>

namespace weir {

using Duration = std::chrono::nanoseconds;

// Monotonic time within one process's life: deadlines. Never logged, never sent.
struct Instant {
  int64_t ns = 0;

  constexpr auto operator<=>(const Instant&) const = default;
  constexpr Instant operator+(Duration d) const { return {ns + d.count()}; }
  constexpr Instant operator-(Duration d) const { return {ns - d.count()}; }
  constexpr Duration operator-(Instant other) const { return Duration(ns - other.ns); }
  static constexpr Instant Never() { return {INT64_MAX}; }

  friend std::ostream& operator<<(std::ostream& out, Instant t) { return out << t.ns << "ns"; }
};

// Milliseconds since the Unix epoch: timestamps. Never a deadline, for clocks jump.
struct WallTime {
  int64_t ms = 0;

  constexpr auto operator<=>(const WallTime&) const = default;
  friend std::ostream& operator<<(std::ostream& out, WallTime t) { return out << t.ms << "ms"; }
};

}  // namespace weir
