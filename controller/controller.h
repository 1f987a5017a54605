// SPDX-License-Identifier: Apache-2.0
// A controller, whole, above the host: what main() runs, and the simulation too. It waits until a
// cluster is founded on its disk, and is one voter of that cluster's quorum from then on.
//
// One strand. Destroying it at any moment is a crash; Stop hands leadership over first.
#pragma once

#include <memory>
#include <optional>

#include "common/host/host.h"
#include "common/identity/data_folder.h"
#include "controller/quorum/birth.h"
#include "controller/quorum/patient_log.h"
#include "controller/quorum/quorum.h"
#include "controller/service/active.h"
#include "controller/service/admin.h"
#include "controller/service/sessions.h"
#include "controller/service/upkeep.h"

namespace weir::controller {

struct ControllerConfig {
  ControllerId id;
  // To bind, and to be told to others; an empty advertised one is the one that was bound.
  host::Endpoint listen;
  host::Endpoint advertised;
  std::string version;
  quorum::Compaction compaction;
};

class Controller {
 public:
  // `log` outlives this. `failed` is told once, if the process should end with these words.
  Controller(host::Host host, quorum::QuorumLog& log, ControllerConfig config,
             Callback<void(Error)> failed);
  ~Controller();

  // Opens the data folder, listens and loads the log. Whether there is a cluster already is not
  // waited for.
  void Start(Callback<void(Result<host::Endpoint>)> started);
  void Stop(Callback<void()> stopped);

  ControllerId id() const { return config_.id; }
  // Null until a cluster was founded here.
  const quorum::Quorum* quorum() const { return quorum_.get(); }
  const service::MetadataDriver& machine() const { return *machine_; }
  service::MetadataDriver& machine() { return *machine_; }

 private:
  // The quorum exists only once there is a cluster, and the machine before it.
  class LateLog : public machine::MachineLog {
   public:
    std::optional<int64_t> Append(int64_t epoch, Bytes entry) override {
      return quorum ? quorum->Append(epoch, std::move(entry)) : std::nullopt;
    }
    quorum::Quorum* quorum = nullptr;
  };

  // Who hears of what commits, in this order.
  class Observers : public service::MetadataDriver::Observer {
   public:
    void OnPublished(const metadata::Image& before, const metadata::Image& after,
                     machine::Position position, const Bytes& entry) override {
      for (auto* each : list) each->OnPublished(before, after, position, entry);
    }
    void OnRestored(const metadata::Image& before, const metadata::Image& after,
                    machine::Position position) override {
      for (auto* each : list) each->OnRestored(before, after, position);
    }
    void OnActive(int64_t epoch) override {
      for (auto* each : list) each->OnActive(epoch);
    }
    void OnInactive() override {
      for (auto* each : list) each->OnInactive();
    }
    std::vector<service::MetadataDriver::Observer*> list;
  };

  host::Task<Result<host::Endpoint>> Open();
  void Founded(quorum::Birth::Found found);
  void Promote(const quorum::Voter& learner);
  void Fail(Error error);
  void StepBack();

  host::Host host_;
  quorum::PatientLog log_;
  const ControllerConfig config_;
  Callback<void(Error)> failed_;
  identity::DataFolder folder_;

  LateLog late_log_;
  service::ActiveController active_;
  Observers observers_;
  std::unique_ptr<service::MetadataDriver> machine_;
  std::unique_ptr<service::Sessions> sessions_;
  std::unique_ptr<service::Upkeep> upkeep_;
  std::unique_ptr<service::Admin> admin_;
  quorum::PeerService peers_;
  std::unique_ptr<quorum::Birth> birth_;
  std::unique_ptr<quorum::Quorum> quorum_;
  Lifetime lifetime_;
};

}  // namespace weir::controller
