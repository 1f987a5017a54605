// SPDX-License-Identifier: Apache-2.0
#include "common/metadata/topic_name.h"

#include <algorithm>

namespace weir::metadata {
namespace {

constexpr std::string_view kAllowed =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

std::string WithoutDots(std::string name) {
  std::ranges::replace(name, '.', '_');
  return name;
}

}  // namespace

Answer<void> ValidateTopicName(std::string_view name) {
  constexpr auto kCode = ErrorCode::kInvalidTopicException;
  if (name.empty()) return Refuse(kCode, "a topic's name is empty: give it 1 to 249 characters");
  if (name == "." || name == "..") {
    return Refuse(kCode, "a topic cannot be named \"" + std::string(name) +
                             "\": use a letter, a digit, '_' or '-' as well");
  }
  if (name.size() > kTopicNameMax) {
    return Refuse(kCode, "a topic's name has " + std::to_string(name.size()) +
                             " characters: at most 249 are allowed");
  }
  size_t bad = name.find_first_not_of(kAllowed);
  if (bad != std::string_view::npos) {
    return Refuse(kCode, "topic name \"" + std::string(name) + "\" has a character that is not " +
                             "allowed at position " + std::to_string(bad + 1) +
                             ": use a-z, A-Z, 0-9, '.', '_' and '-'");
  }
  return {};
}

std::string CollidingTopic(const Image& image, const std::string& name) {
  if (name.find_first_of("._") == std::string::npos) return "";
  std::string plain = WithoutDots(name);
  for (const auto& [other, id] : image.topic_ids) {
    if (other != name && WithoutDots(other) == plain) return other;
  }
  return "";
}

}  // namespace weir::metadata
