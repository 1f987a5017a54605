// SPDX-License-Identifier: Apache-2.0
// A number with a meaning: two Strong types never mix, and cost what the number costs.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <limits>
#include <ostream>

namespace weir {

// `Tag` makes the type distinct. Default construction is zero.
template <class Tag, class Rep>
class Strong {
 public:
  using rep = Rep;

  constexpr Strong() = default;
  constexpr explicit Strong(Rep value) : value_(value) {}

  constexpr Rep value() const { return value_; }
  constexpr auto operator<=>(const Strong&) const = default;

  constexpr Strong operator+(Rep n) const { return Strong(static_cast<Rep>(value_ + n)); }
  constexpr Strong operator-(Rep n) const { return Strong(static_cast<Rep>(value_ - n)); }
  constexpr Rep operator-(Strong other) const { return static_cast<Rep>(value_ - other.value_); }
  constexpr Strong& operator++() {
    ++value_;
    return *this;
  }
  constexpr Strong& operator+=(Rep n) {
    value_ = static_cast<Rep>(value_ + n);
    return *this;
  }

  static constexpr Strong Max() { return Strong(std::numeric_limits<Rep>::max()); }

  friend std::ostream& operator<<(std::ostream& out, Strong s) {
    return out << static_cast<int64_t>(s.value_);
  }

 private:
  Rep value_ = 0;
};

}  // namespace weir

template <class Tag, class Rep>
struct std::hash<weir::Strong<Tag, Rep>> {
  size_t operator()(weir::Strong<Tag, Rep> s) const { return std::hash<Rep>()(s.value()); }
};
