// SPDX-License-Identifier: Apache-2.0
#include "storage/log/format/epoch_checkpoint.h"

#include "storage/log/format/lines.h"

namespace weir::log {

std::string EncodeEpochCheckpoint(const LeaderEpochs& epochs) {
  std::string text = "0\n" + std::to_string(epochs.runs().size()) + "\n";
  for (const auto& run : epochs.runs()) {
    text += std::to_string(run.epoch.value()) + " " + std::to_string(run.start.value()) + "\n";
  }
  return text;
}

std::optional<LeaderEpochs> DecodeEpochCheckpoint(std::string_view text) {
  if (TakeLine(text) != "0") return std::nullopt;
  auto size = TakeLine(text);
  auto count = size ? NumberIn<int32_t>(*size) : std::nullopt;
  if (!count || *count < 0) return std::nullopt;
  LeaderEpochs epochs;
  for (int32_t i = 0; i < *count; ++i) {
    auto line = TakeLine(text);
    size_t space = line ? line->find(' ') : std::string_view::npos;
    if (space == std::string_view::npos) return std::nullopt;
    auto epoch = NumberIn<int32_t>(line->substr(0, space));
    auto start = NumberIn<int64_t>(line->substr(space + 1));
    if (!epoch || !start || *epoch < 0 || *start < 0) return std::nullopt;
    const auto& before = epochs.runs();
    if (!before.empty() &&
        (LeaderEpoch(*epoch) <= before.back().epoch || Offset(*start) <= before.back().start)) {
      return std::nullopt;
    }
    epochs.Assign(LeaderEpoch(*epoch), Offset(*start));
  }
  if (!text.empty()) return std::nullopt;
  return epochs;
}

}  // namespace weir::log
