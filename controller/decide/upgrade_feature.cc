// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "controller/decide/decisions.h"
#include "controller/decide/draft.h"

namespace weir::decide {
namespace {

using metadata::FeatureRange;

const FeatureRange* Named(const std::vector<FeatureRange>& ranges, const std::string& name) {
  auto found = std::ranges::find(ranges, name, &FeatureRange::name);
  return found == ranges.end() ? nullptr : &*found;
}

// What a process can do, of which its range says so; null: it names none.
std::string Ability(const FeatureRange* range, const UpgradeFeature& command) {
  std::string not_this = ", not level " + std::to_string(command.level);
  if (!range) return " does not know feature '" + command.name + "'";
  return " supports levels " + std::to_string(range->min_level) + " to " +
         std::to_string(range->max_level) + " of feature '" + command.name + "'" + not_this;
}

bool Includes(const FeatureRange* range, int32_t level) {
  return range && range->min_level <= level && level <= range->max_level;
}

Refusal Failed(std::string why) { return {ErrorCode::kFeatureUpdateFailed, std::move(why)}; }

Answer<void> CheckLevel(const UpgradeFeature& command, int32_t held) {
  const FeatureRange* ours = Named(command.supported, command.name);
  if (!ours && held == 0) {
    std::string names;
    for (const FeatureRange& range : command.supported) names += " '" + range.name + "'";
    return std::unexpected(
        Failed("there is no feature '" + command.name + "'; the features are" + names));
  }
  if (command.level < held) {
    return std::unexpected(Failed("feature '" + command.name + "' is at level " +
                                  std::to_string(held) + ", and cannot go back to " +
                                  std::to_string(command.level) +
                                  ": what was written since then, older processes cannot read"));
  }
  if (!Includes(ours, command.level)) {
    return std::unexpected(Failed("a controller" + Ability(ours, command) +
                                  ": start a newer version on all controllers first"));
  }
  return {};
}

}  // namespace

Decision Decide(const metadata::Image& tip, const UpgradeFeature& command, Now) {
  const int32_t* level = tip.features.Find(command.name);
  int32_t held = level ? *level : 0;
  // A level that is in force stays lawful, whoever asks.
  if (level && command.level == held) return {std::nullopt, Decided{}};
  if (auto fits = CheckLevel(command, held); !fits) {
    return {std::nullopt, std::unexpected(fits.error())};
  }
  for (const auto& [id, node] : tip.nodes) {
    const FeatureRange* range = Named(node.features, command.name);
    if (Includes(range, command.level)) continue;
    return RefuseDecision(ErrorCode::kFeatureUpdateFailed,
                          "node " + std::to_string(id.value()) + " (" +
                              std::string(NameOf(node.state)) + ")" + Ability(range, command) +
                              ": start a newer version of it first, or remove it");
  }
  if (command.validate_only) return {std::nullopt, Decided{}};
  Draft draft(tip);
  draft.Add(metadata::ToFeatureRecord(command.name, command.level));
  return std::move(draft).Finish(Decided{});
}

}  // namespace weir::decide
