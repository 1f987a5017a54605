// SPDX-License-Identifier: Apache-2.0
#include "common/host/deadline_timer.h"

#include <gtest/gtest.h>

#include <map>

namespace weir::host {
namespace {

// Timers that a test lets come.
struct HeldStrand final : Strand {
  void Post(Task) override {}
  TimerId RunAt(Instant when, Task task) override {
    timers.emplace(++last, std::pair(when, std::move(task)));
    return last;
  }
  void Cancel(TimerId timer) override { timers.erase(timer); }
  void Reach() {
    Task task = std::move(timers.begin()->second.second);
    timers.erase(timers.begin());
    task();
  }

  std::map<TimerId, std::pair<Instant, Task>> timers;
  TimerId last = 0;
};

struct Fixture {
  HeldStrand strand;
  int reached = 0;
  std::optional<DeadlineTimer> timer{std::in_place, strand, [this] { ++reached; }};
};

TEST(DeadlineTimer, KeepsTheLastDeadlineAlone) {
  Fixture f;
  f.timer->Set(Instant(5));
  f.timer->Set(Instant(3));
  f.timer->Set(Instant(9));
  ASSERT_EQ(f.strand.timers.size(), 1u);
  EXPECT_EQ(f.strand.timers.begin()->second.first, Instant(9));
  f.timer->Set(Instant::Never());
  EXPECT_TRUE(f.strand.timers.empty());
}

TEST(DeadlineTimer, TheSameDeadlineAgainChangesNothing) {
  Fixture f;
  f.timer->Set(Instant(5));
  f.timer->Set(Instant(5));
  EXPECT_EQ(f.strand.last, 1u);
}

TEST(DeadlineTimer, MaySetTheSameDeadlineAnewOnceItWasReached) {
  Fixture f;
  f.timer->Set(Instant(5));
  f.strand.Reach();
  EXPECT_EQ(f.reached, 1);
  f.timer->Set(Instant(5));
  f.strand.Reach();
  EXPECT_EQ(f.reached, 2);
}

TEST(DeadlineTimer, DiesWithoutAWord) {
  Fixture f;
  f.timer->Set(Instant(5));
  f.timer.reset();
  EXPECT_TRUE(f.strand.timers.empty());
  EXPECT_EQ(f.reached, 0);
}

}  // namespace
}  // namespace weir::host
