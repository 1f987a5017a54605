// SPDX-License-Identifier: Apache-2.0
// The replicas on this node: opened, led, followed and dropped as the image says. One strand.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "common/base/error_code.h"
#include "common/base/ids.h"
#include "common/host/host.h"
#include "common/metadata/diff.h"
#include "common/metadata/image.h"
#include "common/metadata/topic_config.h"
#include "storage/log/open_files.h"
#include "storage/partition/follower_streams.h"
#include "storage/partition/partition.h"

namespace weir::broker {

class Partitions {
 public:
  // `hooks` and `streams` outlive this. `settled` hears when a large change has been carried out.
  Partitions(host::Host host, NodeId self, DirectoryId directory, partition::PartitionHooks* hooks,
             partition::FollowerStreams* streams, Callback<void()> settled);
  ~Partitions();
  Partitions(const Partitions&) = delete;
  Partitions& operator=(const Partitions&) = delete;

  // Brings what is here in line with the image: a small change at once, a large one bit by bit. The
  // first one also removes folders of partitions that the cluster does not keep here any more.
  void Publish(const metadata::Image& before, const metadata::Image& after);

  // Null where it is not here.
  partition::Partition* Find(const PartitionId& id) const;

  // Every replica that was put here has opened its log. Asked after each opening, it costs no more
  // than they are in all.
  bool all_open();

  void SessionRenewed();

  // Words for a caller who asked the wrong node, or for what is not there.
  Refusal WhyNotHere(const PartitionId& id) const;
  Refusal WhyNotLed(const PartitionId& id) const;

  // Closes every log cleanly.
  void Close(Callback<void()> done);

  size_t size() const { return partitions_.size(); }

 private:
  std::set<PartitionId> TouchedBy(const metadata::Changes& changes) const;
  const metadata::TopicConfig& ConfigOf(const TopicId& topic);
  void ReconcileSome();
  void Reconcile(const PartitionId& id);
  void Drop(const PartitionId& id);
  void RemoveStrays();
  std::string FolderOf(const PartitionId& id) const;
  void ArmUpkeep();
  void UpkeepSome();

  // Of the host's disk, but with few of its files open.
  log::OpenFiles files_;
  host::Host host_;
  const NodeId self_;
  const DirectoryId directory_;
  partition::PartitionHooks* const hooks_;
  partition::FollowerStreams* const streams_;
  Callback<void()> settled_;
  metadata::Image image_;
  // To be brought in line with image_.
  std::set<PartitionId> touched_;
  bool reconcile_posted_ = false;
  std::map<PartitionId, std::unique_ptr<partition::Partition>> partitions_;
  // Being closed, to be removed; a partition that comes back meanwhile waits for that.
  std::map<PartitionId, std::unique_ptr<partition::Partition>> leaving_;
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
