// SPDX-License-Identifier: Apache-2.0
// The replicas on this node: opened, led, followed and dropped as the image says, each in the data
// directory that its record names. One strand.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/base/error_code.h"
#include "common/base/ids.h"
#include "common/host/host.h"
#include "common/metadata/diff.h"
#include "common/metadata/image.h"
#include "common/metadata/topic_config.h"
#include "storage/broker/compacted_log.h"
#include "storage/broker/directory.h"
#include "storage/partition/follower_streams.h"
#include "storage/partition/partition.h"

namespace weir::broker {

class Partitions {
 public:
  // `directories`, `hooks` and `streams` outlive this. `settled` hears when a large change has been
  // carried out.
  Partitions(host::Host host, NodeId self, std::vector<Directory*> directories,
             partition::PartitionHooks* hooks, partition::FollowerStreams* streams,
             Callback<void()> settled);
  ~Partitions();
  Partitions(const Partitions&) = delete;
  Partitions& operator=(const Partitions&) = delete;

  // Brings what is here in line with the image: a small change at once, a large one bit by bit. The
  // first one also removes folders of partitions that the cluster does not keep here any more.
  void Publish(const metadata::Image& before, const metadata::Image& after);

  // Null where it is not here.
  partition::Partition* Find(const PartitionId& id) const;

  // The first in the directory from `from` on, or behind it; null where there is none.
  enum class Bound { kFrom, kBehind };
  partition::Partition* FirstIn(const Directory& directory, const PartitionId& from,
                                Bound bound) const;

  // Every replica that was put here has opened its log, or failed. Asked after each opening, it
  // costs no more than they are in all.
  bool all_open();

  // Of all that lie there; of one that is not open yet, what is known of it.
  OffsetCheckpoint HighWatermarksIn(const Directory& directory) const;

  // Where the replica lies that is held here; null where none is.
  Directory* DirectoryOf(const PartitionId& id) const;
  // The directory does not work any more: neither does what lies in it. The rest goes on.
  void DirectoryFailed(const Directory& directory, const Error& error);
  // A replica failed for want of something that comes back, such as room on its disk: it is opened
  // anew by and by. Until then it refuses.
  void OpenAgain(const PartitionId& id);

  // Whether a producer may append so much to it, by the room that is left.
  Answer<void> AdmitAppend(const PartitionId& id, uint64_t bytes) const;

  // Whether its records may be deleted from the front: not where they are kept by key alone.
  Answer<void> AdmitDelete(const PartitionId& id) const;

  void SessionRenewed();

  // Its log was cut below its high watermark: what compaction knew of it is over.
  void WasCut(const PartitionId& id);

  // Empty: it stands in none, or is not known.
  std::string RackOf(NodeId node) const;

  // Words for a caller who asked the wrong node, or for what is not there.
  Refusal WhyNotHere(const PartitionId& id) const;
  Refusal WhyNotLed(const PartitionId& id) const;

  // Closes every log. `done` hears whether all that lie in directories that work were closed well.
  void Close(Callback<void(bool clean)> done);

  size_t size() const { return partitions_.size(); }

 private:
  struct Held {
    Directory* directory = nullptr;
    std::unique_ptr<partition::Partition> partition;
    // While it is compacted, and as what.
    std::unique_ptr<CompactedLog> compacted;
    compaction::CompactionConfig compacted_as;
  };
  using HeldReplicas = std::map<PartitionId, Held>;

  std::set<PartitionId> TouchedBy(const metadata::Changes& changes) const;
  const metadata::TopicConfig& ConfigOf(const TopicId& topic);
  void ReconcileSome();
  // What is opened here begins with `known_high_watermark`.
  void Reconcile(const PartitionId& id, Offset known_high_watermark = Offset(0));
  void Drop(HeldReplicas::iterator held);
  // First what the journal has of it, so that no start puts it back, then its folder.
  void RemoveDropped(const PartitionId& id);
  void TryAgain();
  // What the cluster does not keep there any more.
  void RemoveStrays(Directory& directory);
  void StrayGone(const Directory& directory, const std::string& path);
  // `gone` hears when nothing lies under this name any more.
  void RemoveFolder(Directory& directory, const std::string& folder, Callback<void()> gone);
  static void RemoveAside(Directory& directory, const std::string& path);
  void RemoveStrayFolders(Directory& directory, const std::set<std::string>& forgotten);
  bool IsExpected(const PartitionId& id, const Directory& directory) const;
  Directory* DirectoryWith(const DirectoryId& id) const;
  std::string FolderOf(const PartitionId& id) const;
  // Lets it be compacted, or not any more, as its topic asks.
  void KeepClean(const PartitionId& id, Held& held);
  static void StopCleaning(const PartitionId& id, Held& held);
  void ArmUpkeep();
  void UpkeepSome();

  host::Host host_;
  const NodeId self_;
  const std::vector<Directory*> directories_;
  partition::PartitionHooks* const hooks_;
  partition::FollowerStreams* const streams_;
  Callback<void()> settled_;
  metadata::Image image_;
  // To be brought in line with image_.
  std::set<PartitionId> touched_;
  bool reconcile_posted_ = false;
  HeldReplicas partitions_;
  // Being closed, to be removed or opened again; a partition that comes back meanwhile waits for
  // that.
  HeldReplicas leaving_;
  // Folders of no replica, which are being removed; and replicas that wait for that.
  std::set<std::pair<const Directory*, std::string>> strays_;
  std::set<PartitionId> behind_strays_;
  // Of partitions_: failed, and to be opened again.
  std::set<PartitionId> again_;
  host::DeadlineTimer again_timer_;
  // Invariant: holds each of partitions_ that is not known to have opened.
  std::set<PartitionId> opening_;
  // Of the image, and the topic that was asked for last.
  std::optional<std::pair<TopicId, metadata::TopicConfig>> known_config_;
  bool published_ = false;
  // The partition whose log was looked after last.
  std::optional<PartitionId> kept_;
  host::Strand::TimerId upkeep_timer_ = 0;
  Lifetime lifetime_;
};

}  // namespace weir::broker
