// SPDX-License-Identifier: Apache-2.0
#include "tests/scenario/lost_disks.h"

#include <algorithm>

#include "common/metadata/topic_config.h"

namespace weir::scenario {
namespace {

constexpr size_t kVotersMin = 3;

bool IsController(const std::string& process) { return process.starts_with("controller-"); }
int NumberOf(const std::string& process) {
  return std::stoi(process.substr(process.rfind('-') + 1));
}

// It has a replica on the disk that the node has now, with all that was committed.
bool IsWhole(const metadata::Partition& partition, const metadata::Node& node) {
  const metadata::Replica* replica = partition.ReplicaOn(node.id);
  return replica == nullptr || (node.Offers(replica->directory) && partition.IsInSync(node.id));
}

}  // namespace

bool LostDisks::MayLose(const std::string& process) {
  if (IsController(process)) return MayLoseController(ControllerId(NumberOf(process)));
  return MayLoseNode(NodeId(NumberOf(process)));
}

void LostDisks::DropHealed() {
  const metadata::Image& image = everything_.newest();
  std::erase_if(nodes_, [&](const auto& lost) {
    const metadata::Node* node = image.nodes.Find(lost.first);
    if (node == nullptr || node->epoch <= lost.second) return false;
    return std::ranges::all_of(image.partitions,
                               [&](const auto& each) { return IsWhole(each.second, *node); });
  });
}

bool LostDisks::MayLoseNode(NodeId id) {
  DropHealed();
  const metadata::Image& image = everything_.newest();
  for (const auto& [partition_id, partition] : image.partitions) {
    if (!partition.ReplicaOn(id)) continue;
    auto is_lost = [&](NodeId node) { return node == id || nodes_.contains(node); };
    auto lost = std::ranges::count_if(partition.replicas, is_lost, &metadata::Replica::node);
    int kept = metadata::TopicConfigOf(image, partition_id.topic).min_insync_replicas - 1;
    bool is_elsewhere = !std::ranges::all_of(partition.isr, is_lost) ||
                        !std::ranges::all_of(partition.eligible_leaders, is_lost);
    if (lost > kept || !is_elsewhere) return false;
  }
  return true;
}

bool LostDisks::MayLoseController(ControllerId id) const {
  if (is_controller_lost_ || !readmitting_.idle()) return false;
  controller::Controller* active = cluster_.active();
  if (active == nullptr || active->quorum()->Describe().is_changing) return false;
  const auto& voters = everything_.newest().voters;
  bool is_voter = std::ranges::count(voters, id, &metadata::Voter::id) > 0;
  return is_voter && voters.size() >= kVotersMin &&
         std::ranges::none_of(voters, &metadata::Voter::is_learner);
}

void LostDisks::Lose(const std::string& process) {
  if (IsController(process)) {
    is_controller_lost_ = true;
    return;
  }
  NodeId id(NumberOf(process));
  const metadata::Node* node = everything_.newest().nodes.Find(id);
  nodes_[id] = node == nullptr ? kNoNodeEpoch : node->epoch;
}

void LostDisks::Replace(const std::string& process) {
  everything_.DiskReplaced(process);
  cluster_.world().process(process).disk().Wipe();
  if (!IsController(process)) return;
  is_controller_lost_ = false;
  cluster_.quorum_disk(process) = quorum::MemoryQuorumDisk();
  readmitting_.Readmit(process);
}

}  // namespace weir::scenario
