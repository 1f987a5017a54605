// SPDX-License-Identifier: Apache-2.0
// The controller's process: flags in, a Controller on the real host.
#include <gflags/gflags.h>
#include <glog/logging.h>
#include <unistd.h>

#include <iostream>

#include "common/host/posix/process.h"
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

// Says why the process ends, for whoever started it.
int Complain(const weir::Error& error) {
  std::cerr << "controller: " << error.message << std::endl;
  return error.kind == weir::Error::Kind::kInvalid ? 2 : 1;
}

std::string HostName() {
  char name[256] = {};
  gethostname(name, sizeof(name) - 1);
  return name;
}

int Run() {
  auto id = weir::identity::ProcessId(FLAGS_id, HostName());
  if (!id) return Complain(id.error());
  if (FLAGS_data.empty()) {
    return Complain({weir::Error::Kind::kInvalid, "--data is missing: name the data folder"});
  }
  weir::host::StopSignals signals;
  auto lock = weir::host::LockFolder(FLAGS_data);
  if (!lock) return Complain(lock.error());

  weir::host::PosixHost world(
      {.root = FLAGS_data, .client_id = "controller-" + std::to_string(*id)});
  weir::quorum::RocksdbQuorumLog log(FLAGS_data + "/quorum", world.loop());
  int status = 0;
  auto fail = [&](weir::Error error) {
    status = Complain(error);
    world.loop().Stop();
  };
  weir::controller::ControllerConfig config;
  config.id = weir::ControllerId(*id);
  config.listen = FLAGS_listen;
  config.advertised = FLAGS_advertise.empty() ? FLAGS_listen : FLAGS_advertise;
  config.version = weir::BuildVersion();
  weir::controller::Controller controller(world.host(), log, config, fail);
  bool stopping = false;
  signals.Hear(world.loop(), [&](int) {
    if (stopping) return world.loop().Stop();
    stopping = true;
    LOG(INFO) << "stopping in order; once more to stop at once";
    controller.Stop([&] { world.loop().Stop(); });
  });
  controller.Start([&](weir::Result<weir::host::Endpoint> started) {
    if (!started) return fail(started.error());
    LOG(INFO) << "listening at " << *started;
  });
  world.loop().Run();
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  gflags::SetUsageMessage(
      "a Weir controller: one voter of the metadata quorum\n"
      "  controller --id=1 --listen=127.0.0.1:9190 --data=/var/lib/weir");
  gflags::SetVersionString(std::string(weir::BuildVersion()));
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  if (argc > 1) {
    return Complain(
        {weir::Error::Kind::kInvalid, std::string("'") + argv[1] + "' is no flag; see --help"});
  }
  weir::StartLog(argv[0], {.folder = FLAGS_log_folder});
  return Run();
}
