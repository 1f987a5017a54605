// SPDX-License-Identifier: Apache-2.0
#include "storage/broker/append_room.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

namespace weir::broker {
namespace {

PartitionId Of(int index) { return {TopicId(Uuid::FromRandom(1, 2)), PartitionIndex(index)}; }

TEST(AppendRoom, APartitionTakesAPartOfWhatIsFree) {
  AppendRoom room(1'700);
  EXPECT_TRUE(room.Take(Of(1), 60));
  EXPECT_FALSE(room.Take(Of(1), 60)) << "120 is more than a sixteenth of 1640";
  EXPECT_TRUE(room.Take(Of(1), 40));
  EXPECT_TRUE(room.Take(Of(2), 60)) << "another has its own part of the rest";
}

TEST(AppendRoom, ThoseThatStandStillLeaveRoomForTheOthers) {
  AppendRoom room(1'000'000);
  for (int stuck = 0; stuck < 80; ++stuck) {
    while (room.Take(Of(stuck), 100)) {
    }
  }
  EXPECT_TRUE(room.Take(Of(200), 100));
  EXPECT_LE(room.taken(), 1'000'000);
}

TEST(AppendRoom, OneLargeAppendComesInWhereNoneIs) {
  AppendRoom room(100);
  EXPECT_TRUE(room.Take(Of(1), 5'000));
  EXPECT_FALSE(room.Take(Of(2), 1));
  room.GiveBack(Of(1), 5'000);
  EXPECT_TRUE(room.Take(Of(2), 1));
}

TEST(AppendRoom, WhoWaitsComesInWhenRoomIsGivenBack) {
  AppendRoom room(100);
  ASSERT_TRUE(room.Take(Of(1), 40));
  ASSERT_FALSE(room.Take(Of(1), 40));
  const auto ticket = room.Wait(Of(1), 40);
  EXPECT_FALSE(room.Next());
  EXPECT_FALSE(room.Take(Of(1), 1)) << "nobody passes in the same line";
  room.GiveBack(Of(1), 40);
  EXPECT_EQ(room.Next(), ticket);
  EXPECT_FALSE(room.Next());
  EXPECT_EQ(room.taken(), 40);
}

TEST(AppendRoom, PartitionsTakeTurns) {
  AppendRoom room(1'000);
  ASSERT_TRUE(room.Take(Of(9), 1'000));
  std::vector<AppendRoom::Ticket> of_one;
  for (int i = 0; i < 3; ++i) of_one.push_back(room.Wait(Of(1), 10));
  const auto of_two = room.Wait(Of(2), 10);
  EXPECT_FALSE(room.Next());
  room.GiveBack(Of(9), 1'000);
  EXPECT_EQ(room.Next(), of_one[0]);
  EXPECT_EQ(room.Next(), of_two);
  EXPECT_EQ(room.Next(), of_one[1]);
  EXPECT_EQ(room.Next(), of_one[2]);
}

TEST(AppendRoom, NobodyPassesWhoNeedsMuch) {
  AppendRoom room(100);
  ASSERT_TRUE(room.Take(Of(1), 40));
  ASSERT_FALSE(room.Take(Of(2), 90));
  const auto large = room.Wait(Of(2), 90);
  EXPECT_FALSE(room.Take(Of(3), 1));
  const auto small = room.Wait(Of(3), 1);
  EXPECT_FALSE(room.Next());
  room.GiveBack(Of(1), 40);
  EXPECT_EQ(room.Next(), large);
  EXPECT_EQ(room.Next(), small);
}

TEST(AppendRoom, WhoIsOverItsShareIsPassed) {
  AppendRoom room(100);
  ASSERT_TRUE(room.Take(Of(1), 40));
  const auto over = room.Wait(Of(1), 40);
  EXPECT_TRUE(room.Take(Of(2), 10)) << "the line of another partition is its own affair";
  EXPECT_FALSE(room.Next());
  room.Leave(over);
  EXPECT_FALSE(room.has_line());
}

TEST(AppendRoom, WhoLeavesIsForgotten) {
  AppendRoom room(100);
  ASSERT_TRUE(room.Take(Of(1), 100));
  const auto gone = room.Wait(Of(2), 10);
  const auto stays = room.Wait(Of(2), 10);
  room.Leave(gone);
  room.Leave(gone);
  room.GiveBack(Of(1), 100);
  EXPECT_EQ(room.Next(), stays);
  EXPECT_FALSE(room.Next());
}

TEST(AppendRoom, HoldsItsBoundAndServesEverybodyInTheEnd) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    std::mt19937_64 random(seed);
    AppendRoom room(1'000);
    std::map<AppendRoom::Ticket, std::pair<int, int64_t>> waiting;
    std::vector<std::pair<int, int64_t>> held;
    auto drain = [&] {
      while (auto ticket = room.Next()) {
        ASSERT_TRUE(waiting.contains(*ticket));
        held.push_back(waiting.extract(*ticket).mapped());
      }
    };
    for (int step = 0; step < 500; ++step) {
      const int partition = static_cast<int>(random() % 7);
      const auto bytes = static_cast<int64_t>(1 + random() % 199);
      if (room.Take(Of(partition), bytes)) {
        held.emplace_back(partition, bytes);
      } else {
        waiting[room.Wait(Of(partition), bytes)] = {partition, bytes};
      }
      if (random() % 2 == 0 && !held.empty()) {
        std::swap(held[random() % held.size()], held.back());
        room.GiveBack(Of(held.back().first), held.back().second);
        held.pop_back();
        drain();
      }
      ASSERT_LE(room.taken(), 1'000);
    }
    while (!held.empty()) {
      room.GiveBack(Of(held.back().first), held.back().second);
      held.pop_back();
      drain();
    }
    EXPECT_TRUE(waiting.empty()) << "seed " << seed;
    EXPECT_EQ(room.taken(), 0);
    EXPECT_FALSE(room.has_line());
  }
}

}  // namespace
}  // namespace weir::broker
