// SPDX-License-Identifier: Apache-2.0
// What every Strand keeps.
#pragma once

#include <vector>

#include "common/host/contract/contract_world.h"

namespace weir::host {

class StrandContract : public HostContract {
 protected:
  Instant In(Duration time) { return clock().Now() + time; }
};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(StrandContract);

TEST_P(StrandContract, RunsTasksInTheOrderPostedNeverWithinTheCall) {
  std::vector<int> ran;
  OnStrand([&] {
    for (int i = 0; i < 10; ++i) strand().Post([&ran, i] { ran.push_back(i); });
    EXPECT_TRUE(ran.empty());
  });
  ASSERT_TRUE(RunUntil([&] { return ran.size() == 10; }));
  EXPECT_EQ(ran, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST_P(StrandContract, RunsWhatATaskPostsAfterWhatWasPostedBefore) {
  std::vector<int> ran;
  OnStrand([&] {
    strand().Post([&] {
      ran.push_back(1);
      strand().Post([&] { ran.push_back(3); });
      EXPECT_EQ(ran.size(), 1u);
    });
    strand().Post([&] { ran.push_back(2); });
  });
  ASSERT_TRUE(RunUntil([&] { return ran.size() == 3; }));
  EXPECT_EQ(ran, (std::vector<int>{1, 2, 3}));
}

TEST_P(StrandContract, TakesTasksThatCanOnlyBeMoved) {
  int seen = 0;
  OnStrand([&] { strand().Post([&seen, owned = std::make_unique<int>(7)] { seen = *owned; }); });
  ASSERT_TRUE(RunUntil([&] { return seen == 7; }));
}

TEST_P(StrandContract, DestroysATaskOnceItHasRun) {
  auto witness = std::make_shared<int>(0);
  OnStrand([&] { strand().Post([witness] { ++*witness; }); });
  ASSERT_TRUE(RunUntil([&] { return *witness == 1; }));
  EXPECT_TRUE(RunUntil([&] { return witness.use_count() == 1; }));
}

TEST_P(StrandContract, RunsTimersByTheirTimeNeverEarly) {
  std::vector<int> ran;
  std::vector<Duration> late;
  OnStrand([&] {
    auto at = [&](int ms) {
      Instant when = In(std::chrono::milliseconds(ms));
      strand().RunAt(when, [&, ms, when] {
        ran.push_back(ms);
        late.push_back(clock().Now() - when);
      });
    };
    at(30);
    at(10);
    at(20);
  });
  ASSERT_TRUE(RunUntil([&] { return ran.size() == 3; }));
  EXPECT_EQ(ran, (std::vector<int>{10, 20, 30}));
  for (Duration duration : late) EXPECT_GE(duration, Duration(0));
}

TEST_P(StrandContract, RunsATimerOfThePastSoonNeverWithinTheCall) {
  bool ran = false;
  OnStrand([&] {
    strand().RunAt(clock().Now() - std::chrono::milliseconds(1), [&] { ran = true; });
    EXPECT_FALSE(ran);
  });
  EXPECT_TRUE(RunUntil([&] { return ran; }));
}

TEST_P(StrandContract, NeverRunsACancelledTimer) {
  bool cancelled_ran = false;
  auto witness = std::make_shared<int>();
  OnStrand([&] {
    auto timer = strand().RunAt(In(std::chrono::milliseconds(2)),
                                [&cancelled_ran, witness] { cancelled_ran = true; });
    EXPECT_NE(timer, 0u);
    strand().Cancel(timer);
  });
  Pass(std::chrono::milliseconds(10));
  EXPECT_FALSE(cancelled_ran);
  EXPECT_EQ(witness.use_count(), 1);
}

TEST_P(StrandContract, LetsOneTimerCancelTheNextOfTheSameTime) {
  std::vector<int> ran;
  OnStrand([&] {
    auto timers = std::make_shared<std::vector<Strand::TimerId>>();
    Instant when = In(std::chrono::milliseconds(2));
    for (int i = 0; i < 2; ++i) {
      timers->push_back(strand().RunAt(when, [&, timers, i] {
        ran.push_back(i);
        strand().Cancel(timers->at(static_cast<size_t>(1 - i)));
      }));
    }
  });
  Pass(std::chrono::milliseconds(10));
  EXPECT_EQ(ran.size(), 1u);
}

TEST_P(StrandContract, IgnoresTheCancelOfWhatHasRunAndOfZero) {
  bool first_ran = false;
  bool second_ran = false;
  Strand::TimerId first = 0;
  OnStrand([&] { first = strand().RunAt(clock().Now(), [&] { first_ran = true; }); });
  ASSERT_TRUE(RunUntil([&] { return first_ran; }));
  OnStrand([&] {
    strand().RunAt(In(std::chrono::milliseconds(1)), [&] { second_ran = true; });
    strand().Cancel(first);
    strand().Cancel(0);
  });
  EXPECT_TRUE(RunUntil([&] { return second_ran; }));
}

TEST_P(StrandContract, LetsATimerSetItselfAgain) {
  int runs = 0;
  std::function<void()> again = [&] {
    if (++runs < 5) strand().RunAt(In(std::chrono::milliseconds(1)), again);
  };
  OnStrand([&] { strand().Post(again); });
  EXPECT_TRUE(RunUntil([&] { return runs == 5; }));
}

TEST_P(StrandContract, LeavesATimerThatNeverComesAlone) {
  OnStrand([&] { strand().Cancel(strand().RunAt(Instant::Never(), [] { FAIL(); })); });
  Pass(std::chrono::milliseconds(2));
}

}  // namespace weir::host
