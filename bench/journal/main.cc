// SPDX-License-Identifier: Apache-2.0
// What an acknowledgement waits for the disk: appends of 1 KB at a steady rate over many
// partitions, through one journal and with a sync of each file, in turns; on this disk, and with
// flushes that take as long as on a network volume. Prints one line for each, and ratios.
#include <gflags/gflags.h>
#include <glog/logging.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <vector>

#include "bench/journal/slow_disk.h"
#include "common/host/posix/disk.h"
#include "common/host/posix/event_loop.h"
#include "common/host/posix/kernel_random.h"
#include "common/host/posix/system_clock.h"
#include "common/records/batch_builder.h"
#include "storage/log/log.h"

DEFINE_string(folder, "/var/tmp/weir-bench-journal",
              "On the disk that is measured; emptied first.");
DEFINE_string(partitions, "1,100,1000", "How many are appended to.");
DEFINE_int32(rate, 10'000, "Appends a second, all partitions together.");
DEFINE_int32(seconds, 10, "How long one round takes.");
DEFINE_int32(rounds, 3, "Rounds of each kind; their medians are printed.");
DEFINE_int32(flush_us, 0, "How long a flush takes at least, in microseconds.");
DEFINE_int32(journal_mib, 256, "The journal's size.");
DEFINE_int32(syncs_max, 4, "How many files are synced at once to make room in it.");

namespace weir {
namespace {

constexpr size_t kValueBytes = 1024;

struct Figures {
  double p50 = 0;
  double p99 = 0;
  double p999 = 0;
  double flushes = 0;
  double cpu_seconds = 0;
};

class Partition final : public log::LogEvents {
 public:
  explicit Partition(host::Clock& clock, std::vector<Duration>* took)
      : clock_(clock), took_(took) {}

  void Append(const Bytes& batch) {
    auto appended = log->AppendAsLeader(batch, LeaderEpoch(1), log::Origin::kClient, {});
    CHECK(appended) << appended.error().message;
    waiting_.emplace_back(appended->last + 1, clock_.Now());
  }
  void OnWritten(Offset) override {}
  void OnDurable(Offset end) override {
    const Instant now = clock_.Now();
    while (!waiting_.empty() && waiting_.front().first <= end) {
      took_->push_back(now - waiting_.front().second);
      waiting_.pop_front();
    }
  }
  void OnFailed(const Error& error) override { LOG(FATAL) << error; }
  bool is_idle() const { return waiting_.empty(); }

  std::unique_ptr<log::Log> log;

 private:
  host::Clock& clock_;
  std::vector<Duration>* took_;
  std::deque<std::pair<Offset, Instant>> waiting_;
};

double CpuSeconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

// One round: opens the logs, appends at the rate, and counts.
class Round {
 public:
  Round(int partitions, bool with_journal) : count_(partitions), with_journal_(with_journal) {
    std::filesystem::remove_all(FLAGS_folder);
    std::filesystem::create_directories(FLAGS_folder);
    records::BatchBuilder builder;
    builder.Add({0}, std::nullopt, std::string(kValueBytes, 'x'));
    batch_ = builder.Build();
  }

  Figures Run() {
    if (with_journal_) OpenJournal();
    for (int i = 0; i < count_; ++i) OpenLog(i);
    // The first append of each makes its files: that is not what is measured.
    for (auto& partition : partitions_) partition->Append(batch_);
    Drain();
    took_.clear();
    const uint64_t flushes = disk_.flushes();
    const double cpu = CpuSeconds();
    begun_ = clock_.Now();
    loop_.Post([this] { Pump(); });
    loop_.Run();
    const double seconds = Seconds(clock_.Now() - begun_);
    Figures figures;
    figures.cpu_seconds = (CpuSeconds() - cpu) / seconds;
    figures.flushes = static_cast<double>(disk_.flushes() - flushes) / seconds;
    Drain();
    std::ranges::sort(took_);
    figures.p50 = At(0.5);
    figures.p99 = At(0.99);
    figures.p999 = At(0.999);
    partitions_.clear();
    journal_.reset();
    return figures;
  }

 private:
  static double Seconds(Duration time) { return static_cast<double>(time.count()) / 1e9; }
  double At(double part) const {
    return Seconds(took_[static_cast<size_t>(part * static_cast<double>(took_.size() - 1))]) * 1e3;
  }
  PartitionId IdOf(int i) const { return {TopicId(Uuid::FromRandom(1, 1)), PartitionIndex(i)}; }
  void OpenJournal() {
    journal::JournalOptions options;
    options.bytes = static_cast<uint64_t>(FLAGS_journal_mib) << 20;
    options.syncs_max = static_cast<size_t>(FLAGS_syncs_max);
    // Grown at once: what is measured is its later life.
    options.step_bytes = options.bytes;
    journal::OpenJournal(host_, "journal", options, [this](auto opened) {
      CHECK(opened) << opened.error();
      journal_ = std::move(*opened);
      loop_.Stop();
    });
    loop_.Run();
  }
  void OpenLog(int i) {
    partitions_.push_back(std::make_unique<Partition>(clock_, &took_));
    Partition* partition = partitions_.back().get();
    log::OpenLog(host_, "p-" + std::to_string(i), {}, partition, {journal_.get(), IdOf(i)},
                 [this, partition](auto opened) {
                   CHECK(opened) << opened.error();
                   partition->log = std::move(*opened);
                   loop_.Stop();
                 });
    loop_.Run();
  }
  void Drain() {
    loop_.Post([this] { WatchIdle(); });
    loop_.Run();
  }
  void WatchIdle() {
    if (std::ranges::all_of(partitions_, [](const auto& p) { return p->is_idle(); })) {
      return loop_.Stop();
    }
    loop_.RunAt(clock_.Now() + std::chrono::milliseconds(5), [this] { WatchIdle(); });
  }
  void Pump() {
    const Duration passed = clock_.Now() - begun_;
    if (passed >= std::chrono::seconds(FLAGS_seconds)) return loop_.Stop();
    const auto due = static_cast<int64_t>(Seconds(passed) * FLAGS_rate);
    for (; appended_ < due; ++appended_) {
      // Not in their order, so that no two rounds of the partitions meet the same batch.
      auto next = static_cast<size_t>(appended_ * 7919 % count_);
      partitions_[next]->Append(batch_);
    }
    loop_.RunAt(begun_ + std::chrono::microseconds((appended_ + 1) * 1'000'000 / FLAGS_rate),
                [this] { Pump(); });
  }

  const int count_;
  const bool with_journal_;
  host::SystemClock clock_;
  host::KernelRandom random_;
  host::EventLoop loop_;
  host::PosixDisk real_disk_{loop_, FLAGS_folder};
  bench::SlowDisk disk_{real_disk_, loop_, clock_, std::chrono::microseconds(FLAGS_flush_us)};
  bench::NoNetwork network_;
  host::Host host_{clock_, loop_, disk_, network_, random_};
  Bytes batch_;
  std::vector<Duration> took_;
  std::unique_ptr<journal::Journal> journal_;
  std::vector<std::unique_ptr<Partition>> partitions_;
  Instant begun_;
  int64_t appended_ = 0;
};

Figures MedianOf(std::vector<Figures> all) {
  Figures median;
  for (double Figures::* figure :
       {&Figures::p50, &Figures::p99, &Figures::p999, &Figures::flushes, &Figures::cpu_seconds}) {
    std::ranges::sort(all, {}, figure);
    median.*figure = all[all.size() / 2].*figure;
  }
  return median;
}

void Print(const char* what, int partitions, const Figures& figures) {
  std::printf(
      "%6d partitions  %-14s p50 %7.2f  p99 %7.2f  p99.9 %7.2f ms  %6.0f flushes/s  %4.2f "
      "cores\n",
      partitions, what, figures.p50, figures.p99, figures.p999, figures.flushes,
      figures.cpu_seconds);
}

void Compare(int partitions) {
  std::vector<Figures> journal;
  std::vector<Figures> files;
  for (int i = 0; i < FLAGS_rounds; ++i) {
    journal.push_back(Round(partitions, true).Run());
    files.push_back(Round(partitions, false).Run());
  }
  Figures a = MedianOf(journal);
  Figures b = MedianOf(files);
  Print("journal", partitions, a);
  Print("file by file", partitions, b);
  std::printf("%6d partitions  journal / files  p50 %.2f  p99 %.2f  p99.9 %.2f\n", partitions,
              a.p50 / b.p50, a.p99 / b.p99, a.p999 / b.p999);
  std::fflush(stdout);
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) {
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  google::InitGoogleLogging(argv[0]);
  std::printf("%d appends of 1 KB a second, flushes of %d us or more\n", FLAGS_rate,
              FLAGS_flush_us);
  std::string list = FLAGS_partitions + ",";
  for (size_t at = 0; at < list.size();) {
    size_t comma = list.find(',', at);
    weir::Compare(std::stoi(list.substr(at, comma - at)));
    at = comma + 1;
  }
  std::filesystem::remove_all(FLAGS_folder);
  return 0;
}
