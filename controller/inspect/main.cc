// SPDX-License-Identifier: Apache-2.0
// What `weir log inspect` and `weir snapshot inspect` run: prints what lies in a quorum's folder.
// A program of its own, since RocksDB is read in one place and the `weir` command links no service.
#include <gflags/gflags.h>
#include <glog/logging.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "controller/inspect/listing.h"
#include "controller/quorum/rocksdb/inspection.h"
#include "proto/metadata/records.pb.h"

DEFINE_int64(from, 0, "The first entry to print.");
DEFINE_int64(to, INT64_MAX, "The last entry to print.");
DEFINE_string(format, "text", "text or json");

namespace weir::inspect {
namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;

int Complain(const std::string& words, int code) {
  std::cerr << "weir: " << words << std::endl;
  return code;
}

Format ChosenFormat() { return FLAGS_format == "json" ? Format::kJson : Format::kText; }

// Where a data folder is named, the log is meant that lies in it.
std::string LogIn(const std::string& path) {
  std::error_code ignored;
  bool holds_it = std::filesystem::exists(path + "/quorum/CURRENT", ignored);
  return holds_it ? path + "/quorum" : path;
}

int InspectLog(const std::string& path) {
  auto opened = quorum::Inspection::Open(LogIn(path));
  if (!opened) return Complain(opened.error().message, kFailed);
  auto account = (*opened)->ReadAccount();
  if (account && *account) List(**account, ChosenFormat(), std::cout);
  auto listed = (*opened)->ForEachEntry(
      LogIndex(FLAGS_from), LogIndex(FLAGS_to),
      [](const quorum::StoredEntry& stored) { List(stored.entry, ChosenFormat(), std::cout); });
  std::cout.flush();
  if (!account) return Complain(account.error().message, kFailed);
  if (!listed) return Complain(listed.error().message, kFailed);
  if (!*account) return Complain("nothing was ever written to the log in " + path, kFailed);
  return 0;
}

// A file holds a serialized weir.metadata.v1.Snapshot.
int InspectSnapshotFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  metadata::v1::Snapshot parsed;
  if (!in.good() && !in.eof()) return Complain("cannot read " + path, kFailed);
  if (bytes.empty() || !parsed.ParseFromString(bytes)) {
    return Complain(path + " is no weir.metadata.v1.Snapshot; name such a file, or a folder " +
                        "'quorum' of a controller",
                    kFailed);
  }
  raft::LogPosition last{LogIndex(parsed.last_index()), Term(parsed.last_term())};
  List(quorum::StoredSnapshot{last, Bytes::FromString(std::move(bytes))}, ChosenFormat(),
       std::cout);
  return 0;
}

int InspectSnapshot(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_regular_file(path, ignored)) return InspectSnapshotFile(path);
  auto opened = quorum::Inspection::Open(LogIn(path));
  if (!opened) return Complain(opened.error().message, kFailed);
  auto snapshot = (*opened)->ReadSnapshot();
  if (!snapshot) return Complain(snapshot.error().message, kFailed);
  if (!*snapshot) return Complain("there is no snapshot in " + path, kFailed);
  bool is_known = List(**snapshot, ChosenFormat(), std::cout);
  std::cout.flush();
  return is_known ? 0 : Complain("the snapshot cannot be understood", kFailed);
}

int Run(const std::string& what, const std::string& path) {
  bool is_format = FLAGS_format == "text" || FLAGS_format == "json";
  if (!is_format) return Complain("--format is text or json, not " + FLAGS_format, kUsage);
  if (FLAGS_from > FLAGS_to) {
    return Complain(
        "--from " + std::to_string(FLAGS_from) + " lies after --to " + std::to_string(FLAGS_to),
        kUsage);
  }
  if (what == "log") return InspectLog(path);
  if (what == "snapshot") return InspectSnapshot(path);
  return Complain("'" + what + "' cannot be inspected; log and snapshot can", kUsage);
}

}  // namespace
}  // namespace weir::inspect

int main(int argc, char** argv) {
  gflags::SetUsageMessage("prints a quorum's log\n  inspect log|snapshot FOLDER");
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  google::InitGoogleLogging(argv[0]);
  if (argc != 3) {
    return weir::inspect::Complain("name what to inspect (log or snapshot), and where",
                                   weir::inspect::kUsage);
  }
  return weir::inspect::Run(argv[1], argv[2]);
}
