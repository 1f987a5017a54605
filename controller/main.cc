// SPDX-License-Identifier: Apache-2.0
// The controller's process: flags in, a Controller on the real host.
#include <gflags/gflags.h>
#include <glog/logging.h>

#include "common/host/posix/service.h"
#include "common/identity/process_id.h"
#include "common/telemetry/build_version.h"
#include "common/telemetry/log.h"
#include "controller/controller.h"
#include "controller/quorum/rocksdb/rocksdb_quorum_log.h"

DEFINE_string(id, "",
              "This controller's number, 0 or more; auto: the number at the end of the "
              "host's name.");
DEFINE_string(listen, "127.0.0.1:9190", "Where to listen, host:port.");
DEFINE_string(advertise, "", "Where other processes reach this one, host:port; empty: --listen.");
DEFINE_string(data, "", "The folder that holds the metadata log; made where it does not exist.");
DEFINE_string(log_folder, "", "Where log files go; empty: the standard error.");

namespace {

constexpr char kProgram[] = "controller";

int Run() {
  auto id = weir::identity::ProcessId(FLAGS_id, weir::host::MachineName());
  if (!id) return weir::host::Complain(kProgram, id.error());
  auto service = weir::host::Service::Open({.program = kProgram,
                                            .data = {FLAGS_data},
                                            .client_id = "controller-" + std::to_string(*id)});
  if (!service) return weir::host::Complain(kProgram, service.error());
  weir::host::Service& process = **service;

  weir::controller::ControllerConfig config;
  config.id = weir::ControllerId(*id);
  config.listen = FLAGS_listen;
  config.advertised = FLAGS_advertise.empty() ? FLAGS_listen : FLAGS_advertise;
  config.version = weir::BuildVersion();
  weir::quorum::RocksdbQuorumLog log(FLAGS_data + "/quorum", process.loop());
  weir::controller::Controller controller(process.host(), log, config, process.Failure());
  controller.Start([&](weir::Result<weir::host::Endpoint> started) {
    if (!started) return process.Fail(started.error());
    LOG(INFO) << "listening at " << *started;
  });
  return process.Run([&](auto stopped) { controller.Stop(std::move(stopped)); });
}

}  // namespace

int main(int argc, char** argv) {
  gflags::SetUsageMessage(
      "a Weir controller: one voter of the metadata quorum\n"
      "  controller --id=1 --listen=127.0.0.1:9190 --data=/var/lib/weir");
  gflags::SetVersionString(std::string(weir::BuildVersion()));
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  if (argc > 1) {
    return weir::host::Complain(
        kProgram,
        {weir::Error::Kind::kInvalid, std::string("'") + argv[1] + "' is no flag; see --help"});
  }
  weir::StartLog(argv[0], {.folder = FLAGS_log_folder});
  return Run();
}
