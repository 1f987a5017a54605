// SPDX-License-Identifier: Apache-2.0
#include "controller/decide/liveness.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

namespace weir::decide {
namespace {

using std::chrono::milliseconds;

Instant At(int ms) { return Instant{0} + milliseconds(ms); }

// Nodes 1 and 2 serve, 3 stops, 4 is fenced.
metadata::Image Cluster() {
  metadata::Image image;
  auto put = [&](int id, metadata::NodeState state) {
    metadata::Node node;
    node.id = NodeId(id);
    node.state = state;
    image.nodes.Set(node.id, node);
  };
  put(1, metadata::NodeState::kActive);
  put(2, metadata::NodeState::kActive);
  put(3, metadata::NodeState::kStopping);
  put(4, metadata::NodeState::kFenced);
  return image;
}

enum Kind {
  kActivate,  // With the cluster above.
  kFound,     // With no node at all.
  kOpened,
  kHeard,
  kBroken,
  kSleep,  // The process does not run until the moment of the next event.
  kEnd,
};

struct Event {
  int at_ms;
  Kind kind;
  int node = 0;
  uint64_t session = 0;
};

struct Case {
  const char* claim;
  std::vector<Event> events;
  // "ms:node,node ms:node": what was told, and when.
  std::string expired;
};

// Plays the owner: calls Expire at every deadline while the process runs.
std::string Play(const std::vector<Event>& events) {
  Liveness liveness;
  std::ostringstream told;
  auto expire = [&](Instant now) {
    auto nodes = liveness.Expire(now);
    if (nodes.empty()) return;
    if (told.tellp() > 0) told << " ";
    told << now.ns / 1000000 << ":";
    for (size_t i = 0; i < nodes.size(); ++i) told << (i ? "," : "") << nodes[i].value();
  };
  bool runs = true;
  for (const Event& event : events) {
    Instant now = At(event.at_ms);
    while (runs && liveness.NextDeadline() <= now) {
      Instant due = liveness.NextDeadline();
      expire(due);
      if (liveness.NextDeadline() <= due) return "a deadline that is not met by Expire";
    }
    runs = event.kind != kSleep;
    NodeId node(event.node);
    if (event.kind == kActivate) liveness.Activate(Cluster(), now);
    if (event.kind == kFound) liveness.Activate({}, now);
    if (event.kind == kOpened) liveness.Opened(node, event.session, now);
    if (event.kind == kHeard) liveness.Heard(node, event.session, now);
    if (event.kind == kBroken) liveness.Broken(node, event.session, now);
    // The timer that was missed fires late.
    if (event.kind == kEnd) expire(now);
  }
  return told.str();
}

TEST(Liveness, TellsEachNodeThatIsGoneOnceAndInTime) {
  const std::vector<Case> cases = {
      {"unfenced nodes have one reconnect window, fenced ones are not waited for",
       {{5000, kActivate}, {9000, kEnd}},
       "6000:1,2,3"},
      {"who comes back within the window is kept",
       {{0, kActivate}, {400, kOpened, 2, 1}, {1200, kEnd}},
       "1000:1,3"},
      {"a session that breaks before it was admitted takes nothing from the window",
       {{0, kActivate}, {400, kBroken, 2, 1}, {1200, kEnd}},
       "1000:1,2,3"},
      {"a new active controller forgets everything",
       {{0, kFound}, {10, kOpened, 9, 7}, {2900, kActivate}, {9000, kEnd}},
       "3900:1,2,3"},
      {"a broken session has a grace",
       {{0, kFound}, {10, kOpened, 1, 1}, {50, kBroken, 1, 1}, {3000, kEnd}},
       "200:1"},
      {"who comes back within the grace is kept",
       {{0, kFound}, {10, kOpened, 1, 1}, {50, kBroken, 1, 1}, {190, kOpened, 1, 2}, {3000, kEnd}},
       ""},
      {"a silent session has a lease", {{0, kFound}, {10, kOpened, 1, 1}, {9000, kEnd}}, "3010:1"},
      {"every heartbeat begins the lease anew",
       {{0, kFound}, {10, kOpened, 1, 1}, {2500, kHeard, 1, 1}, {5400, kHeard, 1, 1}, {9000, kEnd}},
       "8400:1"},
      {"the end of a superseded session means nothing",
       {{0, kFound}, {10, kOpened, 1, 1}, {20, kOpened, 1, 2}, {30, kBroken, 1, 1}, {2000, kEnd}},
       ""},
      {"heartbeats of a superseded session mean nothing",
       {{0, kFound}, {10, kOpened, 1, 1}, {20, kOpened, 1, 2}, {2900, kHeard, 1, 1}, {9000, kEnd}},
       "3020:1"},
      {"an older session does not come back",
       {{0, kFound}, {10, kOpened, 1, 2}, {1000, kOpened, 1, 1}, {9000, kEnd}},
       "3010:1"},
      {"a newer session that breaks before it was admitted ends the older",
       {{0, kFound}, {10, kOpened, 1, 1}, {50, kBroken, 1, 2}, {3000, kEnd}},
       "200:1"},
      {"breaking again does not prolong the grace",
       {{0, kFound},
        {10, kOpened, 1, 1},
        {50, kBroken, 1, 1},
        {100, kBroken, 1, 1},
        {150, kBroken, 1, 2},
        {3000, kEnd}},
       "200:1"},
      {"a broken session is not heard any more",
       {{0, kFound}, {10, kOpened, 1, 1}, {50, kBroken, 1, 1}, {100, kHeard, 1, 1}, {3000, kEnd}},
       "200:1"},
      {"a node that was told is forgotten until it opens a session again",
       {{0, kFound},
        {10, kOpened, 1, 1},
        {50, kBroken, 1, 1},
        {300, kHeard, 1, 1},
        {310, kBroken, 1, 1},
        {5000, kOpened, 1, 2},
        {9000, kEnd}},
       "200:1 8000:1"},
      {"nodes that go together are told together",
       {{0, kFound},
        {10, kOpened, 2, 1},
        {10, kOpened, 1, 2},
        {50, kBroken, 2, 1},
        {50, kBroken, 1, 2},
        {3000, kEnd}},
       "200:1,2"},
  };
  for (const Case& one : cases) EXPECT_EQ(Play(one.events), one.expired) << one.claim;
}

TEST(Liveness, DoesNotCountSilenceWhileTheProcessSlept) {
  const std::vector<Case> cases = {
      {"a lease begins anew on waking, and is over if the silence goes on",
       {{0, kFound}, {10, kOpened, 1, 1}, {500, kSleep}, {20000, kEnd}, {30000, kEnd}},
       "23000:1"},
      {"a heartbeat that was read before the late timer wakes the others, too",
       {{0, kFound},
        {10, kOpened, 1, 1},
        {10, kOpened, 2, 2},
        {500, kSleep},
        {20000, kHeard, 1, 1},
        {20010, kHeard, 2, 2},
        {22900, kHeard, 1, 1},
        {24000, kEnd}},
       "23010:2"},
      {"a sleep is noticed though it ended before anything was due",
       {{0, kFound}, {10, kOpened, 1, 1}, {50, kSleep}, {2990, kEnd}, {9000, kEnd}},
       "5990:1"},
      {"a window begins anew",
       {{0, kActivate}, {100, kSleep}, {5000, kEnd}, {5900, kOpened, 2, 1}, {8000, kEnd}},
       "6000:1,3"},
      {"a grace becomes a window: the node has to find this process again",
       {{0, kFound},
        {10, kOpened, 1, 1},
        {50, kBroken, 1, 1},
        {60, kSleep},
        {5000, kEnd},
        {9000, kEnd}},
       "6000:1"},
      {"sessions that broke during the sleep have a window, too",
       {{0, kFound},
        {10, kOpened, 1, 1},
        {10, kOpened, 2, 2},
        {50, kSleep},
        {5000, kBroken, 1, 1},
        {5010, kBroken, 2, 2},
        {5600, kOpened, 2, 3},
        {8000, kEnd}},
       "6000:1"},
      {"once that window is over a grace is a grace again",
       {{0, kFound},
        {10, kOpened, 1, 1},
        {50, kSleep},
        {5000, kHeard, 1, 1},
        {6500, kBroken, 1, 1},
        {8000, kEnd}},
       "6650:1"},
      {"a stale session wakes the process, though it means nothing",
       {{0, kFound},
        {10, kOpened, 1, 1},
        {20, kOpened, 1, 2},
        {50, kSleep},
        {9000, kBroken, 1, 1},
        {13000, kEnd}},
       "12000:1"},
      {"a timer that is only a little late is no sleep",
       {{0, kFound}, {10, kOpened, 1, 1}, {50, kBroken, 1, 1}, {60, kSleep}, {449, kEnd}},
       "449:1"},
      {"a sleep with no node to hear is none",
       {{0, kFound}, {10, kSleep}, {90000, kOpened, 1, 1}, {90010, kBroken, 1, 1}, {92000, kEnd}},
       "90160:1"},
      {"a new term forgets the sleep of the one before",
       {{0, kActivate}, {10, kSleep}, {90000, kActivate}, {92000, kEnd}},
       "91000:1,2,3"},
  };
  for (const Case& one : cases) EXPECT_EQ(Play(one.events), one.expired) << one.claim;
}

TEST(Liveness, IsAliveWhileItsSessionIsOpenAndHeard) {
  Liveness liveness;
  NodeId node(1);
  liveness.Activate(Cluster(), At(0));
  EXPECT_FALSE(liveness.IsAlive(node, At(0))) << "only awaited";
  EXPECT_FALSE(liveness.IsAlive(NodeId(9), At(0))) << "never seen";
  liveness.Opened(node, 1, At(10));
  EXPECT_TRUE(liveness.IsAlive(node, At(20)));
  liveness.Broken(node, 1, At(30));
  EXPECT_FALSE(liveness.IsAlive(node, At(30)));
  liveness.Opened(node, 2, At(40));
  EXPECT_TRUE(liveness.IsAlive(node, At(40)));
}

TEST(Liveness, TakesASilentSessionForDeadOnlyIfItWasAwakeItself) {
  Liveness liveness;
  NodeId node(1);
  liveness.Activate({}, At(0));
  liveness.Opened(node, 1, At(10));
  EXPECT_TRUE(liveness.IsAlive(node, At(60'000))) << "nobody could hear it";
  for (int ms = 500; ms < 3000; ms += 500) EXPECT_TRUE(liveness.Expire(At(ms)).empty());
  EXPECT_TRUE(liveness.IsAlive(node, At(3009)));
  EXPECT_FALSE(liveness.IsAlive(node, At(3010)));
}

TEST(Liveness, AsksToBeCalledOnlyWhileNodesAreKnown) {
  Liveness liveness({.pulse = milliseconds(400)});
  EXPECT_EQ(liveness.NextDeadline(), Instant::Never());
  liveness.Activate({}, At(0));
  EXPECT_EQ(liveness.NextDeadline(), Instant::Never());
  EXPECT_TRUE(liveness.Expire(At(60'000)).empty());
  liveness.Opened(NodeId(1), 1, At(60'000));
  EXPECT_EQ(liveness.NextDeadline(), At(60'400)) << "so that a sleep is noticed";
  liveness.Broken(NodeId(1), 1, At(60'010));
  EXPECT_EQ(liveness.NextDeadline(), At(60'160));
  EXPECT_EQ(liveness.Expire(At(60'160)), std::vector{NodeId(1)});
  EXPECT_EQ(liveness.NextDeadline(), Instant::Never());
}

}  // namespace
}  // namespace weir::decide
