// SPDX-License-Identifier: Apache-2.0
// When controllers elect another one, and when they do not: an hour of short pauses, as a busy
// machine, a slow disk or a collector of garbage makes them, deposes nobody.
#include <gtest/gtest.h>

#include <chrono>
#include <random>

#include "tests/cluster/cluster.h"

namespace weir::cluster {
namespace {

using std::chrono::milliseconds;

Term TermOf(Cluster& cluster) {
  controller::Controller* active = cluster.active();
  return active ? active->quorum()->Describe().term : Term(-1);
}

void Pause(Cluster& cluster, const std::string& name, Duration length) {
  cluster.world().process(name).Pause();
  cluster.world().RunFor(length);
  cluster.world().process(name).Resume();
}

TEST(Elections, AnHourOfPausesOf200MsNeedsNone) {
  constexpr Duration kHour = std::chrono::hours(1);
  constexpr Duration kPause = milliseconds(200);
  for (uint64_t seed : {1, 2}) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Cluster cluster(seed, {.controllers = 3, .nodes = 1});
    ASSERT_TRUE(cluster.Boot()) << cluster.Ailments();
    Term before = TermOf(cluster);
    std::mt19937_64 chance(seed);
    auto names = cluster.controller_names();
    for (Duration passed{}; passed < kHour;) {
      Pause(cluster, names[chance() % names.size()], kPause);
      Duration between = milliseconds(chance() % 600);
      cluster.world().RunFor(between);
      passed += kPause + between;
    }
    cluster.world().RunFor(std::chrono::seconds(1));
    EXPECT_EQ(TermOf(cluster), before);
    EXPECT_TRUE(cluster.failures().empty());
  }
}

TEST(Elections, APauseThatLooksLikeDeathNeedsOne) {
  Cluster cluster(3, {.controllers = 3, .nodes = 1});
  ASSERT_TRUE(cluster.Boot()) << cluster.Ailments();
  Term before = TermOf(cluster);
  Pause(cluster, *cluster.Resolve("active controller"), std::chrono::seconds(2));
  cluster.world().RunFor(std::chrono::seconds(1));
  EXPECT_GT(TermOf(cluster), before);
}

}  // namespace
}  // namespace weir::cluster
