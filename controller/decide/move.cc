// SPDX-License-Identifier: Apache-2.0
#include "controller/decide/move.h"

#include <algorithm>

#include "common/metadata/placement.h"
#include "common/metadata/topic_config.h"
#include "controller/decide/draft.h"

namespace weir::decide {
namespace {

using metadata::Image;
using metadata::Partition;
using metadata::Replica;

bool Holds(const std::vector<Replica>& replicas, NodeId node) {
  return std::ranges::count(replicas, node, &Replica::node) > 0;
}

// Forgets everybody who has no replica any more. The leader is the caller's.
void KeepOnly(Partition& partition, std::vector<Replica> replicas) {
  partition.replicas = std::move(replicas);
  auto is_gone = [&](NodeId node) { return !partition.ReplicaOn(node); };
  for (auto* list :
       {&partition.isr, &partition.adding, &partition.removing, &partition.eligible_leaders}) {
    std::erase_if(*list, is_gone);
  }
  if (is_gone(partition.last_known_leader)) partition.last_known_leader = kNoNode;
}

// With fewer replicas: another leader if the old one is not among them, and another epoch in any
// case, so that who is gone cannot follow any longer. Nothing if nobody could lead.
bool LeadAnew(const Image& image, const PartitionId& id, Partition& partition) {
  if (partition.leader == kNoNode) return true;
  if (partition.ReplicaOn(partition.leader)) {
    ++partition.leader_epoch;
    return true;
  }
  ElectionRules rules = RulesFor(image, id, partition);
  if (!HasSuccessor(partition, rules)) return false;
  partition = Elect(std::move(partition), rules);
  return true;
}

std::vector<NodeId> Ascending(std::vector<NodeId> nodes) {
  std::ranges::sort(nodes);
  return nodes;
}

}  // namespace

std::vector<Replica> TargetOf(const Partition& partition) {
  std::vector<Replica> target = partition.replicas;
  std::erase_if(target, [&](const Replica& r) { return partition.IsLeaving(r.node); });
  return target;
}

std::vector<Replica> OriginOf(const Partition& partition) {
  std::vector<Replica> origin = partition.replicas;
  std::erase_if(origin, [&](const Replica& r) { return partition.IsJoining(r.node); });
  return origin;
}

Answer<Partition> Moved(const Image& image, const PartitionId& id, Partition partition,
                        std::vector<Replica> target) {
  std::vector<Replica> origin = OriginOf(partition);
  std::vector<Replica> replicas = target;
  std::vector<NodeId> adding;
  std::vector<NodeId> removing;
  for (const Replica& replica : target) {
    if (!Holds(origin, replica.node)) adding.push_back(replica.node);
  }
  for (const Replica& replica : origin) {
    if (Holds(target, replica.node)) continue;
    removing.push_back(replica.node);
    replicas.push_back(replica);
  }
  const Partition before = partition;
  bool drops =
      std::ranges::any_of(before.adding, [&](NodeId node) { return !Holds(replicas, node); });
  KeepOnly(partition, std::move(replicas));
  partition.adding = Ascending(std::move(adding));
  partition.removing = Ascending(std::move(removing));
  bool knew = !before.isr.empty() || !before.eligible_leaders.empty();
  bool knows = !partition.isr.empty() || !partition.eligible_leaders.empty();
  if ((knew && !knows) || (drops && !LeadAnew(image, id, partition))) {
    return Refuse(ErrorCode::kIneligibleReplica,
                  "only replicas that are just joining, among " + ListOf(before.adding) +
                      ", are in sync now: wait until one of " + ListOf(origin) +
                      " is in sync again, or move it to them too");
  }
  return Settled(image, id, std::move(partition));
}

Partition Settled(const Image& image, const PartitionId& id, Partition partition) {
  if (!partition.is_moving() || partition.leader == kNoNode) return partition;
  if (!std::ranges::all_of(partition.adding, [&](NodeId n) { return partition.IsInSync(n); })) {
    return partition;
  }
  bool drops = !partition.removing.empty();
  Partition settled = partition;
  KeepOnly(settled, TargetOf(partition));
  settled.adding.clear();
  settled.removing.clear();
  int32_t least = metadata::EffectiveMinInsync(image, id, settled);
  if (static_cast<int32_t>(settled.isr.size()) < least) return partition;
  settled.eligible_leaders.clear();
  if (drops && !LeadAnew(image, id, settled)) return partition;
  return settled;
}

Partition Rehomed(const Image& image, const PartitionId& id, Partition partition) {
  if (partition.leader == kNoNode) return partition;
  for (Replica& replica : partition.replicas) {
    const metadata::Node* node = image.nodes.Find(replica.node);
    if (!node || std::ranges::count(node->directories, replica.directory) > 0) continue;
    auto directory = metadata::DirectoryFor(*node, id);
    if (!directory) continue;
    replica.directory = *directory;
    std::erase(partition.eligible_leaders, replica.node);
  }
  return partition;
}

std::string ListOf(const std::vector<Replica>& replicas) {
  std::vector<NodeId> nodes;
  for (const Replica& replica : replicas) nodes.push_back(replica.node);
  return ListOf(nodes);
}

std::string ListOf(const std::vector<NodeId>& nodes) {
  std::string list;
  for (NodeId node : nodes) list += (list.empty() ? "" : " ") + std::to_string(node.value());
  return "(" + list + ")";
}

}  // namespace weir::decide
