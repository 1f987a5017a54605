// SPDX-License-Identifier: Apache-2.0
#include "controller/decide/draft.h"

#include "common/metadata/topic_config.h"

namespace weir::decide {

ElectionRules RulesFor(const metadata::Image& image, const PartitionId& id,
                       const metadata::Partition& partition, NodeId leaving) {
  ElectionRules rules;
  rules.may_lead = [&image, leaving](const metadata::Replica& replica) {
    if (replica.node == leaving) return false;
    const metadata::Node* node = image.nodes.Find(replica.node);
    return node != nullptr && node->is_active() && node->Offers(replica.directory);
  };
  rules.may_stay = [&image, leaving](const metadata::Replica& replica) {
    if (replica.node == leaving) return false;
    const metadata::Node* node = image.nodes.Find(replica.node);
    return node != nullptr && node->state != metadata::NodeState::kFenced &&
           node->Offers(replica.directory);
  };
  rules.is_draining = [&image](NodeId id) {
    const metadata::Node* node = image.nodes.Find(id);
    return node != nullptr && node->is_draining();
  };
  metadata::TopicConfig config = metadata::TopicConfigOf(image, id.topic);
  rules.min_insync = metadata::EffectiveMinInsync(config, partition);
  rules.may_be_unclean = config.unclean_leader_election;
  return rules;
}

bool Leave(Draft& draft, const Leaving& leaving) {
  metadata::Image before = draft.image();
  for (const auto& [id, known] : before.partitions) {
    const metadata::Replica* replica = known.ReplicaOn(leaving.node);
    if (!replica || (leaving.directory && replica->directory != *leaving.directory)) continue;
    bool in_sync = known.IsInSync(leaving.node);
    bool keeps_log = !leaving.loses_cache || metadata::TopicConfigOf(before, id.topic).durability ==
                                                 metadata::Durability::kFlush;
    if (!in_sync && (keeps_log || !known.IsEligible(leaving.node))) continue;
    ElectionRules rules = RulesFor(draft.image(), id, known, leaving.node);
    if (leaving.only_if_others_remain && !HasSuccessor(known, rules)) continue;
    if (draft.is_full()) return false;
    draft.Change(id, Elect(WithoutInSync(known, leaving.node, rules.min_insync, keeps_log), rules));
  }
  return true;
}

}  // namespace weir::decide
