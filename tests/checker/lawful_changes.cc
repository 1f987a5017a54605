// SPDX-License-Identifier: Apache-2.0
#include "tests/checker/lawful_changes.h"

#include <algorithm>

#include "common/metadata/topic_config.h"

namespace weir::checker {
namespace {

using metadata::Image;
using metadata::Partition;

std::string Listed(const std::string& caption, const std::vector<NodeId>& nodes) {
  std::string words = "," + caption;
  for (NodeId node : nodes) words += " " + std::to_string(node.value());
  return words;
}

}  // namespace

bool LawfulChanges::Committed(const Image& image, Findings& findings) {
  if (image.index <= newest_.index) return false;
  if (image.term < newest_.term) {
    findings.Add("entry ", image.index, " is of term ", image.term, ", and entry ", newest_.index,
                 " before it of term ", newest_.term);
  }
  metadata::Changes changes = metadata::Diff(newest_, image);
  FindWeakTopics(image, changes);
  Judge(image, changes, findings);
  newest_ = image;
  return std::ranges::any_of(changes.partitions, [](const PartitionChange& change) {
    return change.is_added() || change.is_removed();
  });
}

void LawfulChanges::FindWeakTopics(const Image& image, const metadata::Changes& changes) {
  bool has_new_config = !changes.configs.empty();
  auto look = [&](const TopicId& id) {
    metadata::TopicConfig config = metadata::TopicConfigOf(image, id);
    if (config.durability != metadata::Durability::kFlush || config.unclean_leader_election) {
      weak_.insert(id);
    }
  };
  if (has_new_config) {
    for (const auto& [id, topic] : image.topics) look(id);
    return;
  }
  for (const auto& change : changes.topics) {
    if (change.after) look(change.key);
  }
}

void LawfulChanges::Judge(const Image& image, const metadata::Changes& changes,
                          Findings& findings) {
  for (const auto& change : changes.topics) {
    if (change.is_removed()) deleted_.insert(change.key);
    if (change.is_added() && deleted_.contains(change.key)) {
      findings.Add("topic ", change.after->name, " (", change.key,
                   ") was deleted, and is there again at index ", image.index);
    }
    if (change.before && change.after && change.before->name != change.after->name) {
      findings.Add("topic ", change.key, " was named ", change.before->name, ", and is now ",
                   change.after->name);
    }
  }
  bool is_next = image.index == newest_.index + 1;
  for (const auto& change : changes.partitions) {
    if (change.after) JudgeState(change.key, *change.after, findings);
    if (change.before && change.after) {
      JudgeChange(change.key, *change.before, *change.after, is_next, findings);
      NoteMoves(change.key, *change.before, *change.after, image.index);
    }
    if (change.is_removed() && image.topics.Contains(change.key.topic)) {
      findings.Add("partition ", change.key, " is gone, and its topic is not");
    }
  }
}

void LawfulChanges::NoteMoves(const PartitionId& id, const Partition& before,
                              const Partition& after, LogIndex index) {
  for (const metadata::Replica& replica : after.replicas) {
    const metadata::Replica* was = before.ReplicaOn(replica.node);
    if (was && was->directory == replica.directory) continue;
    came_[{id, replica.node}].push_back(index);
  }
}

LogIndex LawfulChanges::Since(const PartitionId& id, NodeId node, LogIndex index) const {
  auto came = came_.find({id, node});
  if (came == came_.end()) return LogIndex(0);
  auto after = std::ranges::upper_bound(came->second, index);
  return after == came->second.begin() ? LogIndex(0) : *std::prev(after);
}

void LawfulChanges::JudgeState(const PartitionId& id, const Partition& partition,
                               Findings& findings) {
  for (NodeId node : partition.isr) {
    if (partition.ReplicaOn(node)) continue;
    findings.Add("partition ", id, ": node ", node, " is in sync, and has no replica");
  }
  if (partition.leader != kNoNode && !partition.IsInSync(partition.leader)) {
    findings.Add("partition ", id, ": node ", partition.leader, " leads, and is not in sync");
  }
}

void LawfulChanges::JudgeChange(const PartitionId& id, const Partition& before,
                                const Partition& after, bool is_next, Findings& findings) const {
  if (after.partition_epoch <= before.partition_epoch) {
    findings.Add("partition ", id, " has changed, and its epoch went from ", before.partition_epoch,
                 " to ", after.partition_epoch);
  }
  if (after.leader_epoch < before.leader_epoch) {
    findings.Add("partition ", id, ": its leader epoch fell from ", before.leader_epoch, " to ",
                 after.leader_epoch);
  }
  bool is_led_anew = after.leader != before.leader && after.leader != kNoNode;
  if (is_led_anew && after.leader_epoch <= before.leader_epoch) {
    findings.Add("partition ", id, " is led by node ", after.leader, " after node ", before.leader,
                 ", in the same epoch ", after.leader_epoch);
  }
  // A move ends with the entry in which its leader says who has come in sync: that one may lead at
  // once, where the leader leaves.
  bool ends_move = before.leader != kNoNode && before.is_moving() && !after.is_moving();
  // Where an image was left out, somebody in between may have been in sync.
  if (is_led_anew && is_next && IsStrict(id.topic) && !before.IsInSync(after.leader) &&
      !before.IsEligible(after.leader) && !ends_move) {
    findings.Add("partition ", id, ": node ", after.leader, " leads in epoch ", after.leader_epoch,
                 ", and was neither in sync nor eligible: before it, node ", before.leader, " led",
                 Listed(" in sync", before.isr), Listed(" eligible", before.eligible_leaders),
                 Listed(" joining", before.adding), Listed(" leaving", before.removing),
                 ", and last led ", before.last_known_leader);
  }
}

}  // namespace weir::checker
