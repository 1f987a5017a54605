// SPDX-License-Identifier: Apache-2.0
// A storage node, whole, above the host: what main() runs, and the simulation too.
//
// One strand. Destroying it at any moment is a crash; Stop is a stop in order.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/host/host.h"
#include "common/identity/data_folders.h"
#include "storage/broker/catalog.h"
#include "storage/broker/directory.h"
#include "storage/broker/partitions.h"
#include "storage/broker/producer_ids.h"
#include "storage/broker/records.h"
#include "storage/broker/scrubber.h"
#include "storage/journal/journal.h"
#include "storage/partition/follower_streams.h"
#include "storage/partition/healer.h"
#include "storage/partition/leader_feeds.h"
#include "storage/session/session.h"

namespace weir::storage {

struct StorageNodeConfig {
  NodeId id;
  // Where clients and where the other nodes find it: to bind, and to be told to them. An empty
  // advertised one is the one that was bound.
  host::Endpoint client_listen;
  host::Endpoint internal_listen;
  host::Endpoint client_advertised;
  host::Endpoint internal_advertised;
  std::vector<host::Endpoint> controllers;
  std::string rack;
  std::string version;
  broker::RecordsBounds bounds;
  // How long a stop in order may wait for the leaderships to move.
  Duration stop_patience = std::chrono::seconds(20);
  // When a disk counts as full.
  broker::RoomConfig room;
  // How fast what lies on the disks is compared with its checksums.
  broker::ScrubConfig scrub;
  // Of each data folder.
  journal::JournalOptions journal;
};

class StorageNode final : public session::SessionEvents, public partition::PartitionHooks {
 public:
  struct Listening {
    host::Endpoint client;
    host::Endpoint internal;
  };

  // `data` has the disks that the records lie on; that of `host` is not asked. `failed` is told
  // once, if the process should end with these words.
  StorageNode(host::Host host, std::vector<identity::DataPlace> data, StorageNodeConfig config,
              Callback<void(Error)> failed);
  ~StorageNode() override;

  // Opens the data folders, listens, and begins to look for the controller.
  void Start(Callback<void(Result<Listening>)> started);

  // Hands over what it leads, closes its logs and writes down that it stopped cleanly.
  void Stop(Callback<void()> stopped);

  const broker::Partitions* partitions() const { return partitions_.get(); }
  const partition::Healer* healer() const { return healer_.get(); }
  const broker::Scrubber* scrubber() const { return scrubber_.get(); }
  const broker::Records* records() const { return records_.get(); }
  const metadata::Image& image() const { return catalog_.image(); }
  NodeId id() const { return config_.id; }

 private:
  host::Task<Result<Listening>> Open();
  host::Task<Result<void>> OpenDirectories();
  host::Task<Result<void>> OpenJournals();
  host::Task<void> CloseJournals();
  host::Task<Result<void>> ReadCleanStop();
  host::Task<void> ReadHighWatermarks();
  host::Task<void> WriteHighWatermarks();
  void MakeReplication();
  Result<Listening> Listen();
  void BeginSession(const Listening& listening);
  void CloseLogs();
  host::Task<void> WriteCleanStop(NodeEpoch epoch);
  std::vector<broker::Directory*> Working() const;

  // SessionEvents.
  void OnRegistered(NodeEpoch epoch) override;
  void OnImage(const metadata::Image& before, const metadata::Image& after) override;
  void OnIsrRefused(PartitionId partition, PartitionEpoch epoch, const Refusal& refusal) override;
  void OnMayStop() override;
  void OnRefused(const Refusal& refusal) override;
  // PartitionHooks.
  void AskIsr(const node::v1::ChangeIsr& ask) override;
  void Opened(const PartitionId& partition) override;
  void HighWatermarkRaised(const PartitionId& partition, Offset high_watermark) override;
  void HighWatermarkFell(const PartitionId& partition) override;
  void LeadershipChanged(const PartitionId& partition, std::optional<LeaderEpoch> leads) override;
  void Damaged(const PartitionId& partition) override;
  void Failed(const PartitionId& partition, const Error& error) override;

  void JoinCluster(ClusterId cluster);
  void WatchOpening();
  void DirectoryFailed(const DirectoryId& id, const Error& error);
  void GiveUp(broker::Directory& directory, const Error& error);
  // The controller knows what does not work here: what it decides from now on is without that.
  bool FailuresAreKnown() const;
  void Fail(Error error);

  host::Host host_;
  const StorageNodeConfig config_;
  Callback<void(Error)> failed_;
  std::vector<identity::DataPlace> data_;
  identity::DataFolders folders_;
  // Those that could be opened, for good.
  std::vector<std::unique_ptr<broker::Directory>> directories_;
  // Of these, as it was told.
  std::set<DirectoryId> given_up_;
  NodeEpoch previous_epoch_;

  broker::Catalog catalog_;
  broker::ProducerIds producer_ids_;
  std::unique_ptr<session::Session> session_;
  // Made when the cluster is known: with the first image at the latest.
  std::unique_ptr<partition::FollowerStreams> streams_;
  std::unique_ptr<partition::LeaderFeeds> feeds_;
  std::unique_ptr<partition::Healer> healer_;
  std::unique_ptr<broker::Partitions> partitions_;
  std::unique_ptr<broker::Records> records_;
  std::unique_ptr<broker::Scrubber> scrubber_;

  Callback<void()> stopped_;
  bool all_open_ = false;
  bool has_opened_all_ = false;
  bool stopping_ = false;
  bool closing_logs_ = false;
  Lifetime lifetime_;
};

}  // namespace weir::storage
