// SPDX-License-Identifier: Apache-2.0
#include "storage/broker/partitions.h"

#include <glog/logging.h>

#include <set>
#include <utility>
#include <vector>

#include "common/metadata/diff.h"
#include "common/metadata/topic_config.h"

namespace weir::broker {
namespace {

constexpr char kFolder[] = "partitions";

partition::PartitionState StateOf(const metadata::Image& image, const PartitionId& id,
                                  const metadata::Partition& record) {
  partition::PartitionState state;
  replica::Assignment& assignment = state.assignment;
  assignment.leader = record.leader;
  assignment.leader_epoch = record.leader_epoch;
  assignment.partition_epoch = record.partition_epoch;
  assignment.isr = {record.isr.begin(), record.isr.end()};
  for (const metadata::Replica& replica : record.replicas) {
    const metadata::Node* node = image.nodes.Find(replica.node);
    replica::Member& member = assignment.replicas[replica.node];
    if (!node) continue;
    member.epoch = node->epoch;
    member.active = node->is_active() && node->Offers(replica.directory);
  }
  metadata::TopicConfig config = metadata::TopicConfigOf(image, id.topic);
  assignment.min_isr = config.min_insync_replicas;
  assignment.flush = config.durability == metadata::Durability::kFlush;
  state.max_batch_bytes = static_cast<int32_t>(config.max_message_bytes);
  state.segment_bytes = static_cast<uint64_t>(config.segment_bytes);
  return state;
}

}  // namespace

Partitions::Partitions(host::Host host, NodeId self, DirectoryId directory,
                       partition::PartitionHooks* hooks, partition::FollowerStreams* streams)
    : host_(host), self_(self), directory_(directory), hooks_(hooks), streams_(streams) {}

void Partitions::Publish(const metadata::Image& before, const metadata::Image& after) {
  image_ = after;
  if (!std::exchange(published_, true)) {
    for (const auto& [id, record] : after.partitions) Reconcile(id);
    RemoveStrays();
    return;
  }
  metadata::Changes changes = metadata::Diff(before, after);
  // A node's registration is part of what each of its replicas' partners know of it, and a topic's
  // config of what each of its partitions does.
  std::set<PartitionId> touched;
  for (const auto& change : changes.partitions) touched.insert(change.key);
  if (!changes.nodes.empty() || !changes.configs.empty()) {
    for (const auto& [id, partition] : partitions_) touched.insert(id);
  }
  for (const PartitionId& id : touched) Reconcile(id);
}

void Partitions::Reconcile(const PartitionId& id) {
  const metadata::Partition* record = image_.partitions.Find(id);
  const metadata::Replica* mine = record ? record->ReplicaOn(self_) : nullptr;
  if (!mine || mine->directory != directory_) {
    if (partitions_.contains(id)) Drop(id);
    return;
  }
  if (leaving_.contains(id)) return;
  auto [held, added] = partitions_.try_emplace(id);
  if (added) {
    held->second =
        std::make_unique<partition::Partition>(host_, id, self_, FolderOf(id), hooks_, streams_);
  }
  held->second->Apply(StateOf(image_, id, *record));
}

void Partitions::Drop(const PartitionId& id) {
  auto held = partitions_.extract(id);
  partition::Partition* partition = held.mapped().get();
  leaving_.insert(std::move(held));
  partition->Close(lifetime_.Bind([this, id](Result<void> closed) {
    if (!closed) LOG(WARNING) << "closing " << id << " to remove it: " << closed.error();
    host_.disk.Remove(FolderOf(id), lifetime_.Bind([this, id](Result<void> removed) {
      if (!removed) LOG(ERROR) << "cannot remove " << FolderOf(id) << ": " << removed.error();
      leaving_.erase(id);
      Reconcile(id);
    }));
  }));
}

void Partitions::RemoveStrays() {
  host_.disk.List(kFolder, lifetime_.Bind([this](Result<std::vector<std::string>> names) {
    // Without a folder there has never been a record.
    if (!names) return;
    std::set<std::string> expected;
    for (const auto& [id, partition] : partitions_) expected.insert(FolderOf(id));
    for (const auto& [id, partition] : leaving_) expected.insert(FolderOf(id));
    for (const std::string& name : *names) {
      std::string path = std::string(kFolder) + "/" + name;
      if (expected.contains(path)) continue;
      LOG(INFO) << "the cluster keeps " << name << " here no more: removing it";
      host_.disk.Remove(path, [path](Result<void> removed) {
        if (!removed) LOG(ERROR) << "cannot remove " << path << ": " << removed.error();
      });
    }
  }));
}

partition::Partition* Partitions::Find(const PartitionId& id) const {
  auto held = partitions_.find(id);
  return held == partitions_.end() ? nullptr : held->second.get();
}

bool Partitions::all_open() const {
  if (!published_) return false;
  for (const auto& [id, partition] : partitions_) {
    if (!partition->is_open()) return false;
  }
  return true;
}

void Partitions::SessionRenewed() {
  for (auto& [id, partition] : partitions_) partition->SessionRenewed();
}

Refusal Partitions::WhyNotHere(const PartitionId& id) const {
  const metadata::Topic* topic = image_.topics.Find(id.topic);
  if (!topic) {
    return {ErrorCode::kUnknownTopicId, "no topic has the id " + id.topic.ToString() +
                                            "; it may have been deleted: locate it "
                                            "by name"};
  }
  if (!image_.partitions.Find(id)) {
    return {ErrorCode::kUnknownTopicOrPartition,
            "topic " + topic->name + " has " + std::to_string(image_.PartitionCount(id.topic)) +
                " partitions, numbered from 0; there is no partition " +
                std::to_string(id.index.value())};
  }
  return WhyNotLed(id);
}

Refusal Partitions::WhyNotLed(const PartitionId& id) const {
  const metadata::Partition* record = image_.partitions.Find(id);
  if (!record || record->leader == kNoNode) {
    return {ErrorCode::kLeaderNotAvailable, "nobody leads this partition now; try again"};
  }
  if (record->leader == self_) {
    return {ErrorCode::kLeaderNotAvailable,
            "this node is about to lead the partition, and is opening it; try again"};
  }
  return {ErrorCode::kNotLeaderOrFollower, "node " + std::to_string(record->leader.value()) +
                                               " leads this partition, not node " +
                                               std::to_string(self_.value()) + ": locate it again"};
}

void Partitions::Close(Callback<void()> done) {
  struct Waiting {
    size_t left = 1;
    Callback<void()> done;
    void Count() {
      if (--left == 0) done();
    }
  };
  auto waiting = std::make_shared<Waiting>();
  waiting->done = std::move(done);
  for (auto& [id, partition] : partitions_) {
    ++waiting->left;
    partition->Close([waiting, id](Result<void> closed) {
      if (!closed) LOG(ERROR) << "closing " << id << ": " << closed.error();
      waiting->Count();
    });
  }
  host_.strand.Post([waiting] { waiting->Count(); });
}

std::string Partitions::FolderOf(const PartitionId& id) const {
  return std::string(kFolder) + "/" + id.topic.ToString() + "-" + std::to_string(id.index.value());
}

}  // namespace weir::broker
