// SPDX-License-Identifier: Apache-2.0
// A controller as it is in production, and beside it a method that has the active one decide and
// commit small records by itself: what a commit costs without the call that asks for it.
// Usage: member ID LISTEN BENCH_LISTEN DATA
#include <glog/logging.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "bench/quorum/bench.pb.h"
#include "common/edge/methods.h"
#include "common/host/posix/service.h"
#include "controller/controller.h"
#include "controller/quorum/rocksdb/rocksdb_quorum_log.h"

namespace weir::bench {
namespace {

// A closed loop of decisions.
class Commits {
 public:
  Commits(host::Host host, controller::Controller& controller)
      : host_(host), controller_(controller) {}

  void Start(const RunRequest& request, edge::Respond<RunResponse> respond) {
    CHECK(!respond_) << "one run at a time";
    if (!controller_.machine().is_active()) {
      return respond({host::StatusCode::kFailedPrecondition, "not active", ""}, {});
    }
    respond_ = std::move(respond);
    took_.clear();
    begin_ = host_.clock.Now();
    end_ = begin_ + std::chrono::milliseconds(request.length_ms());
    for (int i = 0; i < request.depth(); ++i) CommitOne();
  }

 private:
  // A config of the cluster gets another value each time.
  void CommitOne() {
    decide::UpdateConfigs command;
    command.scope = metadata::ConfigScope::kCluster;
    command.set = {{"retention.ms", std::to_string(1'000'000'000 + number_++)}};
    Instant asked = host_.clock.Now();
    ++under_way_;
    controller_.machine().Submit(command, {asked, host_.clock.WallNow()},
                                 [this, asked](service::MetadataDriver::Told told) {
                                   CHECK(told.answer) << told.answer.error();
                                   Instant now = host_.clock.Now();
                                   took_.push_back(now - asked);
                                   --under_way_;
                                   if (now < end_) return CommitOne();
                                   if (under_way_ == 0) Finish(now);
                                 });
  }

  void Finish(Instant now) {
    std::ranges::sort(took_);
    auto ms = [&](double part) {
      auto at = static_cast<size_t>(part * static_cast<double>(took_.size() - 1));
      return static_cast<double>(took_[at].count()) / 1e6;
    };
    RunResponse response;
    response.set_per_second(static_cast<double>(took_.size()) * 1e9 /
                            static_cast<double>((now - begin_).count()));
    response.set_p50_ms(ms(0.50));
    response.set_p99_ms(ms(0.99));
    std::exchange(respond_, {})(host::CallStatus::Ok(), std::move(response));
  }

  host::Host host_;
  controller::Controller& controller_;
  edge::Respond<RunResponse> respond_;
  Instant begin_;
  Instant end_;
  uint64_t number_ = 0;
  int under_way_ = 0;
  std::vector<Duration> took_;
};

int Run(int id, const std::string& listen, const std::string& bench_listen,
        const std::string& data) {
  auto service = host::Service::Open(
      {.program = "member", .data = {data}, .client_id = "member-" + std::to_string(id)});
  if (!service) return host::Complain("member", service.error());
  host::Service& process = **service;
  controller::ControllerConfig config;
  config.id = ControllerId(id);
  config.listen = config.advertised = listen;
  config.version = "bench";
  quorum::RocksdbQuorumLog log(data + "/quorum", process.loop());
  controller::Controller controller(process.host(), log, config, process.Failure());
  Commits commits(process.host(), controller);
  host::Methods methods;
  methods["/weir.bench.Member/Run"] = edge::Unary<RunRequest, RunResponse>(
      [&](const host::Caller&, const RunRequest& request, edge::Respond<RunResponse> respond) {
        commits.Start(request, std::move(respond));
      });
  auto bound = process.host().network.Listen(bench_listen, std::move(methods));
  if (!bound) return host::Complain("member", bound.error());
  controller.Start([&](Result<host::Endpoint> started) {
    if (!started) process.Fail(started.error());
  });
  return process.Run([&](auto stopped) { controller.Stop(std::move(stopped)); });
}

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) {
  google::InitGoogleLogging(argv[0]);
  if (argc != 5) {
    std::fprintf(stderr, "usage: member ID LISTEN BENCH_LISTEN DATA\n");
    return 2;
  }
  return weir::bench::Run(std::atoi(argv[1]), argv[2], argv[3], argv[4]);
}
