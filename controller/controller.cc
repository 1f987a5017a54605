// SPDX-License-Identifier: Apache-2.0
#include "controller/controller.h"

#include <glog/logging.h>

#include <utility>

namespace weir::controller {

Controller::Controller(host::Host host, quorum::QuorumLog& log, ControllerConfig config,
                       Callback<void(Error)> failed)
    : host_(host),
      log_(log, host.clock, host.strand,
           [this](bool waits) {
             if (waits) StepBack();
           }),
      config_(std::move(config)),
      failed_(std::move(failed)) {
  active_.known = [this]() -> std::optional<service::ActiveController::Known> {
    if (!quorum_) return std::nullopt;
    auto leader = quorum_->leader();
    if (!leader) return std::nullopt;
    return service::ActiveController::Known{leader->id, leader->endpoint};
  };
  sessions_ = std::make_unique<service::Sessions>(host_, &active_);
  upkeep_ = std::make_unique<service::Upkeep>(host_);
  observers_.list = {sessions_.get(), upkeep_.get()};
  machine_ = std::make_unique<service::MetadataDriver>(
      decide::MetadataMachine(config_.id), late_log_, observers_,
      [strand = &host_.strand](Task0 task) { strand->Post(std::move(task)); });
  sessions_->Serve(machine_.get());
  upkeep_->Serve(machine_.get());
  admin_ = std::make_unique<service::Admin>(
      host_, machine_.get(), &active_, [this]() -> quorum::Quorum* { return quorum_.get(); });
}

Controller::~Controller() { peers_.Serve(nullptr); }

void Controller::Start(Callback<void(Result<host::Endpoint>)> started) {
  host::Spawn<Result<host::Endpoint>>(Open(), lifetime_.Bind(std::move(started)));
}

host::Task<Result<host::Endpoint>> Controller::Open() {
  auto folder =
      co_await identity::OpenDataFolder(host_.disk, host_.random, "controller", config_.id.value());
  if (!folder) co_return std::unexpected(folder.error());
  folder_ = *folder;
  raft::VoterId self{config_.id, folder_.directory};
  birth_ = std::make_unique<quorum::Birth>(
      log_, quorum::Birth::Self{self, config_.advertised, config_.version},
      lifetime_.Bind([this](quorum::Birth::Found found) { Founded(std::move(found)); }));

  peers_.AwaitInvitation(self, [this](ClusterId cluster) {
    return birth_->Join(cluster) ? quorum_.get() : nullptr;
  });
  host::Methods methods = birth_->Methods();
  methods.merge(peers_.Methods());
  methods.merge(admin_->Methods());
  methods[service::kSessionMethod] = sessions_->Method();
  auto bound = host_.network.Listen(config_.listen, std::move(methods));
  if (!bound) co_return std::unexpected(bound.error());
  auto loaded =
      co_await host::Await<Result<void>>([&](auto done) { birth_->Start(std::move(done)); });
  if (!loaded) co_return std::unexpected(loaded.error());
  co_return *bound;
}

void Controller::Founded(quorum::Birth::Found found) {
  LOG(INFO) << "controller " << config_.id << " of cluster " << found.cluster;
  quorum::QuorumConfig config;
  config.cluster = found.cluster;
  config.self = {config_.id, folder_.directory};
  config.compaction = config_.compaction;
  config.caught_up = [this](const quorum::Voter& learner) { Promote(learner); };
  quorum_ = std::make_unique<quorum::Quorum>(
      host_, log_, std::move(config), *machine_,
      lifetime_.Bind([this](Error error) { Fail(std::move(error)); }));
  late_log_.quorum = quorum_.get();
  peers_.Serve(quorum_.get());
  quorum_->Start(std::move(found.remembered), std::move(found.snapshot));
  host_.network.SetServing(true);
}

// A learner that has the whole log is made a voter. If that is refused now, it is asked again.
void Controller::Promote(const quorum::Voter& learner) {
  if (!machine_->is_active()) return;
  machine_->Submit(decide::PromoteLearner{learner.id.controller, learner.id.directory},
                   {host_.clock.Now(), host_.clock.WallNow()},
                   [id = learner.id.controller](service::MetadataDriver::Told told) {
                     if (told.answer) {
                       LOG(INFO) << "controller " << id << " has caught up, and votes from now on";
                     }
                   });
}

void Controller::Stop(Callback<void()> stopped) {
  host_.network.SetServing(false);
  if (!quorum_) {
    host_.strand.Post(std::move(stopped));
    return;
  }
  quorum_->TransferLeadership(
      lifetime_.Bind([stopped = std::move(stopped)](bool) mutable { stopped(); }));
}

// A leader that saves nothing holds up what it promises to save; one that follows harms nobody.
void Controller::StepBack() {
  if (quorum_) quorum_->TransferLeadership([](bool) {});
}

void Controller::Fail(Error error) {
  if (failed_) std::exchange(failed_, {})(std::move(error));
}

}  // namespace weir::controller
