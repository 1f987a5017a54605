// SPDX-License-Identifier: Apache-2.0
// Faults as lines of a schedule.
#include <charconv>
#include <iomanip>
#include <optional>
#include <sstream>

#include "tests/sim/faults.h"

namespace weir::sim {

namespace {

constexpr FaultKind kLast = FaultKind::kDrift;

void PrintSeconds(std::ostream& out, Duration time) {
  int64_t ms = time.count() / 1'000'000;
  out << ms / 1000 << '.' << std::setw(3) << std::setfill('0') << ms % 1000 << 's';
}

std::optional<Duration> ParseSeconds(const std::string& word) {
  double seconds = 0;
  const char* end = word.data() + word.size();
  auto [rest, error] = std::from_chars(word.data(), end, seconds);
  if (error != std::errc() || rest + 1 != end || *rest != 's' || seconds < 0) return std::nullopt;
  return std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000 + 0.5));
}

std::optional<FaultKind> KindNamed(const std::string& word) {
  for (int i = 0; i <= static_cast<int>(kLast); ++i) {
    if (NameOf(static_cast<FaultKind>(i)) == word) return static_cast<FaultKind>(i);
  }
  return std::nullopt;
}

}  // namespace

std::string_view NameOf(FaultKind kind) {
  switch (kind) {
    case FaultKind::kKill:
      return "kill";
    case FaultKind::kPowerLoss:
      return "power-loss";
    case FaultKind::kPause:
      return "pause";
    case FaultKind::kCut:
      return "cut";
    case FaultKind::kCutOneWay:
      return "cut-one-way";
    case FaultKind::kStall:
      return "stall";
    case FaultKind::kStallOneWay:
      return "stall-one-way";
    case FaultKind::kSlowLink:
      return "slow-link";
    case FaultKind::kLossyLink:
      return "lossy-link";
    case FaultKind::kDuplicates:
      return "duplicates";
    case FaultKind::kRing:
      return "ring";
    case FaultKind::kSplit:
      return "split";
    case FaultKind::kSever:
      return "sever";
    case FaultKind::kDiskStall:
      return "disk-stall";
    case FaultKind::kSlowDisk:
      return "slow-disk";
    case FaultKind::kDiskErrors:
      return "disk-errors";
    case FaultKind::kSyncErrors:
      return "sync-errors";
    case FaultKind::kDiskFull:
      return "disk-full";
    case FaultKind::kWipe:
      return "wipe";
    case FaultKind::kBitFlip:
      return "bit-flip";
    case FaultKind::kClockJump:
      return "clock-jump";
    case FaultKind::kDrift:
      return "drift";
  }
  return "fault";
}

std::ostream& operator<<(std::ostream& out, const Fault& fault) {
  PrintSeconds(out, fault.begin);
  out << ' ' << NameOf(fault.kind);
  for (const std::string& name : fault.who) out << ' ' << name;
  if (fault.amount != 0) out << " by " << fault.amount;
  out << " until ";
  PrintSeconds(out, fault.end);
  return out;
}

Result<Fault> ParseFault(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  Fault fault{};
  auto begin = words.empty() ? std::nullopt : ParseSeconds(words[0]);
  auto kind = words.size() < 2 ? std::nullopt : KindNamed(words[1]);
  auto at = words.begin() + 2;
  if (begin && kind) {
    for (; at < words.end() && *at != "by" && *at != "until"; ++at) fault.who.push_back(*at);
    if (words.end() - at >= 2 && *at == "by") {
      fault.amount = std::atoll(at[1].c_str());
      at += 2;
    }
  }
  auto end =
      begin && kind && words.end() - at == 2 && *at == "until" ? ParseSeconds(at[1]) : std::nullopt;
  if (!end || fault.who.empty()) {
    return Fail(Error::Kind::kInvalid,
                "'" + line + "' is no fault, as '1.250s kill node-2 until 3.100s' is one");
  }
  fault.kind = *kind;
  fault.begin = *begin;
  fault.end = *end;
  return fault;
}

}  // namespace weir::sim
