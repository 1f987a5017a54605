// SPDX-License-Identifier: Apache-2.0
#include "cli/moment.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <optional>
#include <utility>

namespace weir::cli {
namespace {

std::optional<int64_t> TakeNumber(std::string_view& text, size_t digits = 0) {
  int64_t number = 0;
  const size_t most = digits > 0 ? std::min(digits, text.size()) : text.size();
  auto [end, error] = std::from_chars(text.data(), text.data() + most, number);
  const auto taken = static_cast<size_t>(end - text.data());
  if (error != std::errc() || text.empty() || text.front() == '-') return std::nullopt;
  if (digits > 0 && taken != digits) return std::nullopt;
  text.remove_prefix(taken);
  return number;
}

bool Take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

// "90m" in milliseconds.
std::optional<int64_t> ParseSpan(std::string_view text) {
  auto number = TakeNumber(text);
  if (!number) return std::nullopt;
  constexpr std::pair<std::string_view, int64_t> kUnits[] = {
      {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
  for (const auto& [name, ms] : kUnits) {
    if (text == name && *number <= INT64_MAX / ms) return *number * ms;
  }
  return std::nullopt;
}

// What follows the date, in milliseconds to be added to it.
std::optional<int64_t> ParseTimeOfDay(std::string_view text) {
  auto hour = TakeNumber(text, 2);
  if (!hour || *hour > 23 || !Take(text, ':')) return std::nullopt;
  auto minute = TakeNumber(text, 2);
  if (!minute || *minute > 59) return std::nullopt;
  int64_t ms = (*hour * 60 + *minute) * 60'000;
  if (Take(text, ':')) {
    auto second = TakeNumber(text, 2);
    if (!second || *second > 60) return std::nullopt;
    ms += *second * 1000;
  }
  if (Take(text, '.')) {
    auto fraction = TakeNumber(text, 3);
    if (!fraction) return std::nullopt;
    ms += *fraction;
  }
  if (Take(text, 'Z')) return text.empty() ? std::optional(ms) : std::nullopt;
  const bool is_east = text.starts_with('+');
  if (!Take(text, '+') && !Take(text, '-')) return std::nullopt;
  auto hours = TakeNumber(text, 2);
  if (!hours || !Take(text, ':')) return std::nullopt;
  auto minutes = TakeNumber(text, 2);
  if (!minutes || !text.empty()) return std::nullopt;
  const int64_t off = (*hours * 60 + *minutes) * 60'000;
  return is_east ? ms - off : ms + off;
}

std::optional<int64_t> ParseDate(std::string_view text) {
  auto year = TakeNumber(text, 4);
  if (!year || !Take(text, '-')) return std::nullopt;
  auto month = TakeNumber(text, 2);
  if (!month || !Take(text, '-')) return std::nullopt;
  auto day = TakeNumber(text, 2);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  if (text.empty()) return days * 86'400'000;
  if (!Take(text, 'T')) return std::nullopt;
  auto time = ParseTimeOfDay(text);
  return time ? std::optional(days * 86'400'000 + *time) : std::nullopt;
}

}  // namespace

Result<WallTime> ParseMoment(std::string_view text, WallTime now) {
  std::string_view rest = text;
  if (Take(rest, '-')) {
    if (auto span = ParseSpan(rest)) return WallTime{now.ms - *span};
  } else if (auto number = TakeNumber(rest); number && rest.empty()) {
    return WallTime{*number};
  } else if (auto date = ParseDate(text)) {
    return WallTime{*date};
  }
  return Fail(Error::Kind::kInvalid,
              "'" + std::string(text) +
                  "' is no point in time; write 2026-05-01T13:45:00Z, 2026-05-01, -90m or "
                  "milliseconds since 1970");
}

std::string FormatMoment(WallTime time) {
  using std::chrono::milliseconds;
  const std::chrono::sys_time<milliseconds> at{milliseconds(time.ms)};
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss<milliseconds> clock(at - day);
  char text[64];
  std::snprintf(
      text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
      static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  return text;
}

}  // namespace weir::cli
