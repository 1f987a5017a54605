// SPDX-License-Identifier: Apache-2.0
#include "cli/quantity.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace weir::cli {

Result<int64_t> ParseBytes(std::string_view text) {
  double number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  auto invalid = [&] {
    return Fail(Error::Kind::kInvalid,
                "'" + std::string(text) + "' is no amount of bytes: write 500KB, 3MB or 64KiB");
  };
  if (error != std::errc{} || !(number >= 0) || number > 1e15) return invalid();
  std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
  if (unit.ends_with("/s")) unit.remove_suffix(2);
  if (unit.ends_with("B") || unit.ends_with("b")) unit.remove_suffix(1);
  double factor = 0;
  if (unit.empty()) factor = 1;
  if (unit == "k" || unit == "K") factor = 1e3;
  if (unit == "M" || unit == "m") factor = 1e6;
  if (unit == "G" || unit == "g") factor = 1e9;
  if (unit == "Ki") factor = 1 << 10;
  if (unit == "Mi") factor = 1 << 20;
  if (unit == "Gi") factor = 1 << 30;
  if (factor == 0 || number * factor > 9e18) return invalid();
  return static_cast<int64_t>(std::llround(number * factor));
}

std::string FormatBytes(int64_t bytes) {
  constexpr std::array<const char*, 5> kUnits = {"B", "kB", "MB", "GB", "TB"};
  auto amount = static_cast<double>(bytes);
  size_t unit = 0;
  while (amount >= 1000 && unit + 1 < kUnits.size()) {
    amount /= 1000;
    ++unit;
  }
  char text[40];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", amount, kUnits[unit]);
  return text;
}

Result<std::vector<std::string>> ParseEndpoints(std::string_view text) {
  std::vector<std::string> endpoints;
  while (!text.empty()) {
    size_t comma = text.find(',');
    std::string_view one = text.substr(0, comma);
    text = comma == std::string_view::npos ? "" : text.substr(comma + 1);
    if (one.empty()) continue;
    size_t colon = one.rfind(':');
    int port = 0;
    bool good = colon != std::string_view::npos && colon > 0;
    if (good) {
      auto [end, error] = std::from_chars(one.data() + colon + 1, one.data() + one.size(), port);
      good = error == std::errc{} && end == one.data() + one.size() && port > 0 && port < 65536;
    }
    if (!good) {
      return Fail(Error::Kind::kInvalid,
                  "'" + std::string(one) + "' is no endpoint: write host:port, as 127.0.0.1:9092");
    }
    endpoints.emplace_back(one);
  }
  if (endpoints.empty()) {
    return Fail(Error::Kind::kInvalid, "no endpoint is given: write host:port,host:port");
  }
  return endpoints;
}

Result<std::pair<std::string, std::string>> ParseSetting(std::string_view text) {
  size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    return Fail(Error::Kind::kInvalid,
                "'" + std::string(text) + "' is no setting: write key=value");
  }
  return std::pair(std::string(text.substr(0, equals)), std::string(text.substr(equals + 1)));
}

}  // namespace weir::cli
