// SPDX-License-Identifier: Apache-2.0
// The storage node's process: flags in, a StorageNode on the real host.
#include <gflags/gflags.h>
#include <glog/logging.h>

#include <charconv>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "common/host/posix/service.h"
#include "common/identity/data_folders.h"
#include "common/identity/process_id.h"
#include "common/telemetry/build_version.h"
#include "common/telemetry/log.h"
#include "storage/storage_node.h"

DEFINE_string(id, "",
              "This node's number, 0 or more; auto: the number at the end of the host's "
              "name.");
DEFINE_string(client_listen, "127.0.0.1:9292", "Where clients are served, host:port.");
DEFINE_string(internal_listen, "127.0.0.1:9293", "Where other nodes follow, host:port.");
DEFINE_string(advertise_client, "",
              "Where clients reach this node, host:port; empty: "
              "--client_listen.");
DEFINE_string(advertise_internal, "",
              "Where other nodes reach this node, host:port; empty: "
              "--internal_listen.");
DEFINE_string(
    data, "",
    "The folders that hold the records, one for each disk: /a,/b,/c. Made where they do not "
    "exist.");
DEFINE_int64(min_free_mib, -1,
             "Producers are refused while less is free on the disk of a partition, in MiB; -1: a "
             "twentieth of the disk, and 1024 at most.");
DEFINE_int64(
    journal_mib, 256,
    "What the journal of a data folder may take, in MiB: records that are acknowledged and "
    "not yet synced in the files of their partitions.");
DEFINE_string(controllers, "", "The controllers, host:port,host:port,...");
DEFINE_string(rack, "", "Where this node stands: replicas are spread over racks.");
DEFINE_int64(
    append_memory_mib, 256,
    "Memory for appends that are not yet written and acknowledged; producers are held back "
    "beyond it.");
DEFINE_int64(read_memory_mib, 128,
             "Memory for records on their way to consumers, who get fewer at a time as it fills.");
DEFINE_int64(scrub_mib_per_s, 4,
             "How fast each data folder is read, round after round, and compared with its "
             "checksums, in MiB a second; what is damaged is mended from other nodes. 0: not at "
             "all.");
DEFINE_string(log_folder, "", "Where log files go; empty: the standard error.");

namespace {

constexpr char kProgram[] = "storage";
constexpr int64_t kMinFreeMibMost = 1 << 30;
constexpr int64_t kMemoryMibMost = 1 << 20;
constexpr int64_t kScrubMibMost = 1 << 20;

// What others are told to connect to: host:port, with a port that can be.
bool IsReachable(const std::string& endpoint) {
  size_t colon = endpoint.rfind(':');
  if (colon == std::string::npos || colon == 0) return false;
  int port = 0;
  const char* end = endpoint.data() + endpoint.size();
  auto parsed = std::from_chars(endpoint.data() + colon + 1, end, port);
  return parsed.ec == std::errc() && parsed.ptr == end && port > 0 && port <= 65535;
}

std::vector<std::string> FoldersIn(const std::string& flag) {
  std::vector<std::string> folders(1);
  for (char c : flag) {
    if (c == ',') {
      folders.emplace_back();
    } else {
      folders.back() += c;
    }
  }
  return folders;
}

weir::Result<weir::storage::StorageNodeConfig> ConfigFromFlags() {
  auto invalid = [](std::string why) {
    return weir::Fail(weir::Error::Kind::kInvalid, std::move(why));
  };
  auto id = weir::identity::ProcessId(FLAGS_id, weir::host::MachineName());
  if (!id) return std::unexpected(id.error());
  if (FLAGS_min_free_mib < -1 || FLAGS_min_free_mib > kMinFreeMibMost) {
    return invalid("--min_free_mib=" + std::to_string(FLAGS_min_free_mib) + " is not -1 to " +
                   std::to_string(kMinFreeMibMost));
  }
  for (const auto& [flag, endpoint] :
       {std::pair("--advertise_client", FLAGS_advertise_client),
        std::pair("--advertise_internal", FLAGS_advertise_internal)}) {
    if (endpoint.empty() || IsReachable(endpoint)) continue;
    return invalid(std::string(flag) + "=" + endpoint + " is not host:port, as in 10.0.0.1:9292");
  }
  weir::storage::StorageNodeConfig config;
  config.id = weir::NodeId(*id);
  config.client_listen = FLAGS_client_listen;
  config.internal_listen = FLAGS_internal_listen;
  config.client_advertised = FLAGS_advertise_client;
  config.internal_advertised = FLAGS_advertise_internal;
  config.rack = FLAGS_rack;
  for (const auto& [flag, mib] : {std::pair("--append_memory_mib", FLAGS_append_memory_mib),
                                  std::pair("--read_memory_mib", FLAGS_read_memory_mib),
                                  std::pair("--journal_mib", FLAGS_journal_mib)}) {
    if (mib >= 1 && mib <= kMemoryMibMost) continue;
    return invalid(std::string(flag) + " is from 1 to " + std::to_string(kMemoryMibMost) +
                   ", not " + std::to_string(mib));
  }
  config.bounds = {.append_bytes = FLAGS_append_memory_mib << 20,
                   .read_bytes = FLAGS_read_memory_mib << 20};
  if (FLAGS_scrub_mib_per_s < 0 || FLAGS_scrub_mib_per_s > kScrubMibMost) {
    return invalid("--scrub_mib_per_s=" + std::to_string(FLAGS_scrub_mib_per_s) + " is not 0 to " +
                   std::to_string(kScrubMibMost));
  }
  config.scrub.bytes_per_second = FLAGS_scrub_mib_per_s << 20;
  config.journal.bytes = static_cast<uint64_t>(FLAGS_journal_mib) << 20;
  config.version = weir::BuildVersion();
  if (FLAGS_min_free_mib >= 0) {
    config.room.min_free = static_cast<uint64_t>(FLAGS_min_free_mib) << 20;
  }
  std::istringstream list(FLAGS_controllers);
  for (std::string endpoint; std::getline(list, endpoint, ',');) {
    if (!IsReachable(endpoint)) {
      return invalid("--controllers: '" + endpoint + "' is not host:port");
    }
    config.controllers.push_back(endpoint);
  }
  if (config.controllers.empty()) {
    return invalid("--controllers is missing: name them as host:port,host:port,...");
  }
  return config;
}

int Run() {
  auto config = ConfigFromFlags();
  if (!config) return weir::host::Complain(kProgram, config.error());
  auto service =
      weir::host::Service::Open({.program = kProgram,
                                 .data = FoldersIn(FLAGS_data),
                                 .client_id = "node-" + std::to_string(config->id.value())});
  if (!service) return weir::host::Complain(kProgram, service.error());
  weir::host::Service& process = **service;

  std::vector<weir::identity::DataPlace> data;
  for (const auto& folder : process.folders()) data.push_back({folder.path, folder.disk});
  weir::storage::StorageNode node(process.host(), std::move(data), *config, process.Failure());
  node.Start([&](weir::Result<weir::storage::StorageNode::Listening> started) {
    if (!started) return process.Fail(started.error());
    LOG(INFO) << "clients at " << started->client << ", nodes at " << started->internal;
  });
  return process.Run([&](auto stopped) { node.Stop(std::move(stopped)); });
}

}  // namespace

int main(int argc, char** argv) {
  gflags::SetUsageMessage(
      "a Weir storage node: holds and serves partitions\n"
      "  storage --id=1 --controllers=127.0.0.1:9190 --data=/var/lib/weir");
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
