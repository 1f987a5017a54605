// SPDX-License-Identifier: Apache-2.0
// Kafka's AlterPartition: a compare-and-set on the partition epoch (KIP-497, KIP-841, KIP-903).
#include <algorithm>
#include <set>
#include <sstream>

#include "controller/decide/decisions.h"
#include "controller/decide/draft.h"
#include "controller/decide/move.h"

namespace weir::decide {
namespace {

template <class... Parts>
std::string Words(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

// A leader that knows more than this controller has heard of a newer one.
Answer<void> CheckEpochs(const metadata::Partition& known, const ChangeIsr& command) {
  if (command.leader_epoch > known.leader_epoch ||
      command.partition_epoch > known.partition_epoch) {
    return Refuse(ErrorCode::kNotController, "the asker knows a later state than this controller");
  }
  if (command.leader_epoch == known.leader_epoch && known.leader != command.node) {
    return Refuse(ErrorCode::kInvalidRequest,
                  Words("node ", command.node, " never led in leader epoch ", known.leader_epoch));
  }
  if (command.leader_epoch < known.leader_epoch) {
    return Refuse(
        ErrorCode::kFencedLeaderEpoch,
        Words("node ", command.node, " leads no more: the leader epoch is ", known.leader_epoch));
  }
  if (command.partition_epoch < known.partition_epoch) {
    return Refuse(
        ErrorCode::kInvalidUpdateVersion,
        Words("the partition epoch is ", known.partition_epoch, ", not ", command.partition_epoch));
  }
  return {};
}

Answer<void> CheckMembers(const metadata::Image& tip, const metadata::Partition& known,
                          const ChangeIsr& command) {
  std::set<NodeId> members;
  for (const auto& member : command.isr) {
    if (!members.insert(member.node).second || !known.ReplicaOn(member.node)) {
      return Refuse(ErrorCode::kInvalidRequest,
                    Words("node ", member.node, " is no replica, or is named twice"));
    }
    const metadata::Node* node = tip.nodes.Find(member.node);
    const metadata::Replica* replica = known.ReplicaOn(member.node);
    bool is_present = node && node->epoch == member.epoch;
    if (!is_present) {
      return Refuse(ErrorCode::kIneligibleReplica,
                    Words("node ", member.node,
                          " did not follow in its present life: it followed with epoch ",
                          member.epoch, ", not ", node ? node->epoch : kNoNodeEpoch));
    }
    // Who is in sync already may stay while it stops; who is not must be wholly there.
    if (!known.IsInSync(member.node) && (!node->is_active() || !node->Offers(replica->directory))) {
      return Refuse(ErrorCode::kIneligibleReplica,
                    Words("node ", member.node, " is ", NameOf(node->state),
                          ", or lacks the replica's directory"));
    }
  }
  if (!members.contains(command.node)) {
    return Refuse(ErrorCode::kInvalidRequest, "the leader itself must be in sync");
  }
  return {};
}

}  // namespace

Decision Decide(const metadata::Image& tip, const ChangeIsr& command, Now) {
  const metadata::Partition* known = tip.partitions.Find(command.partition);
  if (!known) return RefuseDecision(ErrorCode::kUnknownTopicId, "the partition is gone");
  const metadata::Node* asker = tip.nodes.Find(command.node);
  if (!asker || asker->epoch != command.node_epoch) {
    return RefuseDecision(ErrorCode::kStaleBrokerEpoch, "the asking node has registered again");
  }
  if (auto epochs = CheckEpochs(*known, command); !epochs) {
    return {std::nullopt, std::unexpected(epochs.error())};
  }
  if (auto members = CheckMembers(tip, *known, command); !members) {
    return {std::nullopt, std::unexpected(members.error())};
  }
  ElectionRules rules = RulesFor(tip, command.partition, *known);
  metadata::Partition changed = *known;
  changed.isr.clear();
  for (const auto& member : command.isr) changed.isr.push_back(member.node);
  std::ranges::sort(changed.isr);
  // All that leave at once leave the same ISR: below the minimum each of them is eligible.
  changed.eligible_leaders.clear();
  if (static_cast<int32_t>(changed.isr.size()) < rules.min_insync) {
    for (const auto& replica : changed.replicas) {
      bool has_all = known->IsInSync(replica.node) || known->IsEligible(replica.node);
      if (has_all && !changed.IsInSync(replica.node)) {
        changed.eligible_leaders.push_back(replica.node);
      }
    }
    std::ranges::sort(changed.eligible_leaders);
  }
  changed.recovering = false;
  // A leader that is stopping waited for somebody to hand over to.
  ElectionRules without = RulesFor(tip, command.partition, changed, command.node);
  if (!asker->is_active() && HasSuccessor(changed, without)) {
    changed = WithoutInSync(std::move(changed), command.node, rules.min_insync, true);
    changed = Elect(std::move(changed), without);
  }
  changed = Elect(std::move(changed), RulesFor(tip, command.partition, changed));
  changed = Settled(tip, command.partition, std::move(changed));
  Draft draft(tip);
  draft.Change(command.partition, std::move(changed));
  PartitionEpoch epoch = draft.image().partitions.Find(command.partition)->partition_epoch;
  return std::move(draft).Finish(IsrChanged{epoch});
}

}  // namespace weir::decide
