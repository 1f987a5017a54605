// SPDX-License-Identifier: Apache-2.0
// Runs a scenario file against a simulated cluster: what happens to it, in lines that read like
// English, and what must hold in the end.
//
//   cluster controllers=3 nodes=3
//   topic orders partitions=6 replicas=3 min.insync.replicas=2
//   produce orders rate=200 keys=12
//   run 2s
//   kill busiest node
//   restart all
//   stop producing
//   heal within 30s
//   expect all
//
// Verbs: cluster, topic, produce, consume, create topics, recreate a topic, move a topic,
// administer, replace voters, run, kill, power loss, pause, resume, cut A from B, cut A from
// everyone, heal network, restart, stop in order, stop producing, heal within, expect all; and
// "faults for 60s", which runs as long, with faults that the seed draws (tests/scenario/swarm.h). A
// line that begins with # is a comment. What a setting is may be drawn too: nodes=3..5, acks=1|all.
// A node has disks=2 where the cluster says so, and disks fail one by one: the first of each.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "client/driver/consumer.h"
#include "common/base/error_code.h"
#include "tests/checker/everything.h"
#include "tests/checker/history.h"
#include "tests/checker/replicas.h"
#include "tests/cluster/cluster.h"
#include "tests/scenario/settings.h"
#include "tests/scenario/swarm.h"
#include "tests/workload/administering.h"
#include "tests/workload/consuming.h"
#include "tests/workload/creating.h"
#include "tests/workload/moving.h"
#include "tests/workload/producing.h"
#include "tests/workload/recreating.h"
#include "tests/workload/replacing_voters.h"

namespace weir::scenario {

struct Verdict {
  // What went wrong, in words; empty: nothing.
  std::vector<std::string> wrong;
  uint64_t trace_hash = 0;
  uint64_t events = 0;
  size_t sent = 0;
  size_t acknowledged = 0;
};

struct Options {
  // A line for each event of the world, to the standard error.
  bool trace = false;
  // These faults, and not those that the seed draws.
  std::optional<std::vector<sim::Fault>> schedule;
  // Of the faults only those with these numbers, from 1; all if empty.
  std::set<size_t> keep;
  // Told the faults before they happen, with their numbers.
  std::function<void(size_t number, const sim::Fault& fault)> on_fault;
};

class Scenario {
 public:
  Scenario(std::string text, uint64_t seed, Options options = {})
      : text_(std::move(text)),
        seed_(seed),
        options_(std::move(options)),
        shape_(seed ^ 0x5eedc1a5) {}

  Verdict Run();

 private:
  using Words = std::vector<std::string>;

  void Do(const Words& words);
  void MakeCluster(const Words& words);
  void MakeTopic(const Words& words);
  void RunFaults(const Words& words);
  void Produce(const Words& words);
  void Consume(const std::string& topic, const std::string& rack);
  void Administer();
  void ReplaceVoters(const Words& words);
  void Recreate(const Words& words);
  void Move(const Words& words);
  bool IsSettled() const;
  void Fault(const Words& words);
  void CutOff(const std::string& name);
  void Restart(const Words& words);
  void EndProducing();
  void Heal(Duration within);
  void ExpectAll();
  void ExpectOfWorkloads();
  void ReadBack(const std::string& topic);
  Answer<void> ReadAll(const std::string& topic,
                       std::vector<std::pair<PartitionIndex, client::ReadRecord>>* found);
  void Wrong(const std::string& words) { verdict_.wrong.push_back(words); }

  const std::string text_;
  const uint64_t seed_;
  const Options options_;
  // Draws what the settings leave open.
  sim::Chance shape_;
  Verdict verdict_;
  std::unique_ptr<cluster::Cluster> cluster_;
  std::unique_ptr<checker::Everything> everything_;
  std::vector<std::unique_ptr<workload::ReplacingVoters>> replacing_;
  std::unique_ptr<workload::Recreating> recreating_;
  std::unique_ptr<workload::Moving> moving_;
  int voters_ = 3;
  std::map<std::string, checker::History> histories_;
  std::map<std::string, std::unique_ptr<workload::Producing>> producing_;
  std::map<std::string, std::unique_ptr<workload::Consuming>> consuming_;
  std::unique_ptr<workload::Creating> creating_;
  checker::AdminHistory admin_history_;
  std::unique_ptr<workload::Administering> administering_;
  std::unique_ptr<Swarm> swarm_;
  // Topics with their configs: what they promise to keep.
  std::map<std::string, Settings> topics_;
  // Topics that their workload alone may write to.
  std::set<std::string> judged_elsewhere_;
  bool has_ended_producing_ = false;
  std::vector<std::string> down_;
};

}  // namespace weir::scenario
