// SPDX-License-Identifier: Apache-2.0
// Takes Kafka's small text files apart: line by line, number by number. Pure.
#pragma once

#include <charconv>
#include <concepts>
#include <optional>
#include <string_view>

namespace weir::log {

// The next line, without its end, and that end, are taken off the front of `text`; a last line
// needs no end. Nothing where no text is left.
inline std::optional<std::string_view> TakeLine(std::string_view& text) {
  if (text.empty()) return std::nullopt;
  size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

// `word` as a number, and nothing else.
template <std::integral T>
std::optional<T> NumberIn(std::string_view word) {
  T value = 0;
  auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return value;
}

}  // namespace weir::log
