// SPDX-License-Identifier: Apache-2.0
#include "common/base/uuid.h"

#include <algorithm>

namespace weir {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr size_t kTextLength = 22;

}  // namespace

Uuid Uuid::FromRandom(uint64_t high, uint64_t low) {
  Uuid uuid;
  for (int i = 0; i < 8; ++i) {
    uuid.bytes[i] = static_cast<uint8_t>(high >> (8 * (7 - i)));
    uuid.bytes[8 + i] = static_cast<uint8_t>(low >> (8 * (7 - i)));
  }
  uuid.bytes[6] = static_cast<uint8_t>((uuid.bytes[6] & 0x0f) | 0x40);
  uuid.bytes[8] = static_cast<uint8_t>((uuid.bytes[8] & 0x3f) | 0x80);
  return uuid;
}

std::optional<Uuid> Uuid::FromBytes(std::string_view bytes) {
  Uuid uuid;
  if (bytes.size() != uuid.bytes.size()) return std::nullopt;
  std::copy(bytes.begin(), bytes.end(), uuid.bytes.begin());
  return uuid;
}

std::optional<Uuid> Uuid::Parse(std::string_view text) {
  if (text.size() != kTextLength) return std::nullopt;
  Uuid uuid;
  uint32_t bits = 0;
  int held = 0;
  size_t filled = 0;
  for (char c : text) {
    size_t digit = kAlphabet.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    bits = (bits << 6) | static_cast<uint32_t>(digit);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    uuid.bytes[filled++] = static_cast<uint8_t>(bits >> held);
  }
  // 22 digits hold 132 bits: the last four must be zero, so that each identity has one text.
  if ((bits & ((1u << held) - 1)) != 0) return std::nullopt;
  return uuid;
}

std::string Uuid::ToBytes() const { return std::string(bytes.begin(), bytes.end()); }

std::string Uuid::ToString() const {
  std::string text;
  text.reserve(kTextLength);
  uint32_t bits = 0;
  int held = 0;
  for (uint8_t byte : bytes) {
    bits = (bits << 8) | byte;
    held += 8;
    while (held >= 6) {
      held -= 6;
      text.push_back(kAlphabet[(bits >> held) & 63]);
    }
  }
  text.push_back(kAlphabet[(bits << (6 - held)) & 63]);
  return text;
}

}  // namespace weir
