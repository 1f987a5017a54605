// SPDX-License-Identifier: Apache-2.0
// Real processes killed and frozen while a producer writes: every record that was produced is there
// once, in order and unchanged.
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <string>
#include <thread>

#include "tests/chaos/full_cluster.h"

namespace weir::chaos {
namespace {

constexpr int kRecords = 12000;

// A producer that takes some twelve seconds by itself, so that faults fall into its time.
std::unique_ptr<Child> StartProducer(FullCluster& cluster, const std::string& lines) {
  return cluster.StartWeir(
      {"--timeout=120", "produce", "records", lines, "--key-separator", ":", "--rate", "1MB"});
}

void Pass(std::chrono::milliseconds time) { std::this_thread::sleep_for(time); }

void ExpectAllThere(FullCluster& cluster, Child& producer, const std::string& lines) {
  EXPECT_EQ(producer.Wait(std::chrono::minutes(2)), 0) << producer.Output();
  EXPECT_EQ(cluster.AskUntil({"cluster", "health"}, ""), "");
  Ended verified = cluster.Weir({"verify", "records", lines, "--key-separator", ":"});
  EXPECT_EQ(verified.code, 0) << verified.output;
}

class Kills : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(cluster_.Found({"weir.durability=" + GetParam()})) << cluster_.trouble();
  }
  FullCluster cluster_;
  const std::string lines_ = KeyedLines(kRecords);
};

TEST_P(Kills, OfOneMachineAfterTheOtherLoseNothing) {
  auto producer = StartProducer(cluster_, lines_);
  for (size_t machine = 0; machine < FullCluster::kMachines; ++machine) {
    Pass(std::chrono::seconds(1));
    cluster_.node(machine).Signal(SIGKILL);
    cluster_.controller(machine).Signal(SIGKILL);
    Pass(std::chrono::seconds(1));
    cluster_.StartController(machine);
    cluster_.StartNode(machine);
    ASSERT_EQ(cluster_.AskUntil({"cluster", "health"}, ""), "");
  }
  ExpectAllThere(cluster_, *producer, lines_);
}

TEST_P(Kills, OfAllProcessesAtOnceLoseNothing) {
  auto producer = StartProducer(cluster_, lines_);
  for (int times = 0; times < 2; ++times) {
    Pass(std::chrono::seconds(2));
    for (size_t machine = 0; machine < FullCluster::kMachines; ++machine) {
      cluster_.node(machine).Signal(SIGKILL);
      cluster_.controller(machine).Signal(SIGKILL);
    }
    for (size_t machine = 0; machine < FullCluster::kMachines; ++machine) {
      cluster_.StartController(machine);
      cluster_.StartNode(machine);
    }
    ASSERT_EQ(cluster_.AskUntil({"cluster", "health"}, ""), "");
  }
  ExpectAllThere(cluster_, *producer, lines_);
}

// A process that is frozen goes on later with what it believed before: it must not act on it.
TEST_P(Kills, AndFrozenProcessesThatWakeLaterHarmNothing) {
  auto producer = StartProducer(cluster_, lines_);
  for (size_t machine = 0; machine < FullCluster::kMachines; ++machine) {
    Pass(std::chrono::seconds(1));
    const size_t active = cluster_.ActiveController();
    ASSERT_LT(active, FullCluster::kMachines);
    cluster_.controller(active).Signal(SIGSTOP);
    cluster_.node(machine).Signal(SIGSTOP);
    Pass(std::chrono::seconds(3));
    cluster_.node(machine).Signal(SIGCONT);
    cluster_.controller(active).Signal(SIGCONT);
    ASSERT_EQ(cluster_.AskUntil({"cluster", "health"}, ""), "");
  }
  ExpectAllThere(cluster_, *producer, lines_);
}

INSTANTIATE_TEST_SUITE_P(Durability, Kills, testing::Values("flush", "cache"),
                         [](const auto& row) { return row.param; });

}  // namespace
}  // namespace weir::chaos
