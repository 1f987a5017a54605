// SPDX-License-Identifier: Apache-2.0
#include "storage/log/producers.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "storage/log/producers_model.h"

namespace weir::log {
namespace {

using records::BatchHeader;
using std::chrono::hours;

constexpr int64_t kHourMs = 60 * 60 * 1000;
constexpr Duration kDay = hours(24);

BatchHeader From(int64_t producer, int16_t epoch, int32_t sequence, int64_t offset) {
  BatchHeader header;
  header.base_offset = Offset(offset);
  header.producer_id = ProducerId(producer);
  header.producer_epoch = ProducerEpoch(epoch);
  header.base_sequence = sequence;
  header.count = 1;
  return header;
}

TEST(Producers, AreWhatTheirLogSaysWhateverBefalls) {
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    ASSERT_EQ(FaultOfProducers(seed), "") << "seed " << seed;
  }
}

TEST(Producers, RememberTheTimestampsThatTheirSnapshotsHold) {
  Producers producers;
  BatchHeader header = From(1, 0, 0, 10);
  header.max_timestamp = {77};
  producers.Apply(header);
  EXPECT_EQ(producers.by_id().at(ProducerId(1)).timestamp, WallTime{77});
  EXPECT_EQ((**producers.Judge(header)).timestamp, WallTime{77});
  BatchHeader marker = From(1, 0, records::kNoSequence, 11);
  marker.max_timestamp = {99};
  producers.Apply(marker);
  EXPECT_EQ(producers.by_id().at(ProducerId(1)).timestamp, WallTime{99});
  EXPECT_EQ(producers.by_id().at(ProducerId(1)).last, Offset(11));
  EXPECT_EQ((**producers.Judge(header)).timestamp, WallTime{77});
}

TEST(Producers, ForgetWhoHasNotWrittenForADay) {
  Producers producers;
  producers.Forget({0}, kDay);
  producers.Apply(From(1, 5, 40, 0));
  producers.Forget({1}, kDay);
  for (int64_t hour = 1; hour < 24; ++hour) {
    producers.Apply(From(2, 0, static_cast<int32_t>(hour), hour));
    producers.Forget({hour * kHourMs}, kDay);
    EXPECT_EQ(producers.size(), 2u) << hour;
  }
  producers.Forget({25 * kHourMs}, kDay);
  EXPECT_EQ(producers.size(), 1u);
  // It may begin in any epoch, and begins anew.
  EXPECT_EQ(*producers.Judge(From(1, 3, 0, 100)), std::nullopt);
  auto judged = producers.Judge(From(1, 3, 77, 100));
  ASSERT_FALSE(judged);
  EXPECT_EQ(judged.error().code, ErrorCode::kUnknownProducerId);
  EXPECT_FALSE(producers.Judge(From(2, 0, 77, 100)));
  producers.Forget({100 * kHourMs}, kDay);
  EXPECT_EQ(producers.size(), 0u);
}

// Old records that are copied into a log have old timestamps; their producer is at work none the
// less, and its retries are to be known.
TEST(Producers, ForgetNobodyForTheAgeOfHisRecords) {
  constexpr int64_t kNow = 1'000'000 * kHourMs;
  Producers producers;
  for (int32_t i = 0; i < 10; ++i) {
    BatchHeader header = From(1, 0, i, i);
    header.max_timestamp = {i};
    producers.Forget({kNow + i}, kDay);
    producers.Apply(header);
  }
  producers.Forget({kNow + 11}, kDay);
  EXPECT_TRUE((*producers.Judge(From(1, 0, 9, 99))).has_value());
}

TEST(Producers, AreForgottenNoEarlierThanTheyAreOldAndNotMuchLater) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    std::mt19937_64 random(seed);
    Producers producers;
    std::map<ProducerId, int64_t> wrote;
    std::map<ProducerId, int32_t> sequence;
    int64_t now = 1'000'000;
    int64_t last_told = now;
    for (int64_t offset = 0; offset < 300; ++offset) {
      int64_t told_before = last_told;
      now += static_cast<int64_t>(random() % static_cast<uint64_t>(2 * kHourMs));
      producers.Forget({now}, kDay);
      last_told = now;
      for (const auto& [id, at] : wrote) {
        bool is_known = producers.by_id().contains(id);
        if (now - at < 24 * kHourMs) EXPECT_TRUE(is_known) << seed;
        // By the next call after it was written, and a sixty-fourth of a day.
        if (now - at > 27 * kHourMs) EXPECT_FALSE(is_known) << seed << ' ' << told_before;
      }
      ProducerId id(static_cast<int64_t>(random() % 60));
      producers.Apply(From(id.value(), 0, sequence[id]++, offset));
      wrote[id] = now;
    }
  }
}

TEST(Producers, OutliveAClockThatGoesBack) {
  Producers producers;
  producers.Apply(From(1, 0, 0, 0));
  producers.Forget({1'000 * kHourMs}, kDay);
  producers.Forget({kHourMs}, kDay);
  producers.Forget({20 * kHourMs}, kDay);
  EXPECT_EQ(producers.size(), 1u);
  producers.Forget({26 * kHourMs}, kDay);
  EXPECT_EQ(producers.size(), 0u);
}

// The follower remembers what its leader has forgotten, until a batch shows it; and a leader of
// another kind, or with too many producers, lets whom it forgot begin anywhere.
TEST(Producers, LearnFromABatchThatTheirLeaderHadForgotten) {
  struct {
    const char* what;
    BatchHeader begins_anew;
  } const cases[] = {
      {"another sequence than the next", From(1, 4, 70, 9)},
      {"an older epoch", From(1, 2, 0, 9)},
      {"a newer epoch that does not begin at zero", From(1, 6, 5, 9)},
  };
  for (const auto& one : cases) {
    Producers follower;
    for (int32_t i = 0; i < 9; ++i) follower.Apply(From(1, 4, i, i));
    Producers leader;
    leader.Apply(one.begins_anew);
    follower.Apply(one.begins_anew);
    EXPECT_EQ(leader, follower) << one.what;
  }
}

TEST(Producers, ForgetNobodyTwice) {
  Producers producers;
  producers.Apply(From(1, 0, 0, 0));
  producers.Forget({0}, kDay);
  producers.Forget({25 * kHourMs}, kDay);
  EXPECT_EQ(producers.size(), 0u);
  // Back again: what was seen of it before says nothing of what it writes now.
  producers.Apply(From(1, 0, 5, 1));
  producers.Forget({25 * kHourMs + 1}, kDay);
  producers.Forget({48 * kHourMs}, kDay);
  EXPECT_EQ(producers.size(), 1u);
}

}  // namespace
}  // namespace weir::log
