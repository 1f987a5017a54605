// SPDX-License-Identifier: Apache-2.0
// The machine stops after every single step of a small workload, many times over: what was told to
// be durable is there, what is there is a prefix of what was appended, and the log goes on.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "storage/log/log_fixture.h"

namespace weir::log {
namespace {

struct Model {
  std::vector<std::string> values;
  // What must be there after a crash, at the least.
  size_t durable = 0;
};

// Appends, cuts, appends; stops after `steps` steps of the world. False when all was done before.
bool RunSteps(LogFixture& t, Model& model, int steps) {
  auto spend = [&] {
    while (steps > 0 && t.world.RunOne()) --steps;
    model.durable = std::max(model.durable, static_cast<size_t>(t.log->durable().value()));
    return steps > 0;
  };
  auto append = [&](int from, int to) {
    for (int i = from; i < to; ++i) {
      std::string value = "value " + std::to_string(model.values.size()) + "/" + std::to_string(to);
      if (!t.Append(BatchOf(value), 1 + to)) return;
      model.values.push_back(value);
    }
  };
  append(0, 3);
  if (!spend()) return false;
  append(3, 8);
  if (!spend()) return false;
  // From here on the cut may have happened or not.
  model.durable = 4;
  t.log->Truncate(Offset(4), [](Result<void>) {});
  while (steps > 0 && t.world.RunOne()) --steps;
  if (steps == 0) return false;
  model.values.resize(4);
  append(8, 14);
  if (!spend()) return false;
  t.log->Close([](Result<void>) {});
  while (steps > 0 && t.world.RunOne()) --steps;
  return steps > 0;
}

void CheckAfterCrash(LogFixture& t, const Model& model, const std::string& where) {
  auto opened = t.TryOpen();
  ASSERT_TRUE(opened) << where << ": " << opened.error();
  std::vector<std::string> values = t.Values();
  ASSERT_GE(values.size(), model.durable) << where;
  ASSERT_LE(values.size(), model.values.size()) << where;
  EXPECT_TRUE(std::equal(values.begin(), values.end(), model.values.begin())) << where;
  EXPECT_EQ(t.log->durable(), t.log->end()) << where;
  ASSERT_TRUE(t.Append(BatchOf("after"), 99)) << where;
  t.world.RunAll();
  values.push_back("after");
  ASSERT_EQ(t.Values(), values) << where;
  // Without flush, only a clean stop makes it durable.
  if (!t.options.flush) t.Close();
  t.Crash();
  ASSERT_TRUE(t.TryOpen()) << where;
  EXPECT_EQ(t.Values(), values) << where;
}

TEST(Crash, AfterEveryStepLosesNothingDurable) {
  for (uint64_t segment_bytes : {250ull, 1ull << 30}) {
    bool goes_on = true;
    int steps = 1;
    for (; goes_on; ++steps) {
      for (uint64_t seed = 1; seed <= 8; ++seed) {
        LogOptions options;
        options.segment_bytes = segment_bytes;
        LogFixture t(options, seed);
        t.Open();
        Model model;
        goes_on = !RunSteps(t, model, steps);
        t.Crash();
        CheckAfterCrash(t, model,
                        "steps " + std::to_string(steps) + " seed " + std::to_string(seed));
        if (testing::Test::HasFatalFailure()) return;
      }
    }
    EXPECT_GT(steps, 30);
  }
}

TEST(Crash, WithoutFlushLeavesAPrefix) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    LogOptions options;
    options.flush = false;
    options.segment_bytes = 500;
    LogFixture t(options, seed);
    t.Open();
    Model model;
    for (int i = 0; i < 12; ++i) {
      std::string value = std::to_string(i);
      ASSERT_TRUE(t.Append(BatchOf(value)));
      model.values.push_back(value);
      t.world.RunAll();
    }
    model.durable = static_cast<size_t>(t.log->durable().value());
    t.Crash();
    CheckAfterCrash(t, model, "seed " + std::to_string(seed));
    if (testing::Test::HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace weir::log
