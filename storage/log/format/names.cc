// SPDX-License-Identifier: Apache-2.0
#include "storage/log/format/names.h"

#include <array>
#include <charconv>

namespace weir::log {
namespace {

constexpr size_t kDigits = 20;
// In the order of FileKind, and of FileStage.
constexpr std::array<std::string_view, 4> kKinds = {".log", ".index", ".timeindex", ".snapshot"};
constexpr std::array<std::string_view, 4> kStages = {"", ".cleaned", ".swap", ".deleted"};

}  // namespace

std::string FileName::ToString() const {
  std::string digits = std::to_string(offset.value());
  std::string name(kDigits - digits.size(), '0');
  name += digits;
  name += kKinds[static_cast<size_t>(kind)];
  name += kStages[static_cast<size_t>(stage)];
  return name;
}

std::optional<FileName> FileName::Parse(std::string_view name) {
  if (name.size() <= kDigits) return std::nullopt;
  int64_t offset = 0;
  auto [end, error] = std::from_chars(name.data(), name.data() + kDigits, offset);
  if (error != std::errc() || end != name.data() + kDigits || offset < 0) return std::nullopt;
  name.remove_prefix(kDigits);
  for (size_t kind = 0; kind < kKinds.size(); ++kind) {
    for (size_t stage = 0; stage < kStages.size(); ++stage) {
      if (name.starts_with(kKinds[kind]) && name.substr(kKinds[kind].size()) == kStages[stage]) {
        return FileName{Offset(offset), static_cast<FileKind>(kind),
                        static_cast<FileStage>(stage)};
      }
    }
  }
  return std::nullopt;
}

}  // namespace weir::log
