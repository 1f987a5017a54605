// SPDX-License-Identifier: Apache-2.0
#include "common/host/posix/event_loop.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "common/host/posix/kernel_random.h"
#include "common/host/posix/mailbox.h"

namespace weir::host {
namespace {

using std::chrono::milliseconds;

TEST(EventLoop, RunsWhatWasPostedInOrderAndNeverWithinTheCall) {
  EventLoop loop;
  std::vector<int> ran;
  loop.Post([&] {
    loop.Post([&] {
      ran.push_back(3);
      loop.Stop();
    });
    ran.push_back(1);
  });
  loop.Post([&] { ran.push_back(2); });
  EXPECT_TRUE(ran.empty());
  loop.Run();
  EXPECT_EQ(ran, (std::vector<int>{1, 2, 3}));
}

TEST(EventLoop, RunsTimersInTheOrderOfTheirTimesNotOfTheirSetting) {
  EventLoop loop;
  Instant now = SystemClock().Now();
  std::vector<int> ran;
  loop.RunAt(now + milliseconds(4), [&] { ran.push_back(2); });
  loop.RunAt(now + milliseconds(4), [&] { ran.push_back(3); });
  loop.RunAt(now + milliseconds(2), [&] { ran.push_back(1); });
  loop.RunAt(now + milliseconds(6), [&] { loop.Stop(); });
  loop.Run();
  EXPECT_EQ(ran, (std::vector<int>{1, 2, 3}));
  EXPECT_GE(SystemClock().Now(), now + milliseconds(6));
}

TEST(EventLoop, HearsWhatWasPostedMeanwhileBeforeATimerThatIsLate) {
  EventLoop loop;
  std::vector<int> ran;
  loop.Post([&] {
    const Instant due = SystemClock().Now() + milliseconds(1);
    loop.RunAt(due, [&] {
      ran.push_back(2);
      loop.Stop();
    });
    while (SystemClock().Now() < due + milliseconds(20)) {
    }
    loop.Post([&] { ran.push_back(1); });
  });
  loop.Run();
  EXPECT_EQ(ran, (std::vector<int>{1, 2}));
}

TEST(EventLoop, ForgetsACancelledTimer) {
  EventLoop loop;
  Instant now = SystemClock().Now();
  bool ran = false;
  auto held = std::make_shared<int>(0);
  auto timer = loop.RunAt(now, [&ran, held] { ran = true; });
  EXPECT_EQ(held.use_count(), 2);
  loop.Cancel(timer);
  EXPECT_EQ(held.use_count(), 1);
  loop.Cancel(timer);
  loop.Cancel(0);
  loop.RunAt(now + milliseconds(1), [&] { loop.Stop(); });
  loop.Run();
  EXPECT_FALSE(ran);
}

TEST(EventLoop, KeepsFewAlarmsOfManyCancelledTimers) {
  EventLoop loop;
  Instant later = SystemClock().Now() + std::chrono::hours(1);
  loop.RunAt(later, [] {});
  for (int i = 0; i < 100'000; ++i) loop.Cancel(loop.RunAt(later + milliseconds(i), [] {}));
  loop.Post([&] { loop.Stop(); });
  loop.Run();
}

TEST(EventLoop, HearsEveryTaskOfManyThreads) {
  EventLoop loop;
  constexpr int kThreads = 4;
  constexpr int kTasks = 5'000;
  int ran = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < kTasks; ++j) {
        loop.Post([&] {
          if (++ran == kThreads * kTasks) loop.Stop();
        });
      }
    });
  }
  loop.Run();
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(ran, kThreads * kTasks);
}

TEST(EventLoop, WakesForAPostFromAnotherThreadWhileItSleeps) {
  EventLoop loop;
  std::thread other;
  loop.Post([&] { other = std::thread([&] { loop.Post([&] { loop.Stop(); }); }); });
  loop.Run();
  other.join();
}

TEST(EventLoop, CostsNothingWhileItWaits) {
  EventLoop loop;
  auto voluntary_switches = [] {
    rusage usage{};
    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nvcsw;
  };
  loop.RunAt(SystemClock().Now() + milliseconds(200), [&] { loop.Stop(); });
  auto before = voluntary_switches();
  loop.Run();
  EXPECT_LE(voluntary_switches() - before, 3);
}

// Has an event whenever it is asked.
struct Fountain : EventSource {
  explicit Fountain(std::function<void()> f) : event(std::move(f)) {}
  bool Deliver(Instant) override {
    event();
    return true;
  }
  void Wake() override {}
  std::function<void()> event;
};

TEST(EventLoop, LooksAtItsSourceEvenWhenItIsBusy) {
  EventLoop loop;
  loop.Source([&] { return std::make_shared<Fountain>([&] { loop.Stop(); }); });
  std::function<void()> spin = [&] { loop.Post([&] { spin(); }); };
  spin();
  loop.Run();
}

TEST(EventLoop, RunsWhatIsPostedAndDueEvenWhenItsSourceIsBusy) {
  EventLoop loop;
  loop.Source([] { return std::make_shared<Fountain>([] {}); });
  loop.RunAt(SystemClock().Now() + milliseconds(1), [&] { loop.Post([&] { loop.Stop(); }); });
  loop.Run();
}

TEST(EventLoop, StopsAfterTheEventThatIsDelivered) {
  EventLoop loop;
  int events = 0;
  loop.Source([&] {
    return std::make_shared<Fountain>([&] {
      ++events;
      loop.Stop();
    });
  });
  loop.Run();
  EXPECT_EQ(events, 1);
}

TEST(EventLoop, HearsItsSourceBeforeATimerThatIsLate) {
  EventLoop loop;
  bool heard = false;
  loop.Source([&] { return std::make_shared<Fountain>([&] { heard = true; }); });
  loop.RunAt(SystemClock().Now() - milliseconds(100), [&] {
    EXPECT_TRUE(heard);
    loop.Stop();
  });
  loop.Run();
}

TEST(EventLoop, KeepsForTheNextRunWhatStopLeft) {
  EventLoop loop;
  bool ran = false;
  loop.Post([&] { loop.Stop(); });
  loop.Post([&] {
    ran = true;
    loop.Stop();
  });
  loop.Run();
  EXPECT_FALSE(ran);
  loop.Run();
  EXPECT_TRUE(ran);
}

TEST(EventLoop, DropsWhatNeverRan) {
  auto held = std::make_shared<int>(0);
  {
    EventLoop loop;
    loop.Post([held] {});
    loop.RunAt(SystemClock().Now(), [held] {});
    EXPECT_EQ(held.use_count(), 3);
  }
  EXPECT_EQ(held.use_count(), 1);
}

TEST(Mailbox, DeliversByHandOnceItIsClosed) {
  EventLoop loop;
  auto mailbox = std::make_shared<Mailbox>(loop);
  int delivered = 0;
  mailbox->Push([&] { ++delivered; });
  mailbox->Close();
  std::thread other([&] { mailbox->Push([&] { ++delivered; }); });
  mailbox->DeliverUntil([&] { return delivered == 2; });
  other.join();
  // The loop's own turn finds nothing left.
  loop.Post([&] { loop.Stop(); });
  loop.Run();
  EXPECT_EQ(delivered, 2);
}

TEST(KernelRandom, DoesNotRepeatItself) {
  KernelRandom random;
  std::vector<uint64_t> drawn;
  for (int i = 0; i < 100; ++i) drawn.push_back(random.Next());
  std::ranges::sort(drawn);
  EXPECT_EQ(std::ranges::adjacent_find(drawn), drawn.end());
}

}  // namespace
}  // namespace weir::host
