// SPDX-License-Identifier: Apache-2.0
// Commits of one small record by three local members, Weir's controllers and etcd's in turn: how
// long one takes, and how many a second there are when many wait. Prints a table of medians over
// the rounds; asserts nothing. bench/quorum/quorum.sh starts the members.
// Weir's are measured twice: through the admin API, as etcd is through its own, and within the
// active controller, without the cost of the calls.
// Usage: quorum ROUNDS WEIR,WEIR,WEIR MEMBER,MEMBER,MEMBER [ETCD,ETCD,ETCD]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "bench/quorum/bench.pb.h"
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
  Target target{"weir, through the admin API", "", "/weir.admin.v1.Configs/UpdateConfigs",
                UpdateOf};
  for (const std::string& endpoint : endpoints) {
    if (load.Ask(endpoint, target.method, UpdateOf(0)).first.ok()) target.leader = endpoint;
  }
  return target;
}

Target FindEtcd(Load& load, const std::vector<std::string>& endpoints) {
  Target target{"etcd, through its API", "", "/etcdserverpb.KV/Put", PutOf};
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

  void Add(const std::string& name, const Measured& one, const Measured& deep) {
    p50.push_back(one.p50_ms);
    p99.push_back(one.p99_ms);
    deep_rate.push_back(deep.calls_per_second);
    deep_p99.push_back(deep.p99_ms);
    std::printf("  %-28s depth 1: p50 %.3f p99 %.3f ms; depth %d: %.0f/s p50 %.1f p99 %.1f ms%s\n",
                name.c_str(), one.p50_ms, one.p99_ms, kDepth, deep.calls_per_second, deep.p50_ms,
                deep.p99_ms, one.failed + deep.failed > 0 ? "; SOME CALLS FAILED" : "");
    std::fflush(stdout);
  }

  void Print(const char* name) const {
    std::printf("%-28s %10.3f %10.3f %14.0f %18.1f\n", name, Median(p50), Median(p99),
                Median(deep_rate), Median(deep_p99));
  }
};

void Measure(Load& load, const Target& target, Rounds& rounds) {
  load.Run(target, 1, kWarmUp);
  Measured one = load.Run(target, 1, kLength);
  load.Run(target, kDepth, kWarmUp);
  rounds.Add(target.name, one, load.Run(target, kDepth, kLength));
}

// The active controller commits by itself.
Measured Commit(Load& load, const std::vector<std::string>& members, int depth, Duration length) {
  RunRequest request;
  request.set_depth(depth);
  request.set_length_ms(
      static_cast<int32_t>(std::chrono::duration_cast<std::chrono::milliseconds>(length).count()));
  for (const std::string& member : members) {
    auto [status, bytes] = load.Ask(member, "/weir.bench.Member/Run", Encoded(request));
    RunResponse response;
    if (!status.ok() || !edge::Decode(bytes, &response)) continue;
    return {response.per_second(), response.p50_ms(), response.p99_ms(), 0};
  }
  return {.failed = 1};
}

void MeasureWithin(Load& load, const std::vector<std::string>& members, Rounds& rounds) {
  Commit(load, members, 1, kWarmUp);
  Measured one = Commit(load, members, 1, kLength);
  Commit(load, members, kDepth, kWarmUp);
  rounds.Add("weir, within", one, Commit(load, members, kDepth, kLength));
}

void PrintRatio(const char* name, const Rounds& ours, const Rounds& theirs) {
  std::printf("%-28s %10.2f %10.2f %14.2f\n", name, Median(ours.p50) / Median(theirs.p50),
              Median(ours.p99) / Median(theirs.p99),
              Median(ours.deep_rate) / Median(theirs.deep_rate));
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

int Run(int rounds, const std::vector<std::string>& weir, const std::vector<std::string>& members,
        const std::vector<std::string>& etcd) {
  Load load(kConnections);
  Target whole = FindWeir(load, weir);
  Target peer = FindEtcd(load, etcd);
  if (whole.leader.empty() || (peer.leader.empty() && !etcd.empty())) {
    std::fprintf(stderr, "%s has no leader\n", (whole.leader.empty() ? whole : peer).name.c_str());
    return 1;
  }
  Rounds through;
  Rounds within;
  Rounds theirs;
  for (int round = 0; round < rounds; ++round) {
    Measure(load, whole, through);
    MeasureWithin(load, members, within);
    if (!etcd.empty()) Measure(load, peer, theirs);
  }
  std::printf("\n%-28s %10s %10s %14s %18s\n", "", "p50, ms", "p99, ms", "at 1,000, /s",
              "at 1,000 p99, ms");
  through.Print("weir, through the admin API");
  within.Print("weir, within the controller");
  if (etcd.empty()) return 0;
  theirs.Print("etcd, through its API");
  PrintRatio("weir through API / etcd", through, theirs);
  PrintRatio("weir within / etcd", within, theirs);
  return 0;
}

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) {
  if (argc != 4 && argc != 5) {
    std::fprintf(stderr, "usage: quorum ROUNDS WEIR,WEIR,WEIR MEMBER,MEMBER,MEMBER [ETCD,...]\n");
    return 2;
  }
  using weir::bench::Split;
  std::vector<std::string> etcd;
  if (argc == 5) etcd = Split(argv[4]);
  return weir::bench::Run(std::atoi(argv[1]), Split(argv[2]), Split(argv[3]), etcd);
}
