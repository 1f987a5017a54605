// SPDX-License-Identifier: Apache-2.0
// A machine that stops at any of the disk's operations leaves a log that opens, with all that was
// acknowledged, and of what was not at most the one write that was under way, whole.
#include "controller/quorum/rocksdb/crash_world.h"

namespace weir::quorum {
namespace {

constexpr std::array kAll = {Unsynced::kLost, Unsynced::kKept, Unsynced::kTorn,
                             Unsynced::kScattered};

// What is there is the life after `done` deeds, or after one more; returns how many, or fails.
std::optional<size_t> Judge(const Result<Contents>& found, const Life& life, size_t done,
                            const std::string& place) {
  if (!found) {
    ADD_FAILURE() << place << ": " << found.error();
    return std::nullopt;
  }
  for (size_t count : {done, std::min(done + 1, life.size())}) {
    if (*found == life.state(count)) return count;
  }
  ADD_FAILURE() << place << ": found " << Words(*found) << "; must be " << Words(life.state(done))
                << " or the next";
  return std::nullopt;
}

// Crashes before `operation`, and again right after what goes on from there; false if the life was
// over before.
bool CrashOnce(const Life& life, int operation, Unsynced unsynced, uint64_t seed) {
  std::string place = "seed " + std::to_string(seed) + ", crash before operation " +
                      std::to_string(operation) + ", unsynced " +
                      std::to_string(static_cast<int>(unsynced));
  CrashWorld world;
  world.files().CrashAt(world.files().operations() + operation);
  size_t done = world.Open() ? world.Live(life) : 0;
  bool crashed = world.files().has_crashed();
  world.Close();
  crashed = crashed || world.files().has_crashed();
  world.files().Reboot(unsynced, seed + static_cast<uint64_t>(operation));
  auto held = Judge(world.Reopen(), life, done, place);
  if (!held) return false;
  // It goes on as if nothing had been, and keeps that, too.
  done = world.Live(life, *held);
  EXPECT_EQ(done, life.size()) << place;
  world.files().CrashAt(0);
  world.Close();
  world.files().Reboot(Unsynced::kLost, seed);
  EXPECT_EQ(Judge(world.Reopen(), life, done, place + ", and again"), done);
  return crashed && !testing::Test::HasFailure();
}

class ACrash : public testing::TestWithParam<uint64_t> {};

TEST_P(ACrash, AtAnyOperationLeavesWhatWasAcknowledged) {
  uint64_t seed = GetParam();
  Life life(seed, 40, 6000);
  int crashes = 0;
  for (int operation = 0; CrashOnce(life, operation, kAll[(seed + crashes) % 4], seed);
       ++operation) {
    ++crashes;
  }
  // Or nothing was written.
  EXPECT_GT(crashes, 100);
}

INSTANTIATE_TEST_SUITE_P(Seeds, ACrash, testing::Values(1, 2, 3, 4));

TEST(AFailure, OfAnyOperationIsToldAndLosesNothing) {
  Life life(5, 30, 6000);
  int told = 0;
  for (int operation = 0;; ++operation) {
    CrashWorld world;
    int at = world.files().operations() + operation;
    world.files().FailAt(at);
    size_t done = world.Open() ? world.Live(life) : 0;
    told += done < life.size() ? 1 : 0;
    bool reached = world.files().operations() > at;
    world.Close();
    world.files().Reboot(Unsynced::kTorn, static_cast<uint64_t>(operation));
    Judge(world.Reopen(), life, done, "operation " + std::to_string(operation) + " failed");
    if (!reached || HasFailure()) break;
  }
  EXPECT_GT(told, 50);
}

}  // namespace
}  // namespace weir::quorum
