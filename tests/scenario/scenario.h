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
// Verbs: cluster, topic, produce, create topics, run, kill, power loss, pause, resume,
// cut A from B, heal network, restart, stop in order, stop producing, heal within, expect all.
// A line that begins with # is a comment.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/checker/everything.h"
#include "tests/checker/history.h"
#include "tests/checker/replicas.h"
#include "tests/cluster/cluster.h"
#include "tests/workload/creating.h"
#include "tests/workload/producing.h"

namespace weir::scenario {

struct Verdict {
  // What went wrong, in words; empty: nothing.
  std::vector<std::string> wrong;
  uint64_t trace_hash = 0;
  uint64_t events = 0;
  size_t sent = 0;
  size_t acknowledged = 0;
};

class Scenario {
 public:
  Scenario(std::string text, uint64_t seed) : text_(std::move(text)), seed_(seed) {}

  Verdict Run();
  // A line for each event of the world, to the standard error.
  void Trace() { trace_ = true; }

 private:
  using Words = std::vector<std::string>;

  void Do(const Words& words);
  void MakeCluster(const Words& words);
  void MakeTopic(const Words& words);
  void Produce(const Words& words);
  void Fault(const Words& words);
  void Restart(const Words& words);
  void EndProducing();
  void Heal(Duration within);
  void ExpectAll();
  void ReadBack(const std::string& topic);
  void Wrong(const std::string& words) { verdict_.wrong.push_back(words); }

  const std::string text_;
  const uint64_t seed_;
  bool trace_ = false;
  Verdict verdict_;
  std::unique_ptr<cluster::Cluster> cluster_;
  std::unique_ptr<checker::Everything> everything_;
  std::map<std::string, checker::History> histories_;
  std::map<std::string, std::unique_ptr<workload::Producing>> producing_;
  std::unique_ptr<workload::Creating> creating_;
  std::vector<std::string> down_;
};

}  // namespace weir::scenario
