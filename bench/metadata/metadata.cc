// SPDX-License-Identifier: Apache-2.0
// What the cluster's metadata costs at scale: a snapshot of 200,000 partitions written and loaded,
// one change applied and compared, one change pushed to many sessions. Prints a table; asserts
// nothing. Build it with --config=opt.
#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "bench/metadata/made_cluster.h"
#include "bench/metadata/pushes.h"
#include "common/host/posix/system_clock.h"
#include "common/metadata/apply.h"
#include "common/metadata/diff.h"
#include "common/metadata/snapshot.h"

namespace weir::bench {
namespace {

using metadata::Image;
namespace v1 = metadata::v1;

constexpr int32_t kPartitions = 200'000;

double MsSince(Instant from) {
  return static_cast<double>((host::SystemClock().Now() - from).count()) / 1e6;
}

double PeakMb() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_maxrss) / 1024;
}

double HeapMb() { return static_cast<double>(mallinfo2().uordblks + mallinfo2().hblkhd) / 1e6; }

void Row(const char* what, double is, const char* unit, const char* limit) {
  std::printf("%-62s %10.2f %-6s %10s\n", what, is, unit, limit);
  std::fflush(stdout);
}

// In a process of its own, whose peak is that of loading alone: read a file, load it, say how.
int LoadAlone(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes(std::filesystem::file_size(path), '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  double before = HeapMb() - static_cast<double>(bytes.size()) / 1e6;
  Instant start = host::SystemClock().Now();
  Image image = metadata::ReadSnapshot(bytes).value();
  double took = MsSince(start);
  bytes = {};
  if (image.partitions.size() != kPartitions) return 1;
  Row("snapshot of 200,000 partitions loaded, ms", took, "ms", "2,000");
  Row("  peak memory of the process that loaded it, MB", PeakMb(), "MB", "400");
  Row("  the image alone, MB", HeapMb() - before, "MB", "");
  return 0;
}

void Load(const std::string& bytes, const char* self) {
  std::string path = std::filesystem::temp_directory_path() / "weir-bench-snapshot";
  std::ofstream(path, std::ios::binary) << bytes;
  pid_t child = fork();
  if (child == 0) {
    execl(self, self, "--load", path.c_str(), nullptr);
    _exit(127);
  }
  int status = 0;
  waitpid(child, &status, 0);
  std::filesystem::remove(path);
  if (status != 0) std::printf("loading failed\n");
}

void Snapshots(const Image& image, const char* self) {
  double before = PeakMb();
  Instant start = host::SystemClock().Now();
  std::string bytes = metadata::WriteSnapshot(image);
  double took = MsSince(start);
  Row("snapshot of 200,000 partitions written, ms", took, "ms", "");
  Row("  its size, MB", static_cast<double>(bytes.size()) / 1e6, "MB", "");
  Row("  memory used while writing it, MB", PeakMb() - before, "MB", "");
  Load(bytes, self);
}

// The costs of single changes, each to another partition.
void Changes(int32_t partitions) {
  constexpr int kChanges = 20'000;
  Image image = MadeCluster(partitions);
  std::vector<v1::Record> records;
  Image after = image;
  for (uint64_t i = 0; i < kChanges; ++i) {
    records.push_back(LeaderMoves(after, i));
    after = metadata::Apply(std::move(after), records.back());
  }
  std::vector<Image> versions{image};
  versions.reserve(kChanges + 1);
  Instant start = host::SystemClock().Now();
  for (const v1::Record& record : records) {
    versions.push_back(metadata::Apply(versions.back(), record));
  }
  std::string name = std::to_string(partitions) + " partitions: one change ";
  Row((name + "applied, us").c_str(), MsSince(start) * 1e3 / kChanges, "us", "");
  start = host::SystemClock().Now();
  size_t changed = 0;
  for (size_t i = 1; i < versions.size(); ++i) {
    changed += metadata::Diff(versions[i - 1], versions[i]).partitions.size();
  }
  Row((name + "found by Diff, us").c_str(), MsSince(start) * 1e3 / kChanges, "us", "");
  if (changed != kChanges) std::printf("Diff has found %zu changes\n", changed);
}

int Run(const char* self) {
  std::printf("%-62s %10s %-6s %10s\n", "WHAT", "IS", "", "LIMIT");
  {
    Instant start = host::SystemClock().Now();
    Image image = MadeCluster(kPartitions);
    Row("200,000 partitions applied, 100 an entry, ms", MsSince(start), "ms", "");
    Snapshots(image, self);
  }
  for (int32_t partitions : {2'000, 20'000, 200'000}) Changes(partitions);
  for (int sessions : {1, 10, 100}) {
    PushCost cost = CostOfPushes(MadeCluster(20'000), sessions, 20'000);
    std::string name = "one change pushed to " + std::to_string(sessions) + " sessions, us";
    Row(name.c_str(), cost.per_entry_us, "us", "");
    if (sessions == 100) {
      Row("  copies of its bytes made for them", cost.copies_per_entry, "", "0");
    }
  }
  return 0;
}

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) {
  if (argc == 3 && std::strcmp(argv[1], "--load") == 0) return weir::bench::LoadAlone(argv[2]);
  return weir::bench::Run("/proc/self/exe");
}
