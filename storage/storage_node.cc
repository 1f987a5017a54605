// SPDX-License-Identifier: Apache-2.0
#include "storage/storage_node.h"

#include <glog/logging.h>

#include <algorithm>
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

// What a clean stop left behind, which it is not any more from here on; 0 if there was none.
host::Task<Result<NodeEpoch>> TakeCleanStop(host::Disk& disk) {
  auto word = co_await identity::ReadFile(disk, kCleanStopFile);
  if (!word && word.error().kind == Error::Kind::kNotFound) co_return NodeEpoch(0);
  if (!word) co_return std::unexpected(word.error());
  auto removed = co_await identity::RemoveFile(disk, kCleanStopFile);
  if (!removed) co_return std::unexpected(removed.error());
  co_return NodeEpoch(std::strtoll(word->c_str(), nullptr, 10));
}

host::Task<bool> Read(broker::HighWatermarks& marks) {
  co_await host::AwaitDone([&marks](auto done) { marks.Read(std::move(done)); });
  co_return true;
}

host::Task<Result<void>> OpenJournal(broker::Directory& directory,
                                     journal::JournalOptions options) {
  co_return co_await host::Await<Result<void>>(
      [&](auto done) { directory.OpenJournal(options, std::move(done)); });
}

host::Task<bool> CloseJournal(broker::Directory& directory) {
  auto closed = co_await host::Await<Result<void>>(
      [&](auto done) { directory.journal()->Close(std::move(done)); });
  // The partitions' own files have all of it.
  if (!closed)
    LOG(ERROR) << "closing the journal of " << directory.path() << ": " << closed.error();
  co_return closed.has_value();
}

host::Task<bool> Write(broker::HighWatermarks& marks) {
  co_await host::AwaitDone([&marks](auto done) { marks.Write(std::move(done)); });
  co_return true;
}

}  // namespace

StorageNode::StorageNode(host::Host host, std::vector<identity::DataPlace> data,
                         StorageNodeConfig config, Callback<void(Error)> failed)
    : host_(host),
      config_(std::move(config)),
      failed_(std::move(failed)),
      data_(std::move(data)),
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
  auto opened = co_await OpenDirectories();
  if (!opened) co_return std::unexpected(opened.error());
  auto journals = co_await OpenJournals();
  if (!journals) co_return std::unexpected(journals.error());
  auto read = co_await ReadCleanStop();
  if (!read) co_return std::unexpected(read.error());
  co_await ReadHighWatermarks();
  MakeReplication();
  co_return Listen();
}

host::Task<Result<void>> StorageNode::OpenDirectories() {
  auto folders = co_await identity::OpenDataFolders(std::move(data_), host_.random, "storage",
                                                    config_.id.value());
  if (!folders) co_return std::unexpected(folders.error());
  folders_ = std::move(*folders);
  for (const auto& [path, error] : folders_.unusable) {
    LOG(ERROR) << error << "; the node starts without " << path;
  }
  for (const identity::OpenFolder& folder : folders_.open) {
    const DirectoryId id = folder.identity.directory;
    directories_.push_back(std::make_unique<broker::Directory>(
        host_, *folder.disk, folder.path, id, config_.room,
        [this, id](const Error& error) { DirectoryFailed(id, error); }));
    directories_.back()->Watch();
    LOG(INFO) << "data folder " << folder.path << " is directory " << id
              << (folder.is_new ? ", a new one" : "");
  }
  co_return Result<void>();
}

host::Task<Result<void>> StorageNode::OpenJournals() {
  std::vector<host::Task<Result<void>>> openings;
  for (const auto& directory : directories_) {
    openings.push_back(OpenJournal(*directory, config_.journal));
  }
  auto opened = co_await host::All(std::move(openings));
  for (size_t i = 0; i < directories_.size(); ++i) {
    if (opened[i]) continue;
    GiveUp(*directories_[i], opened[i].error());
    if (Working().empty()) co_return std::unexpected(opened[i].error());
  }
  co_return Result<void>();
}

host::Task<void> StorageNode::CloseJournals() {
  std::vector<host::Task<bool>> closings;
  for (broker::Directory* directory : Working()) {
    if (directory->journal() != nullptr) closings.push_back(CloseJournal(*directory));
  }
  co_await host::All(std::move(closings));
}

// The stop was a clean one if all say so that may hold something.
host::Task<Result<void>> StorageNode::ReadCleanStop() {
  std::vector<host::Task<Result<NodeEpoch>>> words;
  std::vector<broker::Directory*> asked;
  for (size_t i = 0; i < directories_.size(); ++i) {
    if (folders_.open[i].is_new) continue;
    asked.push_back(directories_[i].get());
    words.push_back(TakeCleanStop(*folders_.open[i].disk));
  }
  std::optional<NodeEpoch> agreed;
  auto taken = co_await host::All(std::move(words));
  for (size_t i = 0; i < asked.size(); ++i) {
    NodeEpoch said = taken[i].value_or(NodeEpoch(0));
    agreed = agreed.value_or(said) == said ? said : NodeEpoch(0);
    if (taken[i]) continue;
    GiveUp(*asked[i], taken[i].error());
    if (Working().empty()) co_return std::unexpected(taken[i].error());
  }
  previous_epoch_ = agreed.value_or(NodeEpoch(0));
  co_return Result<void>();
}

host::Task<void> StorageNode::ReadHighWatermarks() {
  std::vector<host::Task<bool>> reads;
  for (broker::Directory* directory : Working())
    reads.push_back(Read(directory->high_watermarks()));
  co_await host::All(std::move(reads));
}

host::Task<void> StorageNode::WriteHighWatermarks() {
  std::vector<host::Task<bool>> writes;
  for (broker::Directory* directory : Working()) {
    writes.push_back(Write(directory->high_watermarks()));
  }
  co_await host::All(std::move(writes));
}

void StorageNode::MakeReplication() {
  auto cluster = [this] { return folders_.cluster; };
  auto endpoint_of = [this](NodeId node) -> std::optional<host::Endpoint> {
    const metadata::Node* known = catalog_.image().nodes.Find(node);
    const metadata::Listener* listener = known ? known->ListenerNamed("internal") : nullptr;
    if (!listener) return std::nullopt;
    return listener->host + ":" + std::to_string(listener->port);
  };
  auto find = [this](const PartitionId& id) { return partitions_->Find(id); };
  streams_ = std::make_unique<partition::FollowerStreams>(host_, cluster, config_.id, endpoint_of);
  std::vector<broker::Directory*> directories;
  for (const auto& directory : directories_) directories.push_back(directory.get());
  partitions_ = std::make_unique<broker::Partitions>(host_, config_.id, directories, this,
                                                     streams_.get(), [this] { WatchOpening(); });
  scrubber_ = std::make_unique<broker::Scrubber>(host_, partitions_.get(), std::move(directories),
                                                 config_.scrub);
  feeds_ = std::make_unique<partition::LeaderFeeds>(host_, cluster, find);
  healer_ = std::make_unique<partition::Healer>(host_, cluster, find, endpoint_of);
  records_ = std::make_unique<broker::Records>(host_, partitions_.get(), config_.bounds);
}

Result<StorageNode::Listening> StorageNode::Listen() {
  session::SessionConfig config;
  config.node = config_.id;
  config.cluster = folders_.cluster;
  config.incarnation = Incarnation(host_.random.NextUuid());
  config.previous_epoch = previous_epoch_;
  config.controllers = config_.controllers;
  config.rack = config_.rack;
  for (const auto& directory : directories_) config.directories.push_back(directory->id());
  // It still has them, and they do not work: what lies there waits for them.
  for (const DirectoryId& missing : folders_.missing) config.directories.push_back(missing);
  config.version = config_.version;
  session_ = std::make_unique<session::Session>(host_, std::move(config), this);
  for (const DirectoryId& missing : folders_.missing) session_->FailDirectory(missing);
  for (const auto& directory : directories_) {
    if (!directory->works()) session_->FailDirectory(directory->id());
  }

  host::Methods client = grpc_edge::LogMethods({records_.get(), &catalog_, &producer_ids_});
  client.merge(grpc_edge::AdminForwardMethods(host_, session_.get()));
  auto client_bound = host_.network.Listen(config_.client_listen, std::move(client));
  if (!client_bound) return std::unexpected(client_bound.error());
  host::Methods internal;
  internal[partition::kFollowMethod] = feeds_->Method();
  internal[partition::kCopyMethod] = healer_->Method();
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
  if (folders_.cluster.is_nil()) JoinCluster(after.cluster_id);
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
  folders_.cluster = cluster;
  for (size_t i = 0; i < directories_.size(); ++i) {
    broker::Directory* directory = directories_[i].get();
    host::Spawn<Result<void>>(
        identity::JoinCluster(directory->host().disk, folders_.open[i].identity, cluster),
        lifetime_.Bind([this, id = directory->id()](Result<void> joined) {
          if (!joined) DirectoryFailed(id, joined.error().While("joining the cluster"));
        }));
  }
}

void StorageNode::WatchOpening() {
  if (stopping_) return;
  bool was_open = std::exchange(all_open_, partitions_->all_open());
  if (!all_open_) return;
  if (!was_open) LOG(INFO) << partitions_->size() << " replicas are open";
  if (!was_open && !std::exchange(has_opened_all_, true)) {
    for (broker::Directory* directory : Working()) {
      directory->high_watermarks().Watch(
          [this, directory] { return partitions_->HighWatermarksIn(*directory); });
    }
    scrubber_->Start();
  }
  // Let in sooner, it might be chosen to lead what it cannot.
  if (!FailuresAreKnown()) return;
  session_->SetReady(true);
  host_.network.SetServing(true);
}

bool StorageNode::FailuresAreKnown() const {
  const metadata::Node* self = catalog_.image().nodes.Find(config_.id);
  if (!self) return false;
  auto is_known = [self](const DirectoryId& id) { return !self->Offers(id); };
  for (const auto& directory : directories_) {
    if (!directory->works() && !is_known(directory->id())) return false;
  }
  return std::ranges::all_of(folders_.missing, is_known);
}

std::vector<broker::Directory*> StorageNode::Working() const {
  std::vector<broker::Directory*> working;
  for (const auto& directory : directories_) {
    if (directory->works()) working.push_back(directory.get());
  }
  return working;
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

void StorageNode::HighWatermarkFell(const PartitionId& partition) {
  partitions_->WasCut(partition);
  broker::Directory* directory = partitions_->DirectoryOf(partition);
  if (directory && directory->works()) directory->high_watermarks().Write([] {});
}

void StorageNode::LeadershipChanged(const PartitionId& partition,
                                    std::optional<LeaderEpoch> leads) {
  if (leads) {
    VLOG(1) << "leads " << partition << " in epoch " << *leads;
  } else {
    VLOG(1) << "leads " << partition << " no more";
  }
}

void StorageNode::Damaged(const PartitionId& id) { healer_->Heal(id); }

void StorageNode::Failed(const PartitionId& id, const Error& error) {
  broker::Directory* directory = partitions_->DirectoryOf(id);
  if (!directory || !directory->works() || closing_logs_) return;
  // No room, or too many files open: the disk is as good as before, and so is what lies there.
  if (error.kind == Error::Kind::kFull || error.kind == Error::Kind::kUnavailable) {
    partitions_->OpenAgain(id);
    return WatchOpening();
  }
  DirectoryFailed(directory->id(), error.While("partition " + id.topic.ToString() + "/" +
                                               std::to_string(id.index.value())));
}

void StorageNode::GiveUp(broker::Directory& directory, const Error& error) {
  LOG(ERROR) << "data folder " << directory.path() << " is given up, and nothing is written there "
             << "until this node is started again: " << error;
  directory.Fail(error);
  given_up_.insert(directory.id());
}

void StorageNode::DirectoryFailed(const DirectoryId& id, const Error& error) {
  if (given_up_.contains(id)) return;
  auto failed = std::ranges::find(directories_, id, [](const auto& d) { return d->id(); });
  CHECK(failed != directories_.end());
  broker::Directory& directory = **failed;
  GiveUp(directory, error);
  if (partitions_) partitions_->DirectoryFailed(directory, error);
  if (Working().empty()) {
    return Fail(error.While(directories_.size() > 1 ? "no data folder works any more"
                                                    : "data folder " + directory.path()));
  }
  if (session_) session_->FailDirectory(id);
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
  auto then = lifetime_.Bind([this, epoch](bool clean) {
    host::Spawn(WriteCleanStop(clean ? epoch : kNoNodeEpoch), lifetime_.Bind([this] {
      if (stopped_) std::exchange(stopped_, {})();
    }));
  });
  if (partitions_) {
    partitions_->Close(std::move(then));
  } else {
    host_.strand.Post([then = std::move(then)]() mutable { then(true); });
  }
}

host::Task<void> StorageNode::WriteCleanStop(NodeEpoch epoch) {
  co_await CloseJournals();
  co_await WriteHighWatermarks();
  if (epoch == kNoNodeEpoch) co_return;
  std::vector<host::Task<Result<void>>> writes;
  for (broker::Directory* directory : Working()) {
    writes.push_back(identity::ReplaceFile(directory->host().disk, kCleanStopFile,
                                           std::to_string(epoch.value()) + "\n"));
  }
  for (const Result<void>& written : co_await host::All(std::move(writes))) {
    if (!written) LOG(ERROR) << "cannot write down the clean stop: " << written.error();
  }
}

}  // namespace weir::storage
