// SPDX-License-Identifier: Apache-2.0
// Loads one topic and prints one line of JSON. records.py starts the clusters, and compares.
#include <gflags/gflags.h>
#include <glog/logging.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "bench/records/peer.h"

DEFINE_string(peer, "weir", "weir, or kafka: any broker of that protocol.");
DEFINE_string(bootstrap, "", "Where the cluster is, host:port,host:port.");
DEFINE_string(topic, "", "An existing topic.");
DEFINE_string(mode, "fill", "fill: as fast as it goes; pace: --rate; read: all that is there.");
DEFINE_double(seconds, 20, "How long to send.");
DEFINE_int64(bytes, 0, "With fill: end after so many bytes; 0: after --seconds.");
DEFINE_int64(rate, 2000, "With pace: records a second.");
DEFINE_int64(record_bytes, 1024, "Of each value.");
DEFINE_double(linger_ms, 5, "How long a batch waits for company.");
DEFINE_int64(batch_bytes, 256 << 10, "How large a batch grows.");
DEFINE_double(warm_seconds, 2, "With pace: what is sent before this is not counted.");

namespace weir::bench {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point then) {
  return std::chrono::duration<double>(Clock::now() - then).count();
}

double CpuSeconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// From when a record was due until it was acknowledged. Tags are numbers from 0 on.
class Latencies {
 public:
  void Due(Clock::time_point at) {
    std::lock_guard lock(mutex_);
    due_.push_back(at);
  }
  void Settled(uint64_t tag, bool acknowledged) {
    auto now = Clock::now();
    std::lock_guard lock(mutex_);
    longest_gap_ = std::max(longest_gap_, now - last_);
    last_ = now;
    if (acknowledged) {
      took_.emplace_back(tag, now - due_[tag]);
    } else {
      ++failed_;
    }
  }
  void Start() { last_ = Clock::now(); }

  // Of the records from `first` up to `end`.
  double Quantile(double part, uint64_t first, uint64_t end) {
    std::lock_guard lock(mutex_);
    std::vector<Clock::duration> some;
    for (const auto& [tag, took] : took_) {
      if (tag >= first && tag < end) some.push_back(took);
    }
    if (some.empty()) return 0;
    auto at = some.begin() + static_cast<int64_t>(part * static_cast<double>(some.size() - 1));
    std::ranges::nth_element(some, at);
    return std::chrono::duration<double, std::milli>(*at).count();
  }
  uint64_t acknowledged() {
    std::lock_guard lock(mutex_);
    return took_.size();
  }
  uint64_t failed() {
    std::lock_guard lock(mutex_);
    return failed_;
  }
  double longest_gap_ms() {
    std::lock_guard lock(mutex_);
    return std::chrono::duration<double, std::milli>(longest_gap_).count();
  }

 private:
  std::mutex mutex_;
  std::vector<Clock::time_point> due_;
  std::vector<std::pair<uint64_t, Clock::duration>> took_;
  Clock::time_point last_;
  Clock::duration longest_gap_{};
  uint64_t failed_ = 0;
};

// Bytes that do not compress, made once.
std::string MakeValue() {
  std::mt19937_64 random(1);
  std::string value(static_cast<size_t>(FLAGS_record_bytes), '\0');
  for (char& c : value) c = static_cast<char>(random());
  return value;
}

uint64_t Fill(Peer& peer, Clock::time_point start) {
  const std::string value = MakeValue();
  uint64_t sent = 0;
  while (FLAGS_bytes > 0 ? static_cast<int64_t>(sent) * FLAGS_record_bytes < FLAGS_bytes
                         : SecondsSince(start) < FLAGS_seconds) {
    for (int i = 0; i < 64; ++i) peer.Send(sent++, value);
  }
  peer.Drain();
  return sent;
}

uint64_t Pace(Peer& peer, Latencies& latencies, Clock::time_point start) {
  const std::string value = MakeValue();
  const auto total = static_cast<uint64_t>(FLAGS_seconds * static_cast<double>(FLAGS_rate));
  const std::chrono::nanoseconds step(1'000'000'000 / FLAGS_rate);
  for (uint64_t tag = 0; tag < total; ++tag) {
    auto due = start + step * static_cast<int64_t>(tag);
    if (due > Clock::now()) std::this_thread::sleep_until(due);
    latencies.Due(due);
    peer.Send(tag, value);
  }
  peer.Drain();
  return total;
}

void Print(const char* name, double value, const char* end = ", ") {
  std::printf("\"%s\": %.3f%s", name, value, end);
}

int Run() {
  const bool paced = FLAGS_mode == "pace";
  CHECK(paced || FLAGS_mode == "fill" || FLAGS_mode == "read") << "--mode=" << FLAGS_mode;
  CHECK(FLAGS_peer == "weir" || FLAGS_peer == "kafka") << "--peer=" << FLAGS_peer;
  CHECK(!FLAGS_bootstrap.empty() && !FLAGS_topic.empty()) << "--bootstrap and --topic are needed";
  PeerConfig config{.bootstrap = FLAGS_bootstrap,
                    .topic = FLAGS_topic,
                    .linger_ms = FLAGS_linger_ms,
                    .batch_bytes = static_cast<size_t>(FLAGS_batch_bytes)};
  Latencies latencies;
  std::atomic<uint64_t> filled = 0;
  std::atomic<uint64_t> failed = 0;
  auto settled = [&](uint64_t tag, bool acknowledged) {
    if (paced) {
      latencies.Settled(tag, acknowledged);
    } else {
      acknowledged ? ++filled : ++failed;
    }
  };
  auto peer = FLAGS_peer == "weir" ? MakeWeir(config, settled) : MakeKafka(config, settled);
  double cpu = CpuSeconds();
  auto start = Clock::now();
  latencies.Start();
  uint64_t records = 0;
  uint64_t bytes = 0;
  if (FLAGS_mode == "read") {
    peer->Read([&](uint64_t more, uint64_t more_bytes) {
      records += more;
      bytes += more_bytes;
    });
  } else {
    uint64_t sent = paced ? Pace(*peer, latencies, start) : Fill(*peer, start);
    records = paced ? latencies.acknowledged() : filled.load();
    bytes = records * static_cast<uint64_t>(FLAGS_record_bytes);
    CHECK_EQ(sent, records + (paced ? latencies.failed() : failed.load()));
  }
  double seconds = SecondsSince(start);
  cpu = CpuSeconds() - cpu;
  std::printf("{");
  Print("records", static_cast<double>(records));
  Print("failed", static_cast<double>(paced ? latencies.failed() : failed.load()));
  Print("seconds", seconds);
  Print("mb_per_s", static_cast<double>(bytes) / 1e6 / seconds);
  if (paced) {
    auto first = static_cast<uint64_t>(FLAGS_warm_seconds * static_cast<double>(FLAGS_rate));
    auto third = (records - first) / 3;
    Print("p50_ms", latencies.Quantile(0.5, first, records));
    Print("p99_ms", latencies.Quantile(0.99, first, records));
    Print("p999_ms", latencies.Quantile(0.999, first, records));
    Print("max_ms", latencies.Quantile(1, first, records));
    // Whether it grows: a soak compares them.
    Print("p999_first_third_ms", latencies.Quantile(0.999, first, first + third));
    Print("p999_last_third_ms", latencies.Quantile(0.999, records - third, records));
    Print("longest_gap_ms", latencies.longest_gap_ms());
  }
  Print("client_cpu_s", cpu, "}\n");
  return records > 0 ? 0 : 1;
}

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) {
  gflags::SetUsageMessage("loads one topic of a running cluster, and prints what it measured");
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  FLAGS_logtostderr = true;
  google::InitGoogleLogging(argv[0]);
  return weir::bench::Run();
}
