// SPDX-License-Identifier: Apache-2.0
// Each planted bug is found by the scenario that is named beside it, within that many seeds. What
// finds none of them would find no bug of ours either.
#include <gtest/gtest.h>

#include <fstream>
#include <iomanip>
#include <iostream>
#include <sstream>

#include "common/base/planted_bug.h"
#include "tests/planted/bug_name.h"
#include "tests/scenario/hunt.h"

namespace weir {
namespace {

#ifndef WEIR_PLANTED_BUGS
#error "the bugs are compiled in through the rule planted_test alone"
#endif

struct Planted {
  const char* bug;
  const char* scenario;
  uint64_t seeds_max;
};

constexpr Planted kPlanted[] = {
    {"log: durable before the sync", "power_fails_everywhere", 20},
    {"log: epochs outlive a cut", "deposed_leaders", 20},
    {"log: a follower forgets producers", "leaders_are_killed", 50},
    {"log: recovery forgets producers", "nodes_come_and_go", 50},
    {"log: what is found counts as synced", "one_replica_alone", 200},
    {"log: a checkpoint before what it tells of", "one_power_loss_at_a_time", 50},
    {"log: the name of a segment is not synced", "machines_fail_together", 50},
    {"journal: committed before the sync", "power_fails_everywhere", 20},
    {"journal: room is made before the segments are synced", "power_fails_everywhere", 50},
    {"journal: what is found counts as synced", "one_replica_alone", 200},
    {"replica: visible below the minimum", "nodes_come_and_go", 300},
    {"replica: the leader counts what it has not synced", "one_replica_alone", 50},
    {"replica: followers are not waited for", "nodes_come_and_go", 50},
    {"replica: the page cache counts as the disk", "power_fails_everywhere", 50},
    {"replica: a follower says synced for written", "machines_fail_together", 200},
    {"replica: any follower is taken for the same", "deposed_leaders", 20},
    {"partition: a deposed leader acknowledges", "deposed_leaders", 20},
    {"decide: every stop was clean", "one_power_loss_at_a_time", 100},
    {"decide: requests are forgotten", "topics_while_controllers_die", 20},
    {"decide: two replicas on one node", "leaders_are_killed", 5},
    {"elect: anybody", "nodes_come_and_go", 300},
    {"elect: the leader epoch stays", "leaders_are_killed", 5},
    {"elect: once eligible, always eligible", "nodes_come_and_go", 200},
    {"machine: answers before the commit", "controllers_come_and_go", 50},
    {"sessions: the suffix lacks its first entry", "controllers_come_and_go", 20},
    {"client: a retry is a new batch", "leaders_are_killed", 50},
    {"partition: fetches above the high watermark", "deposed_leaders", 50},
    {"raft: a vote is told before it is saved", "controllers_come_and_go", 50},
    {"raft: entries are acknowledged before they are saved", "controllers_come_and_go", 50},
    {"raft: an old term is committed by count", "controllers_come_and_go", 50},
    {"raft: a leader counts what it has not saved", "controllers_come_and_go", 50},
    {"raft: votes for who has less", "two_sides_of_a_cut", 50},
    {"raft: votes for two in one term", "two_sides_of_a_cut", 200},
    {"raft: two voters change at once", "admins_replace_voters", 100},
    {"quorum: a snapshot lacks a record", "voters_come_and_go", 50},
    {"quorum: what was replaced is told", "swarm_of_faults", 400},
    {"quorum: a read without a quorum", "two_sides_of_a_cut", 200},
    {"replica: a new follower cuts to its high watermark", "leaders_die_in_a_row", 100},
};

std::string TextOf(const std::string& scenario) {
  std::ifstream in("tests/scenario/" + scenario + ".txt");
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// What was found, for the table at the end.
class Tally : public testing::Environment {
 public:
  void TearDown() override {
    std::cout << table.str();
    if (rows == std::size(kPlanted)) EXPECT_GE(by_checkers, 12u);
  }
  std::ostringstream table;
  size_t rows = 0;
  size_t by_checkers = 0;
};
Tally* const tally =
    static_cast<Tally*>(testing::AddGlobalTestEnvironment(new Tally));  // Owned by GoogleTest.

class PlantedBug : public testing::TestWithParam<Planted> {};

TEST_P(PlantedBug, IsFound) {
  const Planted& planted = GetParam();
  planted_bug = planted.bug;
  scenario::HuntPlan plan;
  plan.scenario = planted.scenario;
  plan.text = TextOf(planted.scenario);
  plan.last = planted.seeds_max;
  plan.jobs = 2;
  plan.shrinks = false;
  std::ostringstream told;
  scenario::HuntTally hunt = scenario::Hunt(plan, told);
  planted_bug = "";
  ++tally->rows;
  tally->table << std::left << std::setw(60) << planted.bug << std::setw(30) << planted.scenario;
  if (hunt.failed.empty()) {
    tally->table << "NOT FOUND in " << hunt.seeds << " seeds\n";
    FAIL() << "nobody found \"" << planted.bug << "\" in " << hunt.seeds << " seeds";
  }
  const scenario::Outcome& failed = hunt.failed.front();
  if (!failed.died) ++tally->by_checkers;
  tally->table << "seed " << std::setw(4) << failed.seed
               << (failed.died ? " a CHECK:   " : " a checker: ")
               << failed.verdict.wrong.front().substr(0, 100) << '\n';
}

std::string NameOf(const testing::TestParamInfo<Planted>& info) {
  return NameOfBug(info.param.bug);
}

INSTANTIATE_TEST_SUITE_P(All, PlantedBug, testing::ValuesIn(kPlanted), NameOf);

}  // namespace
}  // namespace weir
