// SPDX-License-Identifier: Apache-2.0
#include "storage/broker/partitions.h"

#include <glog/logging.h>

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

namespace weir::broker {
namespace {

constexpr char kFolder[] = "partitions";
constexpr int kReconciledPerTurn = 200;
// Each log is asked so often what is to be deleted, some of them at a time.
constexpr int kUpkeepTurns = 10;
constexpr Duration kUpkeepTurn = std::chrono::seconds(1);

log::LogOptions LogOptionsOf(const metadata::TopicConfig& config) {
  log::LogOptions options;
  options.max_batch_bytes = static_cast<int32_t>(config.max_message_bytes);
  options.roll.bytes = static_cast<uint64_t>(config.segment_bytes);
  options.roll.ms = config.segment_ms;
  options.roll.jitter_ms = config.segment_jitter_ms;
  options.roll.index_bytes = static_cast<uint64_t>(config.segment_index_bytes);
  options.index_interval_bytes = static_cast<uint64_t>(config.index_interval_bytes);
  // A longer one would be no point in time any more.
  constexpr int64_t kDelayMaxMs = int64_t{365} * 24 * 3600 * 1000;
  options.file_delete_delay =
      std::chrono::milliseconds(std::min(config.file_delete_delay_ms, kDelayMaxMs));
  options.compacted = config.is_compacted;
  if (!config.is_deleted_by_age) return options;
  if (config.retention_ms >= 0) options.retention.ms = config.retention_ms;
  if (config.retention_bytes >= 0) {
    options.retention.bytes = static_cast<uint64_t>(config.retention_bytes);
  }
  return options;
}

partition::PartitionState StateOf(const metadata::Image& image, const metadata::Partition& record,
                                  const metadata::TopicConfig& config) {
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
  assignment.min_isr = metadata::EffectiveMinInsync(config, record);
  assignment.flush = config.durability == metadata::Durability::kFlush;
  state.log = LogOptionsOf(config);
  return state;
}

}  // namespace

Partitions::Partitions(host::Host host, NodeId self, DirectoryId directory,
                       partition::PartitionHooks* hooks, partition::FollowerStreams* streams,
                       Callback<void()> settled)
    : files_(host.disk, host.strand),
      host_{host.clock, host.strand, files_, host.network, host.random},
      self_(self),
      directory_(directory),
      hooks_(hooks),
      streams_(streams),
      settled_(std::move(settled)) {}

Partitions::~Partitions() { host_.strand.Cancel(upkeep_timer_); }

void Partitions::ArmUpkeep() {
  upkeep_timer_ =
      host_.strand.RunAt(host_.clock.Now() + kUpkeepTurn, lifetime_.Bind([this] { UpkeepSome(); }));
}

void Partitions::UpkeepSome() {
  auto at = kept_ ? partitions_.upper_bound(*kept_) : partitions_.begin();
  for (size_t left = partitions_.size() / kUpkeepTurns + 1; left > 0; --left) {
    if (at == partitions_.end()) break;
    at->second->Upkeep();
    kept_ = at->first;
    ++at;
  }
  if (at == partitions_.end()) kept_.reset();
  ArmUpkeep();
}

void Partitions::Publish(const metadata::Image& before, const metadata::Image& after) {
  image_ = after;
  known_config_.reset();
  if (!std::exchange(published_, true)) {
    ArmUpkeep();
    for (const auto& [id, record] : after.partitions) {
      if (record.ReplicaOn(self_)) touched_.insert(touched_.end(), id);
    }
    RemoveStrays();
  } else {
    touched_.merge(TouchedBy(metadata::Diff(before, after)));
  }
  ReconcileSome();
}

// A turn of the strand opens no more than it may take: what is served here goes on meanwhile, and
// the controller hears that this node lives.
void Partitions::ReconcileSome() {
  for (int i = 0; i < kReconciledPerTurn && !touched_.empty(); ++i) {
    Reconcile(touched_.extract(touched_.begin()).value());
  }
  if (touched_.empty() || std::exchange(reconcile_posted_, true)) return;
  host_.strand.Post(lifetime_.Bind([this] {
    reconcile_posted_ = false;
    ReconcileSome();
    if (touched_.empty()) settled_();
  }));
}

// A node's registration is part of what each of its replicas' partners know of it, and a topic's
// config of what each of its partitions does.
std::set<PartitionId> Partitions::TouchedBy(const metadata::Changes& changes) const {
  std::set<PartitionId> touched;
  for (const auto& change : changes.partitions) touched.insert(touched.end(), change.key);
  bool touches_all = !changes.nodes.empty();
  for (const auto& change : changes.configs) {
    touches_all = touches_all || change.key.scope == metadata::ConfigScope::kCluster;
    auto topic = TopicId::Parse(change.key.resource);
    if (change.key.scope != metadata::ConfigScope::kTopic || !topic) continue;
    auto at = partitions_.lower_bound({*topic, PartitionIndex(0)});
    for (; at != partitions_.end() && at->first.topic == *topic; ++at) touched.insert(at->first);
  }
  if (touches_all) {
    for (const auto& [id, partition] : partitions_) touched.insert(id);
  }
  return touched;
}

// Partition after partition of one topic asks for it.
const metadata::TopicConfig& Partitions::ConfigOf(const TopicId& topic) {
  if (!known_config_ || known_config_->first != topic) {
    known_config_.emplace(topic, metadata::TopicConfigOf(image_, topic));
  }
  return known_config_->second;
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
    opening_.insert(opening_.end(), id);
    held->second =
        std::make_unique<partition::Partition>(host_, id, self_, FolderOf(id), hooks_, streams_);
  }
  held->second->Apply(StateOf(image_, *record, ConfigOf(id.topic)));
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
    for (const PartitionId& id : touched_) expected.insert(FolderOf(id));
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

bool Partitions::all_open() {
  if (!published_ || !touched_.empty()) return false;
  while (!opening_.empty()) {
    const partition::Partition* first = Find(*opening_.begin());
    if (first && !first->is_open()) return false;
    opening_.erase(opening_.begin());
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
  host_.strand.Cancel(upkeep_timer_);
  // What is not begun here is begun nowhere.
  touched_.clear();
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
