// SPDX-License-Identifier: Apache-2.0
// Commits of one small record by three local members, Weir's controllers and etcd's in turn: how
// long one takes, and how many a second there are when many wait. Prints a table of medians over
// the rounds; asserts nothing. bench/quorum/quorum.sh starts the members.
// Usage: quorum ROUNDS WEIR,WEIR,WEIR [ETCD,ETCD,ETCD]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "bench/quorum/etcd.pb.h"
#include "bench/quorum/load.h"
#include "common/edge/methods.h"
#include "proto/admin/admin.pb.h"

namespace weir::bench {
namespace {

constexpr int kConnections = 4;
constexpr int kDepth = 1000;
constexpr Duration kLength = std::chrono::seconds(3);
constexpr Duration kWarmUp = std::chrono::milliseconds(500);

Bytes Encoded(const google::protobuf::MessageLite& message) {
  return Bytes::FromString(message.SerializeAsString());
}

// One record: a config of the cluster gets another value each time.
Bytes UpdateOf(uint64_t number) {
  admin::v1::UpdateConfigsRequest request;
  request.set_name("configs/cluster");
  auto* config = request.add_set();
  config->set_key("retention.ms");
  config->set_value(std::to_string(1'000'000'000 + number));
  return Encoded(request);
}

Bytes PutOf(uint64_t number) {
  etcd::PutRequest request;
  request.set_key("configs/cluster/retention.ms");
  request.set_value(std::to_string(1'000'000'000 + number));
  return Encoded(request);
}

Target FindWeir(Load& load, const std::vector<std::string>& endpoints) {
  Target target{"weir", "", "/weir.admin.v1.Configs/UpdateConfigs", UpdateOf};
  for (const std::string& endpoint : endpoints) {
    if (load.Ask(endpoint, target.method, UpdateOf(0)).first.ok()) target.leader = endpoint;
  }
  return target;
}

Target FindEtcd(Load& load, const std::vector<std::string>& endpoints) {
  Target target{"etcd", "", "/etcdserverpb.KV/Put", PutOf};
  for (const std::string& endpoint : endpoints) {
    auto [status, bytes] = load.Ask(endpoint, "/etcdserverpb.Maintenance/Status", Bytes());
    etcd::StatusResponse response;
    if (!status.ok() || !edge::Decode(bytes, &response)) continue;
    if (response.leader() != 0 && response.leader() == response.header().member_id()) {
      target.leader = endpoint;
    }
  }
  return target;
}

double Median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

// What the rounds of one target gave.
struct Rounds {
  std::vector<double> p50;
  std::vector<double> p99;
  std::vector<double> deep_rate;
  std::vector<double> deep_p99;
};

void Measure(Load& load, const Target& target, Rounds& rounds) {
  load.Run(target, 1, kWarmUp);
  Measured one = load.Run(target, 1, kLength);
  rounds.p50.push_back(one.p50_ms);
  rounds.p99.push_back(one.p99_ms);
  load.Run(target, kDepth, kWarmUp);
  Measured deep = load.Run(target, kDepth, kLength);
  rounds.deep_rate.push_back(deep.calls_per_second);
  rounds.deep_p99.push_back(deep.p99_ms);
  std::printf("  %s: depth 1 p50 %.3f p99 %.3f ms; depth %d %.0f/s p50 %.1f p99 %.1f ms%s\n",
              target.name.c_str(), one.p50_ms, one.p99_ms, kDepth, deep.calls_per_second,
              deep.p50_ms, deep.p99_ms, one.failed + deep.failed > 0 ? "; SOME CALLS FAILED" : "");
  std::fflush(stdout);
}

std::vector<std::string> Split(const std::string& text) {
  std::vector<std::string> parts;
  for (size_t from = 0; from <= text.size();) {
    size_t to = std::min(text.find(',', from), text.size());
    parts.push_back(text.substr(from, to - from));
    from = to + 1;
  }
  return parts;
}

int Run(int rounds, const std::vector<std::string>& weir, const std::vector<std::string>& etcd) {
  Load load(kConnections);
  std::vector<Target> targets{FindWeir(load, weir)};
  if (!etcd.empty()) targets.push_back(FindEtcd(load, etcd));
  std::vector<Rounds> measured(targets.size());
  for (const Target& target : targets) {
    if (target.leader.empty()) {
      std::fprintf(stderr, "%s has no leader\n", target.name.c_str());
      return 1;
    }
  }
  for (int round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < targets.size(); ++i) Measure(load, targets[i], measured[i]);
  }
  std::printf("\n%-10s %12s %12s %16s %16s\n", "", "p50, ms", "p99, ms", "at 1,000, /s",
              "at 1,000 p99, ms");
  for (size_t i = 0; i < targets.size(); ++i) {
    std::printf("%-10s %12.3f %12.3f %16.0f %16.1f\n", targets[i].name.c_str(),
                Median(measured[i].p50), Median(measured[i].p99), Median(measured[i].deep_rate),
                Median(measured[i].deep_p99));
  }
  if (targets.size() == 2) {
    std::printf("%-10s %12.2f %12.2f %16.2f\n", "weir/etcd",
                Median(measured[0].p50) / Median(measured[1].p50),
                Median(measured[0].p99) / Median(measured[1].p99),
                Median(measured[0].deep_rate) / Median(measured[1].deep_rate));
  }
  return 0;
}

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) {
  if (argc != 3 && argc != 4) {
    std::fprintf(stderr, "usage: quorum ROUNDS WEIR,WEIR,WEIR [ETCD,ETCD,ETCD]\n");
    return 2;
  }
  std::vector<std::string> etcd;
  if (argc == 4) etcd = weir::bench::Split(argv[3]);
  return weir::bench::Run(std::atoi(argv[1]), weir::bench::Split(argv[2]), etcd);
}
