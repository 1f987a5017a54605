// SPDX-License-Identifier: Apache-2.0
// A full disk refuses a write, and every other until that one was done; what is there is still
// read, and when there is room the log goes on.
#include "controller/quorum/rocksdb/crash_world.h"

namespace weir::quorum {
namespace {

bool ReadsAs(CrashWorld& world, const Contents& contents) {
  Remembered remembered{
      .hard_state = contents.hard_state, .begin = contents.begin, .last = contents.last()};
  if (contents.snapshot) remembered.snapshot = contents.snapshot->last;
  auto read = world.Read(remembered);
  return read && *read == contents;
}

// Fills the disk at `operation`; false if the life was over before.
bool FillOnce(const Life& life, int operation) {
  std::string place = "full at operation " + std::to_string(operation);
  CrashWorld world;
  EXPECT_TRUE(world.Open());
  world.files().FillAt(world.files().operations() + operation);
  size_t done = world.Live(life);
  if (done == life.size()) return false;
  // What is there is read, before and after it was tried again.
  for (int again = 0; again < 2; ++again) {
    bool reads = ReadsAs(world, life.state(done)) || ReadsAs(world, life.state(done + 1));
    EXPECT_TRUE(reads) << place;
    auto refused = world.Do(life.deed(done));
    EXPECT_FALSE(refused) << place;
    if (refused) return false;
    EXPECT_EQ(refused.error().kind, Error::Kind::kFull) << place << ": " << refused.error();
  }
  auto another = world.Do({.write = {.hard_state = raft::HardState{Term(999), std::nullopt}}});
  EXPECT_FALSE(another) << place;
  world.files().MakeRoom();
  done = world.Live(life, done);
  EXPECT_EQ(done, life.size()) << place;
  world.files().CrashAt(0);
  world.Close();
  world.files().Reboot(Unsynced::kLost, 1);
  auto found = world.Reopen();
  EXPECT_TRUE(found) << place << ": " << found.error();
  if (found) EXPECT_EQ(Words(*found), Words(life.state(done))) << place;
  return !testing::Test::HasFailure();
}

TEST(AFullDisk, RefusesAndGoesOnWhenThereIsRoom) {
  Life life(7, 30, 6000);
  int filled = 0;
  while (FillOnce(life, filled)) ++filled;
  EXPECT_GT(filled, 30);
}

TEST(AFullDisk, LosesNothingIfTheMachineCrashesMeanwhile) {
  Life life(8, 30, 6000);
  for (int operation = 0; operation < 60; ++operation) {
    CrashWorld world;
    ASSERT_TRUE(world.Open());
    world.files().FillAt(world.files().operations() + operation);
    size_t done = world.Live(life);
    world.files().CrashAt(0);
    world.Close();
    world.files().Reboot(Unsynced::kTorn, static_cast<uint64_t>(operation));
    auto found = world.Reopen();
    ASSERT_TRUE(found) << found.error();
    bool lawful =
        *found == life.state(done) || *found == life.state(std::min(done + 1, life.size()));
    EXPECT_TRUE(lawful) << "full at " << operation << ": " << Words(*found);
  }
}

TEST(AFullDisk, IsToldWhereTheLogCannotEvenOpen) {
  CrashWorld world;
  world.files().FillAt(0);
  auto opened = world.Open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, Error::Kind::kFull) << opened.error();
  world.files().MakeRoom();
  EXPECT_TRUE(world.Open());
}

}  // namespace
}  // namespace weir::quorum
