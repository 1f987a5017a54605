// SPDX-License-Identifier: Apache-2.0
#include "common/host/task.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weir::host {
namespace {

// Callbacks that somebody will call later, or drop.
struct Pending {
  std::vector<Callback<void(int)>> callbacks;

  void CallOne(int value) {
    auto callback = std::move(callbacks.front());
    callbacks.erase(callbacks.begin());
    callback(value);
  }
};

Task<int> Ask(Pending& pending) {
  int value =
      co_await Await<int>([&pending](auto done) { pending.callbacks.push_back(std::move(done)); });
  co_return value * 10;
}

Task<int> AskTwice(Pending& pending, std::shared_ptr<int> witness) {
  int first = co_await Ask(pending);
  int second = co_await Ask(pending);
  co_return first + second + *witness;
}

TEST(Task, RunsThroughItsCallbacks) {
  Pending pending;
  int answer = 0;
  Spawn<int>(AskTwice(pending, std::make_shared<int>(7)), [&](int value) { answer = value; });
  pending.CallOne(1);
  EXPECT_EQ(answer, 0);
  pending.CallOne(2);
  EXPECT_EQ(answer, 37);
}

TEST(Task, IsDestroyedFromItsRootWhenItsCallbackIsDropped) {
  Pending pending;
  auto witness = std::make_shared<int>(0);
  Spawn<int>(AskTwice(pending, witness), [](int) { FAIL(); });
  pending.CallOne(1);
  EXPECT_EQ(witness.use_count(), 2);
  pending.callbacks.clear();
  EXPECT_EQ(witness.use_count(), 1);
}

Task<int> Sum(Pending& pending, int tasks, std::shared_ptr<int> witness) {
  std::vector<Task<int>> all;
  for (int i = 0; i < tasks; ++i) all.push_back(Ask(pending));
  int sum = *witness;
  int place = 1;
  for (int value : co_await All(std::move(all))) sum += value * place++;
  co_return sum;
}

TEST(Task, RunsManySideBySideAndKeepsTheirOrder) {
  Pending pending;
  std::optional<int> answer;
  auto witness = std::make_shared<int>(5);
  Spawn<int>(Sum(pending, 3, witness), [&](int value) { answer = value; });
  ASSERT_EQ(pending.callbacks.size(), 3u);
  std::swap(pending.callbacks[0], pending.callbacks[2]);
  for (int value : {3, 2, 1}) {
    EXPECT_FALSE(answer);
    pending.CallOne(value);
  }
  EXPECT_EQ(answer, 5 + 10 + 2 * 20 + 3 * 30);
  EXPECT_EQ(witness.use_count(), 1);
}

TEST(Task, OfManyIsDestroyedWhenOneIsDropped) {
  Pending pending;
  auto witness = std::make_shared<int>(0);
  Spawn<int>(Sum(pending, 3, witness), [](int) { FAIL(); });
  pending.CallOne(1);
  pending.callbacks.clear();
  EXPECT_EQ(witness.use_count(), 1);
}

TEST(Task, OfNoneIsDoneAtOnce) {
  Pending pending;
  std::optional<int> answer;
  Spawn<int>(Sum(pending, 0, std::make_shared<int>(4)), [&](int value) { answer = value; });
  EXPECT_EQ(answer, 4);
}

TEST(Task, DoesNothingUntilItIsAwaited) {
  Pending pending;
  {
    auto task = Ask(pending);
  }
  EXPECT_TRUE(pending.callbacks.empty());
}

}  // namespace
}  // namespace weir::host
