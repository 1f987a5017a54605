// SPDX-License-Identifier: Apache-2.0
#include "storage/broker/partitions.h"

#include <glog/logging.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

namespace weir::broker {
namespace {

constexpr char kFolder[] = "partitions";
// Of folders that are being removed.
constexpr char kRemovedSuffix[] = ".removed";
constexpr int kReconciledPerTurn = 200;
// Between two tries to open what had no room.
constexpr Duration kOpenAgainAfter = std::chrono::seconds(1);

// What compression.type asks for; nothing: batches stay as they came.
std::optional<codec::Compression> CompressionNamed(std::string_view name) {
  if (name == "uncompressed") return codec::Compression::kNone;
  for (codec::Compression compression : codec::kCompressions) {
    if (name == codec::NameOf(compression)) return compression;
  }
  CHECK_EQ(name, "producer");
  return std::nullopt;
}

log::AdmissionRules AdmissionOf(const metadata::TopicConfig& config) {
  return {.stamps_append_time = config.stamps_append_time,
          .timestamp_before_max_ms = config.timestamp_before_max_ms,
          .timestamp_after_max_ms = config.timestamp_after_max_ms,
          .compression = CompressionNamed(config.compression),
          .compression_level = config.compression_level.value_or(codec::kUsualLevel),
          .needs_keys = config.is_compacted};
}

// Each log is asked so often what is to be deleted, some of them at a time.
constexpr int kUpkeepTurns = 10;
constexpr Duration kUpkeepTurn = std::chrono::seconds(1);

log::LogOptions LogOptionsOf(const metadata::TopicConfig& config) {
  log::LogOptions options;
  options.max_batch_bytes = static_cast<int32_t>(config.max_message_bytes);
  options.admission = AdmissionOf(config);
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

compaction::CompactionConfig CompactionOf(const metadata::TopicConfig& config) {
  return {.dirty_ratio_min = config.dirty_ratio_min,
          .lag_ms_min = config.compaction_lag_ms_min,
          .lag_ms_max = config.compaction_lag_ms_max,
          .delete_retention_ms = config.delete_retention_ms,
          .segment_bytes = static_cast<uint64_t>(config.segment_bytes),
          .index_bytes_max = static_cast<uint64_t>(config.segment_index_bytes)};
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

Partitions::Partitions(host::Host host, NodeId self, std::vector<Directory*> directories,
                       partition::PartitionHooks* hooks, partition::FollowerStreams* streams,
                       Callback<void()> settled)
    : host_(host),
      self_(self),
      directories_(std::move(directories)),
      hooks_(hooks),
      streams_(streams),
      settled_(std::move(settled)),
      again_timer_(host.strand, [this] { TryAgain(); }) {}

Partitions::~Partitions() {
  host_.strand.Cancel(upkeep_timer_);
  for (auto& [id, held] : partitions_) StopCleaning(id, held);
}

void Partitions::ArmUpkeep() {
  upkeep_timer_ =
      host_.strand.RunAt(host_.clock.Now() + kUpkeepTurn, lifetime_.Bind([this] { UpkeepSome(); }));
}

void Partitions::UpkeepSome() {
  auto at = kept_ ? partitions_.upper_bound(*kept_) : partitions_.begin();
  for (size_t left = partitions_.size() / kUpkeepTurns + 1; left > 0; --left) {
    if (at == partitions_.end()) break;
    at->second.partition->Upkeep();
    KeepClean(at->first, at->second);
    kept_ = at->first;
    ++at;
  }
  if (at == partitions_.end()) kept_.reset();
  ArmUpkeep();
}

void Partitions::KeepClean(const PartitionId& id, Held& held) {
  // Most topics are not compacted: what they ask for need not be read out of the image for that.
  const bool is_wanted = held.partition->state().log.compacted && held.partition->settled_log() &&
                         held.directory->works();
  if (!is_wanted) return StopCleaning(id, held);
  compaction::CompactionConfig as = CompactionOf(ConfigOf(id.topic));
  if (held.compacted && held.compacted_as == as) return;
  if (!held.compacted) {
    held.compacted = std::make_unique<CompactedLog>(host_.strand, held.partition.get());
  }
  held.compacted_as = as;
  held.directory->cleaner().Enter(id, held.compacted.get(), as);
}

void Partitions::StopCleaning(const PartitionId& id, Held& held) {
  if (!held.compacted) return;
  held.directory->cleaner().Leave(id);
  held.compacted.reset();
}

void Partitions::WasCut(const PartitionId& id) {
  auto held = partitions_.find(id);
  if (held == partitions_.end() || !held->second.directory->works()) return;
  held->second.directory->cleaner().Cut(id, held->second.partition->high_watermark());
}

void Partitions::Publish(const metadata::Image& before, const metadata::Image& after) {
  image_ = after;
  known_config_.reset();
  if (!std::exchange(published_, true)) {
    ArmUpkeep();
    for (const auto& [id, record] : after.partitions) {
      if (record.ReplicaOn(self_)) touched_.insert(touched_.end(), id);
    }
    for (Directory* directory : directories_) RemoveStrays(*directory);
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
    for (const auto& [id, held] : partitions_) touched.insert(id);
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

void Partitions::Reconcile(const PartitionId& id, Offset known_high_watermark) {
  const metadata::Partition* record = image_.partitions.Find(id);
  const metadata::Replica* mine = record ? record->ReplicaOn(self_) : nullptr;
  Directory* home = mine ? DirectoryWith(mine->directory) : nullptr;
  auto held = partitions_.find(id);
  if (held != partitions_.end() && held->second.directory != home) return Drop(held);
  if (!home || leaving_.contains(id)) return;
  if (strays_.contains({home, FolderOf(id)})) {
    behind_strays_.insert(id);
    return;
  }
  if (held == partitions_.end()) {
    // Nothing begins where nothing can be kept.
    if (!home->works()) return;
    opening_.insert(opening_.end(), id);
    auto opened = std::make_unique<partition::Partition>(
        home->host(), id, self_, FolderOf(id), hooks_, streams_, replica::ReplicaConfig{},
        std::max(known_high_watermark, home->high_watermarks().Of(id)), home->journal());
    held = partitions_.emplace(id, Held{home, std::move(opened)}).first;
  }
  const metadata::TopicConfig& config = ConfigOf(id.topic);
  partition::PartitionState state = StateOf(image_, *record, config);
  state.throttled_as_leader = config.throttled_leaders.Has(id.index, self_);
  state.throttled_as_follower = config.throttled_followers.Has(id.index, self_);
  held->second.partition->Apply(std::move(state));
}

void Partitions::Drop(HeldReplicas::iterator held) {
  const PartitionId id = held->first;
  again_.erase(id);
  StopCleaning(id, held->second);
  held->second.directory->cleaner().Forget(id);
  leaving_.insert(partitions_.extract(held));
  leaving_.at(id).partition->Close(lifetime_.Bind([this, id](Result<void> closed) {
    if (!closed) LOG(WARNING) << "closing " << id << " to remove it: " << closed.error();
    RemoveDropped(id);
  }));
}

void Partitions::RemoveDropped(const PartitionId& id) {
  Held& held = leaving_.at(id);
  held.partition = nullptr;
  Directory& directory = *held.directory;
  auto gone = [this, id] {
    leaving_.erase(id);
    Reconcile(id);
  };
  directory.journal()->Forget(
      id, lifetime_.Bind([this, id, &directory, gone](const Result<void>& forgotten) mutable {
        // Its directory fails with its journal; what is left is removed at the next start.
        if (!forgotten) return gone();
        RemoveFolder(directory, FolderOf(id), std::move(gone));
      }));
}

// Nobody must ever find a part of it under its name: neither the replica, if it comes back, nor the
// next life of this process. What is left after a failure is removed when that begins.
void Partitions::RemoveFolder(Directory& directory, const std::string& folder,
                              Callback<void()> gone) {
  const std::string aside = folder + "." + std::to_string(host_.random.Next()) + kRemovedSuffix;
  auto synced = [&directory, aside, gone = std::move(gone)](Result<void> named) mutable {
    if (named) {
      RemoveAside(directory, aside);
    } else if (named.error().kind != Error::Kind::kNotFound) {
      LOG(ERROR) << "cannot remove " << directory.path() << "/" << aside << ": " << named.error();
    }
    gone();
  };
  directory.host().disk.Rename(
      folder, aside,
      lifetime_.Bind([this, &directory, synced = std::move(synced)](Result<void> renamed) mutable {
        // Without a folder there has never been a record.
        if (!renamed) return synced(std::move(renamed));
        directory.host().disk.SyncFolder(kFolder, lifetime_.Bind(std::move(synced)));
      }));
}

void Partitions::RemoveAside(Directory& directory, const std::string& path) {
  directory.host().disk.Remove(path, [path](Result<void> removed) {
    if (!removed) LOG(ERROR) << "cannot remove " << path << ": " << removed.error();
  });
}

void Partitions::OpenAgain(const PartitionId& id) {
  if (!partitions_.contains(id)) return;
  if (again_.empty()) again_timer_.Set(host_.clock.Now() + kOpenAgainAfter);
  again_.insert(id);
}

// A leader is opened for those who read it, though it may take nothing new; a follower only where
// it can go on.
void Partitions::TryAgain() {
  const auto waiting = std::exchange(again_, {});
  for (const PartitionId& id : waiting) {
    auto held = partitions_.find(id);
    // Another may have come in its place, or its disk have failed since.
    if (held == partitions_.end() || !held->second.partition->failure() ||
        !held->second.directory->works()) {
      continue;
    }
    const metadata::Partition* record = image_.partitions.Find(id);
    if (held->second.directory->is_full() && record && record->leader != self_) {
      again_.insert(id);
      continue;
    }
    const Offset high_watermark = held->second.partition->high_watermark();
    StopCleaning(id, held->second);
    leaving_.insert(partitions_.extract(held));
    leaving_.at(id).partition->Close(
        lifetime_.Bind([this, id, high_watermark](const Result<void>&) {
          leaving_.erase(id);
          // What was shown is shown again.
          Reconcile(id, high_watermark);
        }));
  }
  if (!again_.empty()) again_timer_.Set(host_.clock.Now() + kOpenAgainAfter);
}

void Partitions::RemoveStrays(Directory& directory) {
  if (!directory.works()) return;
  auto left = std::make_shared<size_t>(1);
  auto forgotten = std::make_shared<std::set<std::string>>();
  auto dropped = [this, left, forgotten, &directory] {
    if (--*left == 0) RemoveStrayFolders(directory, *forgotten);
  };
  for (const PartitionId& id : directory.journal()->Unclaimed()) {
    if (IsExpected(id, directory)) continue;
    ++*left;
    forgotten->insert(FolderOf(id));
    strays_.insert({&directory, FolderOf(id)});
    auto then = [this, &directory, id, dropped](const Result<void>& how) {
      // Its directory fails with its journal: then nobody waits for it.
      how ? dropped() : StrayGone(directory, FolderOf(id));
    };
    directory.journal()->Forget(id, lifetime_.Bind(std::move(then)));
  }
  host_.strand.Post(lifetime_.Bind(dropped));
}

void Partitions::RemoveStrayFolders(Directory& directory, const std::set<std::string>& forgotten) {
  auto listed = [this, &directory, forgotten](Result<std::vector<std::string>> names) {
    std::set<std::string> expected;
    for (const auto& [id, record] : image_.partitions) {
      if (IsExpected(id, directory)) expected.insert(FolderOf(id));
    }
    for (const HeldReplicas* replicas : {&partitions_, &leaving_}) {
      for (const auto& [id, held] : *replicas) {
        if (held.directory == &directory) expected.insert(FolderOf(id));
      }
    }
    std::set<std::string> settled = forgotten;
    // Without a folder there has never been a record.
    for (const std::string& name : names.value_or(std::vector<std::string>())) {
      std::string path = std::string(kFolder) + "/" + name;
      if (expected.contains(path)) continue;
      LOG(INFO) << "the cluster keeps " << name << " in " << directory.path()
                << " no more: removing it";
      if (name.ends_with(kRemovedSuffix)) {
        RemoveAside(directory, path);
      } else {
        settled.erase(path);
        strays_.insert({&directory, path});
        RemoveFolder(directory, path, [this, &directory, path] { StrayGone(directory, path); });
      }
    }
    for (const std::string& path : settled) StrayGone(directory, path);
  };
  directory.host().disk.List(kFolder, lifetime_.Bind(std::move(listed)));
}

// A replica that came back meanwhile waits for it.
void Partitions::StrayGone(const Directory& directory, const std::string& path) {
  strays_.erase({&directory, path});
  if (behind_strays_.empty()) return;
  touched_.merge(std::exchange(behind_strays_, {}));
  ReconcileSome();
  if (touched_.empty()) settled_();
}

bool Partitions::IsExpected(const PartitionId& id, const Directory& directory) const {
  const metadata::Partition* record = image_.partitions.Find(id);
  const metadata::Replica* mine = record ? record->ReplicaOn(self_) : nullptr;
  return mine && mine->directory == directory.id();
}

Directory* Partitions::DirectoryWith(const DirectoryId& id) const {
  auto found = std::ranges::find(directories_, id, [](const Directory* d) { return d->id(); });
  return found == directories_.end() ? nullptr : *found;
}

Directory* Partitions::DirectoryOf(const PartitionId& id) const {
  auto held = partitions_.find(id);
  return held == partitions_.end() ? nullptr : held->second.directory;
}

void Partitions::DirectoryFailed(const Directory& directory, const Error& error) {
  for (auto& [id, held] : partitions_) {
    if (held.directory != &directory) continue;
    again_.erase(id);
    StopCleaning(id, held);
    held.partition->Fail(error);
  }
}

Answer<void> Partitions::AdmitAppend(const PartitionId& id, uint64_t bytes) const {
  Directory* directory = DirectoryOf(id);
  return directory ? directory->AdmitAppend(bytes) : Answer<void>();
}

Answer<void> Partitions::AdmitDelete(const PartitionId& id) const {
  if (metadata::TopicConfigOf(image_, id.topic).is_deleted_by_age) return {};
  return Refuse(ErrorCode::kPolicyViolation,
                "the topic keeps the last record of each key, and nothing is deleted from its "
                "front; its cleanup.policy must name delete");
}

partition::Partition* Partitions::Find(const PartitionId& id) const {
  auto held = partitions_.find(id);
  return held == partitions_.end() ? nullptr : held->second.partition.get();
}

partition::Partition* Partitions::FirstIn(const Directory& directory, const PartitionId& from,
                                          Bound bound) const {
  auto at = bound == Bound::kFrom ? partitions_.lower_bound(from) : partitions_.upper_bound(from);
  while (at != partitions_.end() && at->second.directory != &directory) ++at;
  return at == partitions_.end() ? nullptr : at->second.partition.get();
}

bool Partitions::all_open() {
  if (!published_ || !touched_.empty() || !behind_strays_.empty()) return false;
  while (!opening_.empty()) {
    const partition::Partition* first = Find(*opening_.begin());
    if (first && !first->is_open() && !first->failure()) return false;
    opening_.erase(opening_.begin());
  }
  return true;
}

OffsetCheckpoint Partitions::HighWatermarksIn(const Directory& directory) const {
  OffsetCheckpoint all;
  for (const auto& [id, held] : partitions_) {
    if (held.directory != &directory) continue;
    all.emplace_hint(all.end(), id, held.partition->high_watermark());
  }
  return all;
}

void Partitions::SessionRenewed() {
  for (auto& [id, held] : partitions_) held.partition->SessionRenewed();
}

std::string Partitions::RackOf(NodeId node) const {
  const metadata::Node* known = image_.nodes.Find(node);
  return known ? known->rack : "";
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
    const Directory* home = DirectoryWith(record->ReplicaOn(self_)->directory);
    const partition::Partition* here = Find(id);
    if (!home || !home->works() || (here && here->failure())) {
      return {ErrorCode::kKafkaStorageError,
              "the disk under this replica failed: " +
                  (here && here->failure()  ? here->failure()->message
                   : home && !home->works() ? home->failure()->message
                                            : "its data folder is not there")};
    }
    return {ErrorCode::kLeaderNotAvailable,
            "this node is about to lead the partition, and is opening it; try again"};
  }
  return {ErrorCode::kNotLeaderOrFollower, "node " + std::to_string(record->leader.value()) +
                                               " leads this partition, not node " +
                                               std::to_string(self_.value()) + ": locate it again"};
}

void Partitions::Close(Callback<void(bool clean)> done) {
  struct Waiting {
    size_t left = 1;
    bool clean = true;
    Callback<void(bool)> done;
    void Count() {
      if (--left == 0) done(clean);
    }
  };
  host_.strand.Cancel(upkeep_timer_);
  // What is not begun here is begun nowhere.
  touched_.clear();
  again_.clear();
  auto waiting = std::make_shared<Waiting>();
  waiting->done = std::move(done);
  for (auto& [id, held] : partitions_) {
    ++waiting->left;
    StopCleaning(id, held);
    held.partition->Close([waiting, id, directory = held.directory](Result<void> closed) {
      if (!closed) LOG(ERROR) << "closing " << id << ": " << closed.error();
      // What lay in a directory that failed counts no more in any case.
      if (!closed && directory->works()) waiting->clean = false;
      waiting->Count();
    });
  }
  host_.strand.Post([waiting] { waiting->Count(); });
}

std::string Partitions::FolderOf(const PartitionId& id) const {
  return std::string(kFolder) + "/" + id.topic.ToString() + "-" + std::to_string(id.index.value());
}

}  // namespace weir::broker
