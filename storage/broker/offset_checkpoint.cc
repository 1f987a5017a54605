// SPDX-License-Identifier: Apache-2.0
#include "storage/broker/offset_checkpoint.h"

#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

namespace weir::broker {
namespace {

constexpr std::string_view kVersion = "0";

// The text up to the next `end`, which is taken with it; nothing where there is none.
std::optional<std::string_view> Take(std::string_view& rest, char end) {
  const size_t at = rest.find(end);
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view taken = rest.substr(0, at);
  rest.remove_prefix(at + 1);
  return taken;
}

// A number that is not negative.
template <class T>
std::optional<T> NumberOf(std::string_view text) {
  T number{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

std::optional<std::pair<PartitionId, Offset>> EntryOf(std::string_view line) {
  auto name = Take(line, ' ');
  auto index = Take(line, ' ');
  auto topic = name ? TopicId::Parse(std::string(*name)) : std::nullopt;
  auto number = index ? NumberOf<int32_t>(*index) : std::nullopt;
  auto offset = NumberOf<int64_t>(line);
  if (!topic || !number || !offset) return std::nullopt;
  return std::pair(PartitionId{*topic, PartitionIndex(*number)}, Offset(*offset));
}

std::unexpected<Error> Corrupt(const std::string& why) {
  return Fail(Error::Kind::kCorrupt, "a checkpoint of offsets: " + why);
}

}  // namespace

std::string TextOf(const OffsetCheckpoint& checkpoint) {
  std::string text = std::string(kVersion) + "\n" + std::to_string(checkpoint.size()) + "\n";
  for (const auto& [id, offset] : checkpoint) {
    text += id.topic.ToString() + " " + std::to_string(id.index.value()) + " " +
            std::to_string(offset.value()) + "\n";
  }
  return text;
}

Result<OffsetCheckpoint> CheckpointOf(std::string_view text) {
  auto version = Take(text, '\n');
  if (version != kVersion) return Corrupt("its version is not 0");
  auto count = Take(text, '\n');
  auto expected = count ? NumberOf<int64_t>(*count) : std::nullopt;
  if (!expected) return Corrupt("it does not say how many lines it has");
  OffsetCheckpoint checkpoint;
  while (auto line = Take(text, '\n')) {
    auto entry = EntryOf(*line);
    if (!entry) return Corrupt("\"" + std::string(*line) + "\" is no topic, partition and offset");
    checkpoint.insert(*entry);
  }
  if (!text.empty()) return Corrupt("its last line is cut short");
  if (std::ssize(checkpoint) != *expected) {
    return Corrupt("it has " + std::to_string(checkpoint.size()) + " lines and says " +
                   std::to_string(*expected));
  }
  return checkpoint;
}

}  // namespace weir::broker
