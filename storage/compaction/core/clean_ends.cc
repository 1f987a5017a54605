// SPDX-License-Identifier: Apache-2.0
#include "storage/compaction/core/clean_ends.h"

#include <array>
#include <charconv>
#include <concepts>

namespace weir::compaction {
namespace {

// The next line is taken off the front of `text`, with its end, which must be there.
std::optional<std::string_view> TakeLine(std::string_view& text) {
  size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

template <std::integral T>
std::optional<T> NumberIn(std::string_view word) {
  T value = 0;
  auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size() || value < 0) return std::nullopt;
  return value;
}

std::optional<CleanEnds::value_type> EntryIn(std::string_view line) {
  size_t first = line.find(' ');
  size_t second = line.find(' ', first == std::string_view::npos ? first : first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  auto topic = TopicId::Parse(line.substr(0, first));
  auto index = NumberIn<int32_t>(line.substr(first + 1, second - first - 1));
  auto end = NumberIn<int64_t>(line.substr(second + 1));
  if (!topic || !index || !end) return std::nullopt;
  return CleanEnds::value_type{{*topic, PartitionIndex(*index)}, Offset(*end)};
}

}  // namespace

std::string EncodeCleanEnds(const CleanEnds& ends) {
  std::string text = "0\n" + std::to_string(ends.size()) + "\n";
  for (const auto& [id, end] : ends) {
    text += id.topic.ToString() + " " + std::to_string(id.index.value()) + " " +
            std::to_string(end.value()) + "\n";
  }
  return text;
}

std::optional<CleanEnds> DecodeCleanEnds(std::string_view text) {
  if (TakeLine(text) != "0") return std::nullopt;
  auto size = TakeLine(text);
  auto count = size ? NumberIn<uint64_t>(*size) : std::nullopt;
  if (!count) return std::nullopt;
  CleanEnds ends;
  while (!text.empty()) {
    auto line = TakeLine(text);
    auto entry = line ? EntryIn(*line) : std::nullopt;
    if (!entry || !ends.insert(*entry).second) return std::nullopt;
  }
  // A file that was cut short says fewer than it counts.
  if (ends.size() != *count) return std::nullopt;
  return ends;
}

}  // namespace weir::compaction
