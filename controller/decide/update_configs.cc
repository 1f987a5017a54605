// SPDX-License-Identifier: Apache-2.0
#include "common/metadata/topic_config.h"
#include "controller/decide/decisions.h"
#include "controller/decide/draft.h"

namespace weir::decide {
namespace {

using metadata::ConfigScope;
using metadata::Durability;

// A partition that was kept from moving by the old value may move now, and eligible leaders were
// eligible under the old minimum: with a leader at work they may have missed what is committed
// from here on. What was eligible while the page cache was enough may have lost it since.
void Revise(Draft& draft, const metadata::Image& tip, const std::optional<TopicId>& only) {
  metadata::Image before = draft.image();
  for (const auto& [id, known] : before.partitions) {
    if (only && id.topic != *only) continue;
    metadata::Partition changed = known;
    bool has_new_minimum = metadata::EffectiveMinInsync(before, id, known) !=
                           metadata::EffectiveMinInsync(tip, id, known);
    bool was_cached = metadata::TopicConfigOf(tip, id.topic).durability != Durability::kFlush;
    bool is_flushed = metadata::TopicConfigOf(before, id.topic).durability == Durability::kFlush;
    if (was_cached && is_flushed) changed.eligible_leaders.clear();
    if (changed.leader != kNoNode) {
      if (has_new_minimum) changed.eligible_leaders.clear();
    } else {
      changed = Elect(std::move(changed), RulesFor(before, id, known));
    }
    draft.Change(id, std::move(changed));
  }
}

bool ChangesElections(const UpdateConfigs& command) {
  auto matters = [](const std::string& key) {
    return key == "min.insync.replicas" || key == "unclean.leader.election.enable" ||
           key == "weir.durability";
  };
  for (const auto& [key, value] : command.set) {
    if (matters(key)) return true;
  }
  return std::ranges::any_of(command.reset, matters);
}

Answer<void> Check(const UpdateConfigs& command) {
  if (command.scope == ConfigScope::kNode) {
    return Refuse(ErrorCode::kInvalidConfig, "nodes have no configs of their own");
  }
  for (const auto& [key, value] : command.set) {
    if (auto valid = metadata::ValidateTopicConfig(key, value); !valid) return valid;
  }
  for (const std::string& key : command.reset) {
    bool known = std::ranges::any_of(metadata::TopicConfigDefinitions(),
                                     [&](const auto& defined) { return defined.key == key; });
    if (!known) return Refuse(ErrorCode::kInvalidConfig, "there is no config '" + key + "'");
  }
  return {};
}

}  // namespace

Decision Decide(const metadata::Image& tip, const UpdateConfigs& command, Now) {
  if (auto valid = Check(command); !valid) return {std::nullopt, std::unexpected(valid.error())};
  std::optional<TopicId> topic;
  if (command.scope == ConfigScope::kTopic) {
    const metadata::Topic* known = tip.TopicNamed(command.resource);
    if (!known) {
      return RefuseDecision(ErrorCode::kUnknownTopicOrPartition,
                            "there is no topic '" + command.resource + "'");
    }
    topic = known->id;
  }
  if (command.validate_only) return {std::nullopt, Decided{}};
  Draft draft(tip);
  auto key_of = [&](const std::string& key) {
    return metadata::ConfigKey{command.scope, topic ? topic->ToString() : "", key};
  };
  for (const auto& [key, value] : command.set) {
    const std::string* held = draft.image().configs.Find(key_of(key));
    if (!held || *held != value) draft.Add(metadata::ToRecord(key_of(key), &value));
  }
  for (const std::string& key : command.reset) {
    if (draft.image().configs.Find(key_of(key))) {
      draft.Add(metadata::ToRecord(key_of(key), nullptr));
    }
  }
  if (ChangesElections(command)) Revise(draft, tip, topic);
  return std::move(draft).Finish(Decided{});
}

}  // namespace weir::decide
