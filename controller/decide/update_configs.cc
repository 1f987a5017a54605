// SPDX-License-Identifier: Apache-2.0
#include <set>

#include "common/metadata/apply.h"
#include "common/metadata/topic_config.h"
#include "controller/decide/decisions.h"
#include "controller/decide/draft.h"
#include "controller/decide/move.h"

namespace weir::decide {
namespace {

using metadata::ConfigScope;
using metadata::Durability;

// Eligible leaders were eligible under the old minimum: with a leader at work they may have missed
// what is committed under the new one. What was eligible while the page cache was enough may have
// lost it since. They are forgotten before the new values hold. False if some are left for the next
// part.
bool ForgetEligible(Draft& draft, const metadata::Image& wanted,
                    const std::optional<TopicId>& only) {
  const metadata::Image before = draft.image();
  for (const auto& [id, known] : before.partitions) {
    if ((only && id.topic != *only) || known.eligible_leaders.empty()) continue;
    bool has_new_minimum = metadata::EffectiveMinInsync(wanted, id, known) !=
                           metadata::EffectiveMinInsync(before, id, known);
    bool was_cached = metadata::TopicConfigOf(before, id.topic).durability != Durability::kFlush;
    bool is_flushed = metadata::TopicConfigOf(wanted, id.topic).durability == Durability::kFlush;
    bool may_lack = (was_cached && is_flushed) || (known.leader != kNoNode && has_new_minimum);
    if (!may_lack) continue;
    if (draft.is_full()) return false;
    metadata::Partition changed = known;
    changed.eligible_leaders.clear();
    draft.Change(id, std::move(changed));
  }
  return true;
}

// A partition that was kept from a leader, or from the end of its move, by an old value has its way
// now. False if some are left for the next part.
bool Revise(Draft& draft, const std::optional<TopicId>& only) {
  const metadata::Image before = draft.image();
  for (const auto& [id, known] : before.partitions) {
    if (only && id.topic != *only) continue;
    if (known.leader != kNoNode && !known.is_moving()) continue;
    if (draft.is_full()) return false;
    metadata::Partition changed = known;
    if (known.leader == kNoNode) {
      changed = Rehomed(before, id, Elect(std::move(changed), RulesFor(before, id, known)));
    }
    draft.Change(id, Settled(before, id, std::move(changed)));
  }
  return true;
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
    return Refuse(ErrorCode::kInvalidConfig,
                  "nodes have no configs of their own, and none can be set: set it for the whole "
                  "cluster (configs/cluster) or for a topic (configs/topics/{topic})");
  }
  if (command.set.size() + command.reset.size() > kConfigsMax) {
    return Refuse(ErrorCode::kInvalidConfig,
                  "a request changes " + std::to_string(kConfigsMax) + " configs at most, not " +
                      std::to_string(command.set.size() + command.reset.size()));
  }
  std::set<std::string> keys(command.reset.begin(), command.reset.end());
  for (const auto& [key, value] : command.set) keys.insert(key);
  if (keys.size() < command.set.size() + command.reset.size()) {
    return Refuse(ErrorCode::kInvalidConfig, "a config is named twice: set it or reset it, once");
  }
  for (const auto& [key, value] : command.set) {
    if (auto valid = metadata::ValidateTopicConfig(key, value, command.scope); !valid) return valid;
  }
  for (const std::string& key : command.reset) {
    bool known = std::ranges::any_of(metadata::TopicConfigDefinitions(),
                                     [&](const auto& defined) { return defined.key == key; });
    if (!known) return Refuse(ErrorCode::kInvalidConfig, "there is no config '" + key + "'");
  }
  return {};
}

// What differs from what is set already.
std::vector<metadata::v1::Record> RecordsOf(const metadata::Image& tip,
                                            const UpdateConfigs& command,
                                            const std::optional<TopicId>& topic) {
  std::vector<metadata::v1::Record> records;
  auto key_of = [&](const std::string& key) {
    return metadata::ConfigKey{command.scope, topic ? topic->ToString() : "", key};
  };
  for (const auto& [key, value] : command.set) {
    const std::string* held = tip.configs.Find(key_of(key));
    if (!held || *held != value) records.push_back(metadata::ToRecord(key_of(key), &value));
  }
  for (const std::string& key : command.reset) {
    if (tip.configs.Find(key_of(key))) records.push_back(metadata::ToRecord(key_of(key), nullptr));
  }
  return records;
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
  std::vector<metadata::v1::Record> records = RecordsOf(tip, command, topic);
  if (ChangesElections(command)) {
    metadata::Image wanted = tip;
    for (const auto& record : records) wanted = metadata::Apply(std::move(wanted), record);
    if (!ForgetEligible(draft, wanted, topic)) return std::move(draft).Finish(DecidedInPart{});
  }
  for (const auto& record : records) draft.Add(record);
  if (ChangesElections(command) && !Revise(draft, topic)) {
    return std::move(draft).Finish(DecidedInPart{});
  }
  return std::move(draft).Finish(Decided{});
}

}  // namespace weir::decide
