// SPDX-License-Identifier: Apache-2.0
// A 128-bit identity. As text it is Kafka's: 22 characters of URL-safe base64 without padding.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

namespace weir {

struct Uuid {
  std::array<uint8_t, 16> bytes{};

  auto operator<=>(const Uuid&) const = default;
  bool is_nil() const { return *this == Uuid{}; }

  // A random (version 4) identity out of 128 bits of chance.
  static Uuid FromRandom(uint64_t high, uint64_t low);
  // 16 raw bytes, as messages carry them; nothing if the length differs.
  static std::optional<Uuid> FromBytes(std::string_view bytes);
  static std::optional<Uuid> Parse(std::string_view text);

  std::string ToBytes() const;
  std::string ToString() const;
};

// A Uuid with a meaning; `Tag` makes the type distinct.
template <class Tag>
struct Identity : Uuid {
  Identity() = default;
  explicit Identity(Uuid uuid) : Uuid(uuid) {}
  auto operator<=>(const Identity&) const = default;

  static std::optional<Identity> FromBytes(std::string_view bytes) {
    auto uuid = Uuid::FromBytes(bytes);
    return uuid ? std::optional(Identity(*uuid)) : std::nullopt;
  }
  static std::optional<Identity> Parse(std::string_view text) {
    auto uuid = Uuid::Parse(text);
    return uuid ? std::optional(Identity(*uuid)) : std::nullopt;
  }
  friend std::ostream& operator<<(std::ostream& out, const Identity& id) {
    return out << id.ToString();
  }
};

}  // namespace weir

template <class Tag>
struct std::hash<weir::Identity<Tag>> {
  size_t operator()(const weir::Identity<Tag>& id) const {
    return std::hash<std::string_view>()(
        std::string_view(reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()));
  }
};
