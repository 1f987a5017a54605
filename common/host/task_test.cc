// SPDX-License-Identifier: Apache-2.0
#include "common/host/task.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
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

TEST(Task, DoesNothingUntilItIsAwaited) {
  Pending pending;
  {
    auto task = Ask(pending);
  }
  EXPECT_TRUE(pending.callbacks.empty());
}

}  // namespace
}  // namespace weir::host
