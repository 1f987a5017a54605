// SPDX-License-Identifier: Apache-2.0
#include "client/core/consumer_core.h"

#include <gtest/gtest.h>

namespace weir::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const TopicId kTopic(Uuid::FromRandom(1, 2));

FetchedRun RunOf(int64_t from, int64_t to, int64_t high_watermark) {
  FetchedRun run{.high_watermark = Offset(high_watermark), .next_offset = Offset(to)};
  for (int64_t i = from; i < to; ++i) run.records.push_back(ReadRecord{.offset = Offset(i)});
  return run;
}

class Script {
 public:
  explicit Script(ConsumerConfig config) : core(Named(std::move(config)), 3) {
    core.Start(now);
    Collect();
  }
  static ConsumerConfig Named(ConsumerConfig config) {
    config.topic = "orders";
    return config;
  }
  void Locate(std::vector<PartitionRoute> partitions) {
    core.Located(TopicRoute{.name = "orders", .id = kTopic, .partitions = std::move(partitions)},
                 now);
    Collect();
  }
  void Bounds(int64_t start, int64_t high_watermark) {
    core.BoundsAnswered(bounds.back().request,
                        LogBounds{Offset(start), Offset(high_watermark), Offset(high_watermark)},
                        now);
    Collect();
  }
  void Fetch(FetchedRun run) {
    core.Fetched(follows.back().request, std::move(run), now);
    Collect();
  }
  void End(ErrorCode code) {
    core.FollowEnded(follows.back().request, {code, "why"}, now);
    Collect();
  }
  void Redirect(int node) {
    core.Redirected(follows.back().request, NodeId(node), now);
    Collect();
  }
  void Pass(Duration time) {
    now = now + time;
    core.Tick(now);
    Collect();
  }
  void Collect() {
    for (ConsumerEffect& each : core.TakeEffects()) {
      if (auto* ask = std::get_if<effect::AskBounds>(&each)) bounds.push_back(*ask);
      if (auto* follow = std::get_if<effect::Follow>(&each)) follows.push_back(*follow);
      if (auto* deliver = std::get_if<effect::Deliver>(&each)) {
        for (ReadRecord& record : deliver->records) offsets.push_back(record.offset.value());
      }
      if (std::holds_alternative<effect::LocateTopic>(each)) ++locates;
      if (std::holds_alternative<effect::Cancel>(each)) ++cancels;
      if (std::holds_alternative<effect::Finished>(each)) finished = true;
      if (auto* failed = std::get_if<effect::Failed>(&each)) failure = failed->refusal;
    }
  }

  ConsumerCore core;
  Instant now = Instant{} + seconds(10);
  std::vector<effect::AskBounds> bounds;
  std::vector<effect::Follow> follows;
  std::vector<int64_t> offsets;
  int locates = 0;
  int cancels = 0;
  bool finished = false;
  std::optional<Refusal> failure;
};

constexpr PartitionRoute kFirst{NodeId(1), LeaderEpoch(1)};
constexpr PartitionRoute kSecond{NodeId(2), LeaderEpoch(2)};

TEST(ConsumerCore, FindsPartitionsThatWereAddedWhileItReads) {
  Script script({.doubt_after = seconds(3600)});
  script.Locate({kFirst});
  script.Bounds(0, 0);
  ASSERT_EQ(script.follows.size(), 1u);
  script.Pass(seconds(29));
  EXPECT_EQ(script.locates, 1);
  script.Pass(seconds(1));
  EXPECT_EQ(script.locates, 2);
  script.Locate({kFirst, kSecond});
  ASSERT_EQ(script.follows.size(), 2u);
  EXPECT_EQ(script.follows[1].partition.index, PartitionIndex(1));
  EXPECT_EQ(script.follows[1].offset, Offset(0));
}

TEST(ConsumerCore, EndsAtTheHighWatermarkOfItsStart) {
  Script script({.until_end = true});
  script.Locate({kFirst});
  script.Bounds(2, 6);
  ASSERT_EQ(script.follows.size(), 1u);
  EXPECT_EQ(script.follows[0].offset, Offset(2));
  script.Fetch(RunOf(2, 4, 6));
  EXPECT_FALSE(script.finished);
  script.Fetch(RunOf(4, 9, 9));
  EXPECT_TRUE(script.finished);
  EXPECT_EQ(script.offsets, (std::vector<int64_t>{2, 3, 4, 5}));
  EXPECT_EQ(script.cancels, 1);
}

TEST(ConsumerCore, FinishesAtOnceWhereThereIsNothing) {
  Script script({.until_end = true});
  script.Locate({kFirst, kFirst});
  script.core.BoundsAnswered(script.bounds[0].request, LogBounds{}, script.now);
  EXPECT_FALSE(script.finished);
  script.core.BoundsAnswered(script.bounds[1].request, LogBounds{}, script.now);
  script.Collect();
  EXPECT_TRUE(script.finished);
}

TEST(ConsumerCore, NeitherSkipsNorRepeatsWhenTheLeaderMoves) {
  Script script({});
  script.Locate({kFirst});
  script.Bounds(0, 100);
  script.Fetch(RunOf(0, 3, 100));
  script.End(ErrorCode::kNetworkException);
  script.Pass(milliseconds(20));
  script.Locate({kSecond});
  ASSERT_EQ(script.follows.size(), 2u);
  EXPECT_EQ(script.follows[1].offset, Offset(3));
  EXPECT_EQ(script.follows[1].node, NodeId(2));
  // The batch that holds offset 3 begins before it.
  script.Fetch(RunOf(1, 5, 100));
  EXPECT_EQ(script.offsets, (std::vector<int64_t>{0, 1, 2, 3, 4}));
}

TEST(ConsumerCore, LeavesASilentLeaderForTheNextOne) {
  Script script({});
  script.Locate({kFirst});
  script.Bounds(0, 0);
  int before = script.locates;
  script.Pass(seconds(2));
  EXPECT_EQ(script.locates, before + 1);
  script.Locate({kFirst});
  EXPECT_EQ(script.follows.size(), 1u);
  script.Pass(seconds(2));
  script.Locate({kSecond});
  EXPECT_EQ(script.cancels, 1);
  EXPECT_EQ(script.follows.size(), 2u);
}

TEST(ConsumerCore, SaysWhatThereIsWhenAnOffsetIsOutOfRange) {
  Script script({.start = ConsumerConfig::Start::kOffset, .offset = Offset(50)});
  script.Locate({kFirst});
  ASSERT_EQ(script.follows.size(), 1u);
  script.End(ErrorCode::kOffsetOutOfRange);
  script.Pass(milliseconds(20));
  script.Locate({kFirst});
  script.Bounds(3, 10);
  ASSERT_TRUE(script.failure);
  EXPECT_EQ(script.failure->code, ErrorCode::kOffsetOutOfRange);
  EXPECT_EQ(script.failure->message, "offset 50 of partition 0 is out of range; it holds 3 to 9");
}

TEST(ConsumerCore, RefusesAPartitionThatIsNotThere) {
  Script script({.partitions = {PartitionIndex(4)}});
  script.Locate({kFirst, kFirst});
  ASSERT_TRUE(script.failure);
  EXPECT_EQ(script.failure->message, "topic orders has partitions 0 to 1");
}

TEST(ConsumerCore, GivesUpOnAClusterThatNeverAnswers) {
  Script script({});
  for (int i = 0; i < 1000 && !script.failure; ++i) {
    script.core.LocateFailed({ErrorCode::kNetworkException, "nobody listens"}, script.now);
    script.Pass(milliseconds(250));
  }
  ASSERT_TRUE(script.failure);
  EXPECT_EQ(script.failure->message, "nobody listens");
}

TEST(ConsumerCore, OutlivesABreakAfterALongQuiet) {
  Script script({});
  script.Locate({kFirst});
  script.Bounds(0, 0);
  script.Pass(seconds(500));
  script.End(ErrorCode::kNetworkException);
  script.Pass(milliseconds(20));
  EXPECT_FALSE(script.failure);
}

TEST(ConsumerCore, ReadsFromTheReplicaThatTheLeaderNames) {
  Script script({.rack = "b"});
  script.Locate({kFirst});
  script.Bounds(0, 9);
  EXPECT_EQ(script.follows.back().node, NodeId(1));
  EXPECT_EQ(script.follows.back().rack, "b");
  script.Redirect(7);
  ASSERT_EQ(script.follows.size(), 2u);
  EXPECT_EQ(script.follows.back().node, NodeId(7));
  EXPECT_EQ(script.follows.back().offset, Offset(0));
  EXPECT_EQ(script.follows.back().rack, "b");
  script.Fetch(RunOf(0, 4, 9));
  EXPECT_EQ(script.offsets, (std::vector<int64_t>{0, 1, 2, 3}));
}

TEST(ConsumerCore, GoesBackToTheLeaderWhereANearerReplicaRefuses) {
  for (ErrorCode code : {ErrorCode::kOffsetOutOfRange, ErrorCode::kOffsetNotAvailable,
                         ErrorCode::kNotLeaderOrFollower, ErrorCode::kUnknownServerError}) {
    Script script({.rack = "b"});
    script.Locate({kFirst});
    script.Bounds(0, 9);
    script.Redirect(7);
    script.Fetch(RunOf(0, 4, 9));
    script.End(code);
    script.Pass(milliseconds(300));
    script.Locate({kFirst});
    ASSERT_EQ(script.follows.size(), 3u);
    EXPECT_EQ(script.follows.back().node, NodeId(1));
    EXPECT_EQ(script.follows.back().offset, Offset(4));
    EXPECT_EQ(script.follows.back().rack, "") << "nor is it sent there again at once";
    EXPECT_FALSE(script.failure);

    script.Pass(seconds(30));
    script.Locate({kFirst});
    ASSERT_EQ(script.follows.size(), 4u);
    EXPECT_EQ(script.follows.back().rack, "b") << "but after a while";
  }
}

TEST(ConsumerCore, AsksTheLeaderAgainWhereANearerReplicaIsSilent) {
  Script script({.rack = "b"});
  script.Locate({kFirst});
  script.Bounds(0, 9);
  script.Redirect(7);
  for (int i = 0; i < 4; ++i) {
    script.Pass(seconds(2));
    script.Locate({kFirst});
  }
  EXPECT_EQ(script.follows.size(), 2u);
  script.Pass(seconds(2));
  script.Locate({kFirst});
  ASSERT_EQ(script.follows.size(), 3u);
  EXPECT_EQ(script.follows.back().node, NodeId(1));
  EXPECT_EQ(script.follows.back().rack, "b");
}

TEST(ConsumerCore, ANewLeaderIsAskedBeforeAnyNearerReplica) {
  Script script({.rack = "b"});
  script.Locate({kFirst});
  script.Bounds(0, 9);
  script.Redirect(7);
  script.Pass(seconds(2));
  script.Locate({kSecond});
  EXPECT_EQ(script.follows.back().node, NodeId(2));
}

}  // namespace
}  // namespace weir::client
