// SPDX-License-Identifier: Apache-2.0
#include "storage/storage_node.h"

#include <glog/logging.h>

#include <utility>

#include "common/edge/refusal_status.h"
#include "common/metadata/topic_config.h"
#include "storage/grpc/admin_forward.h"
#include "storage/grpc/log_service.h"

namespace weir::storage {
namespace {

// Holds the node epoch that a clean stop leaves behind. It goes when the process starts, so that a
// crash later on is never taken for a clean stop.
constexpr char kCleanStopFile[] = "clean-stop";

metadata::v1::Listener ListenerOf(const std::string& name, const host::Endpoint& endpoint) {
  metadata::v1::Listener listener;
  size_t colon = endpoint.rfind(':');
  listener.set_name(name);
  listener.set_host(endpoint.substr(0, colon));
  listener.set_port(std::stoi(endpoint.substr(colon + 1)));
  return listener;
}

}  // namespace

StorageNode::StorageNode(host::Host host, StorageNodeConfig config, Callback<void(Error)> failed)
    : host_(host),
      config_(std::move(config)),
      failed_(std::move(failed)),
      high_watermarks_(host),
      catalog_(host),
      producer_ids_([this] {
        if (session_) session_->AllocateProducerIds();
      }) {}

StorageNode::~StorageNode() = default;

void StorageNode::Start(Callback<void(Result<Listening>)> started) {
  host::Spawn<Result<Listening>>(
      Open(), lifetime_.Bind([this, started = std::move(started)](Result<Listening> up) mutable {
        if (up) BeginSession(*up);
        started(std::move(up));
      }));
}

host::Task<Result<StorageNode::Listening>> StorageNode::Open() {
  auto folder =
      co_await identity::OpenDataFolder(host_.disk, host_.random, "storage", config_.id.value());
  if (!folder) co_return std::unexpected(folder.error());
  folder_ = *folder;
  auto clean = co_await identity::ReadFile(host_.disk, kCleanStopFile);
  if (clean) {
    previous_epoch_ = NodeEpoch(std::strtoll(clean->c_str(), nullptr, 10));
    auto removed = co_await identity::RemoveFile(host_.disk, kCleanStopFile);
    if (!removed) co_return std::unexpected(removed.error());
  } else if (clean.error().kind != Error::Kind::kNotFound) {
    co_return std::unexpected(clean.error());
  }
  co_await host::AwaitDone([this](auto done) { high_watermarks_.Read(std::move(done)); });
  auto cluster = [this] { return folder_.cluster; };
  streams_ = std::make_unique<partition::FollowerStreams>(
      host_, cluster, config_.id, [this](NodeId node) -> std::optional<host::Endpoint> {
        const metadata::Node* known = catalog_.image().nodes.Find(node);
        const metadata::Listener* listener = known ? known->ListenerNamed("internal") : nullptr;
        if (!listener) return std::nullopt;
        return listener->host + ":" + std::to_string(listener->port);
      });
  partitions_ =
      std::make_unique<broker::Partitions>(host_, config_.id, folder_.directory, &high_watermarks_,
                                           this, streams_.get(), [this] { WatchOpening(); });
  feeds_ = std::make_unique<partition::LeaderFeeds>(
      host_, cluster, [this](const PartitionId& id) { return partitions_->Find(id); });
  records_ = std::make_unique<broker::Records>(host_, partitions_.get(), config_.bounds);
  co_return Listen();
}

Result<StorageNode::Listening> StorageNode::Listen() {
  session::SessionConfig config;
  config.node = config_.id;
  config.cluster = folder_.cluster;
  config.incarnation = Incarnation(host_.random.NextUuid());
  config.previous_epoch = previous_epoch_;
  config.controllers = config_.controllers;
  config.rack = config_.rack;
  config.directories = {folder_.directory};
  config.version = config_.version;
  session_ = std::make_unique<session::Session>(host_, std::move(config), this);

  host::Methods client = grpc_edge::LogMethods({records_.get(), &catalog_, &producer_ids_});
  client.merge(grpc_edge::AdminForwardMethods(host_, session_.get()));
  auto client_bound = host_.network.Listen(config_.client_listen, std::move(client));
  if (!client_bound) return std::unexpected(client_bound.error());
  host::Methods internal;
  internal[partition::kFollowMethod] = feeds_->Method();
  auto internal_bound = host_.network.Listen(config_.internal_listen, std::move(internal));
  if (!internal_bound) return std::unexpected(internal_bound.error());
  return Listening{*client_bound, *internal_bound};
}

void StorageNode::BeginSession(const Listening& bound) {
  const auto& client = config_.client_advertised.empty() ? bound.client : config_.client_advertised;
  const auto& internal =
      config_.internal_advertised.empty() ? bound.internal : config_.internal_advertised;
  session_->Start({ListenerOf("client", client), ListenerOf("internal", internal)});
}

void StorageNode::OnRegistered(NodeEpoch) {
  producer_ids_.AskAgain();
  partitions_->SessionRenewed();
}

void StorageNode::OnImage(const metadata::Image& before, const metadata::Image& after) {
  if (folder_.cluster.is_nil()) JoinCluster(after.cluster_id);
  const metadata::ProducerIds& granted = after.producer_ids;
  if (granted != before.producer_ids && granted.node == config_.id &&
      granted.node_epoch == session_->epoch()) {
    producer_ids_.Granted(granted.first, granted.next);
  }
  const metadata::ReplicationRates rates = metadata::ReplicationRatesOf(after);
  feeds_->SetThrottle(rates.as_leader);
  streams_->SetThrottle(rates.as_follower);
  catalog_.Publish(after);
  partitions_->Publish(before, after);
  WatchOpening();
}

void StorageNode::JoinCluster(ClusterId cluster) {
  folder_.cluster = cluster;
  host::Spawn<Result<void>>(identity::JoinCluster(host_.disk, folder_, cluster),
                            lifetime_.Bind([this](Result<void> joined) {
                              if (!joined) Fail(joined.error().While("joining the cluster"));
                            }));
}

void StorageNode::WatchOpening() {
  if (stopping_) return;
  bool was_open = std::exchange(all_open_, partitions_->all_open());
  if (all_open_) {
    if (!was_open) LOG(INFO) << partitions_->size() << " replicas are open";
    if (!was_open && !std::exchange(has_opened_all_, true)) {
      high_watermarks_.Watch([this] { return partitions_->high_watermarks(); });
    }
    session_->SetReady(true);
    host_.network.SetServing(true);
  }
}

void StorageNode::OnIsrRefused(PartitionId id, PartitionEpoch epoch, const Refusal& refusal) {
  VLOG(1) << "the controller refuses the ISR of " << id << ": " << refusal;
  if (auto* partition = partitions_->Find(id)) partition->IsrRefused(epoch, refusal.code);
}

void StorageNode::OnMayStop() {
  LOG(INFO) << "leaderships have moved";
  CloseLogs();
}

void StorageNode::OnRefused(const Refusal& refusal) {
  Fail(Error{Error::Kind::kInvalid, "the controller refuses this node: " + refusal.message});
}

void StorageNode::AskIsr(const node::v1::ChangeIsr& ask) { session_->ChangeIsr(ask); }

void StorageNode::Opened(const PartitionId&) { WatchOpening(); }

void StorageNode::HighWatermarkRaised(const PartitionId&, Offset) {}

void StorageNode::HighWatermarkFell(const PartitionId&) {
  high_watermarks_.Write([] {});
}

void StorageNode::LeadershipChanged(const PartitionId& partition,
                                    std::optional<LeaderEpoch> leads) {
  if (leads) {
    VLOG(1) << "leads " << partition << " in epoch " << *leads;
  } else {
    VLOG(1) << "leads " << partition << " no more";
  }
}

void StorageNode::Failed(const PartitionId& partition, const Error& error) {
  // With one data folder there is nothing left to serve: the node's replicas go elsewhere, and
  // whoever runs it is told why.
  Fail(error.While("partition " + partition.topic.ToString() + "/" +
                   std::to_string(partition.index.value())));
}

void StorageNode::Fail(Error error) {
  if (failed_) std::exchange(failed_, {})(std::move(error));
}

void StorageNode::Stop(Callback<void()> stopped) {
  CHECK(!stopping_);
  stopping_ = true;
  stopped_ = std::move(stopped);
  host_.network.SetServing(false);
  if (!session_ || session_->epoch() == kNoNodeEpoch) return CloseLogs();
  session_->Stop();
  host_.strand.RunAt(host_.clock.Now() + config_.stop_patience, lifetime_.Bind([this] {
    if (closing_logs_) return;
    LOG(WARNING) << "the controller has not relieved this node in time: it stops all the same";
    CloseLogs();
  }));
}

void StorageNode::CloseLogs() {
  if (std::exchange(closing_logs_, true)) return;
  // From here on the image stands still: a log that is being closed takes no new role.
  NodeEpoch epoch = session_ ? session_->epoch() : kNoNodeEpoch;
  if (session_) session_->Close();
  auto then = lifetime_.Bind([this, epoch] {
    high_watermarks_.Write(lifetime_.Bind([this, epoch] {
      host::Spawn(WriteCleanStop(epoch), lifetime_.Bind([this] {
        if (stopped_) std::exchange(stopped_, {})();
      }));
    }));
  });
  if (partitions_) {
    partitions_->Close(std::move(then));
  } else {
    host_.strand.Post(std::move(then));
  }
}

host::Task<void> StorageNode::WriteCleanStop(NodeEpoch epoch) {
  if (epoch == kNoNodeEpoch) co_return;
  auto written = co_await identity::ReplaceFile(host_.disk, kCleanStopFile,
                                                std::to_string(epoch.value()) + "\n");
  if (!written) LOG(ERROR) << "cannot write down the clean stop: " << written.error();
}

}  // namespace weir::storage
