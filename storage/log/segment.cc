// SPDX-License-Identifier: Apache-2.0
#include "storage/log/segment.h"

#include <charconv>

namespace weir::log {
namespace {

constexpr size_t kDigits = 20;
constexpr std::string_view kRecordsSuffix = ".log";

std::string Padded(Offset base) {
  std::string digits = std::to_string(base.value());
  return std::string(kDigits - digits.size(), '0') + digits;
}

}  // namespace

std::string RecordsName(Offset base) { return Padded(base) + std::string(kRecordsSuffix); }

std::string IndexName(Offset base) { return Padded(base) + ".index"; }

std::optional<Offset> ParseRecordsName(std::string_view name) {
  if (name.size() != kDigits + kRecordsSuffix.size() || !name.ends_with(kRecordsSuffix)) {
    return std::nullopt;
  }
  int64_t base = 0;
  auto [end, error] = std::from_chars(name.data(), name.data() + kDigits, base);
  if (error != std::errc() || end != name.data() + kDigits || base < 0) return std::nullopt;
  return Offset(base);
}

}  // namespace weir::log
