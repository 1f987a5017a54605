// SPDX-License-Identifier: Apache-2.0
#include "client/core/producer_core.h"

#include <gtest/gtest.h>

#include <random>

namespace weir::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const TopicId kTopic(Uuid::FromRandom(1, 2));

TopicRoute Topic(std::vector<PartitionRoute> partitions) {
  return TopicRoute{.name = "orders", .id = kTopic, .partitions = std::move(partitions)};
}

Record Text(const std::string& value, uint64_t tag = 0) {
  return Record{.value = Bytes::FromString(value), .tag = tag};
}

// A producer of one partition, and what it asked for last.
class Script {
 public:
  explicit Script(ProducerConfig config = {}) : core(config, 42) {}

  void Begin(PartitionRoute route = {NodeId(1), LeaderEpoch(1)}) {
    Send("first", 0);
    Locate({route});
    core.Identified({ProducerId(7), ProducerEpoch(0)}, now);
    Pass(milliseconds(5));
  }
  void Send(const std::string& value, uint64_t tag) {
    ASSERT_TRUE(core.Send("orders", Text(value, tag), now));
    Collect();
  }
  void Locate(std::vector<PartitionRoute> partitions) {
    core.Located({Topic(std::move(partitions))}, now);
    Collect();
  }
  void Append(uint64_t request, AppendAnswer answer) {
    core.Appended(request, answer, now);
    Collect();
  }
  void Pass(Duration time) {
    now = now + time;
    core.Tick(now);
    Collect();
  }
  void Collect() {
    for (ProducerEffect& each : core.TakeEffects()) {
      if (auto* append = std::get_if<effect::Append>(&each)) appends.push_back(*append);
      if (auto* settled = std::get_if<effect::Settled>(&each)) settles.push_back(*settled);
      if (std::holds_alternative<effect::Locate>(each)) ++locates;
      if (std::holds_alternative<effect::InitProducer>(each)) ++inits;
      if (std::holds_alternative<effect::Abandon>(each)) ++abandons;
    }
  }

  ProducerCore core;
  Instant now = Instant{} + seconds(100);
  std::vector<effect::Append> appends;
  std::vector<effect::Settled> settles;
  int locates = 0;
  int inits = 0;
  int abandons = 0;
};

AppendAnswer No(ErrorCode code) { return Refuse(code, "no"); }

TEST(ProducerCore, AsksWhereAndWhoBeforeItSends) {
  Script script;
  script.Send("a", 1);
  EXPECT_EQ(script.locates, 1);
  EXPECT_TRUE(script.appends.empty());
  script.Locate({{NodeId(1), LeaderEpoch(4)}});
  EXPECT_EQ(script.inits, 1);
  script.core.Identified({ProducerId(7), ProducerEpoch(0)}, script.now);
  script.Pass(milliseconds(5));
  ASSERT_EQ(script.appends.size(), 1u);
  EXPECT_EQ(script.appends[0].leader, NodeId(1));
  EXPECT_EQ(script.appends[0].leader_epoch, LeaderEpoch(4));
  EXPECT_EQ(script.appends[0].batch->sequence, 0);
  script.Append(script.appends[0].request, Offset(10));
  ASSERT_EQ(script.settles.size(), 1u);
  EXPECT_EQ(*script.settles[0].answer, Offset(10));
  EXPECT_TRUE(script.core.idle());
}

TEST(ProducerCore, FindsPartitionsThatWereAddedWhileItSends) {
  Script script;
  script.Begin();
  script.Append(script.appends[0].request, Offset(0));
  EXPECT_EQ(script.locates, 1);
  // What is not used is not asked for.
  script.Pass(seconds(40));
  EXPECT_EQ(script.locates, 1);
  script.Send("a", 1);
  EXPECT_EQ(script.locates, 2);
  script.Locate({{NodeId(1), LeaderEpoch(1)}, {NodeId(2), LeaderEpoch(1)}});
  ASSERT_TRUE(script.core.Send("orders", Text("c", 3), script.now, PartitionIndex(1)));
  script.core.Identified({ProducerId(8), ProducerEpoch(0)}, script.now);
  script.Pass(milliseconds(5));
  EXPECT_EQ(script.appends.back().leader, NodeId(2));
  EXPECT_EQ(script.locates, 2);
}

TEST(ProducerCore, SendsAtOnceToALeaderThatOwesNoAnswer) {
  Script script;
  script.Begin();
  script.Append(script.appends[0].request, Offset(0));
  script.Send("a", 1);
  ASSERT_EQ(script.appends.size(), 2u);
  EXPECT_EQ(script.appends[1].batch->records.size(), 1u);
}

TEST(ProducerCore, GathersWhileItsLeaderOwesAnAnswer) {
  Script script;
  script.Begin();
  script.Send("a", 1);
  script.Send("b", 2);
  EXPECT_EQ(script.appends.size(), 1u);
  script.Append(script.appends[0].request, Offset(0));
  ASSERT_EQ(script.appends.size(), 2u);
  EXPECT_EQ(script.appends[1].batch->records.size(), 2u);
  EXPECT_EQ(script.appends[1].batch->sequence, 1);
}

TEST(ProducerCore, SendsAllThatGatheredForALeaderWhenItHasAnswered) {
  Script script;
  script.Begin({NodeId(1), LeaderEpoch(1)});
  std::vector<PartitionRoute> three(3, {NodeId(1), LeaderEpoch(1)});
  script.Locate(three);
  for (int32_t i = 0; i < 3; ++i) {
    ASSERT_TRUE(script.core.Send("orders", Text("x"), script.now, PartitionIndex(i)));
  }
  script.core.Identified({ProducerId(7), ProducerEpoch(0)}, script.now);
  script.Collect();
  ASSERT_EQ(script.appends.size(), 1u);
  script.Append(script.appends[0].request, Offset(0));
  EXPECT_EQ(script.appends.size(), 4u);
}

TEST(ProducerCore, DoesNotWaitForAnotherLeader) {
  Script script;
  script.Begin();
  script.Locate({{NodeId(1), LeaderEpoch(1)}, {NodeId(2), LeaderEpoch(1)}});
  ASSERT_TRUE(script.core.Send("orders", Text("x"), script.now, PartitionIndex(1)));
  script.core.Identified({ProducerId(7), ProducerEpoch(0)}, script.now);
  script.Collect();
  ASSERT_EQ(script.appends.size(), 2u);
  EXPECT_EQ(script.appends[1].leader, NodeId(2));
}

TEST(ProducerCore, WaitsToFillABatchOnlyAsLongAsItLingers) {
  Script script;
  script.Begin();
  script.Send("a", 1);
  script.Send("b", 2);
  EXPECT_EQ(script.appends.size(), 1u);
  EXPECT_EQ(script.core.NextDeadline(), script.now + milliseconds(5));
  script.Pass(milliseconds(5));
  ASSERT_EQ(script.appends.size(), 2u);
  EXPECT_EQ(script.appends[1].batch->records.size(), 2u);
  EXPECT_EQ(script.appends[1].batch->sequence, 1);
}

TEST(ProducerCore, KeepsFiveBatchesInFlight) {
  ProducerConfig config;
  config.batch_bytes = 1;
  Script script(config);
  script.Begin();
  for (uint64_t i = 1; i < 8; ++i) script.Send("x", i);
  EXPECT_EQ(script.appends.size(), 5u);
  script.Append(script.appends[0].request, Offset(0));
  EXPECT_EQ(script.appends.size(), 6u);
}

TEST(ProducerCore, SendsAgainInOrderWhenTheLeaderMoved) {
  ProducerConfig config;
  config.batch_bytes = 1;
  Script script(config);
  script.Begin();
  script.Send("b", 1);
  script.Send("c", 2);
  ASSERT_EQ(script.appends.size(), 3u);
  script.Append(script.appends[0].request, No(ErrorCode::kNotLeaderOrFollower));
  script.Pass(milliseconds(300));
  script.Append(script.appends[1].request, No(ErrorCode::kOutOfOrderSequenceNumber));
  EXPECT_EQ(script.appends.size(), 3u) << "one is still under way";
  script.Append(script.appends[2].request, No(ErrorCode::kOutOfOrderSequenceNumber));
  EXPECT_EQ(script.appends.size(), 3u) << "nobody has said where yet";
  script.Locate({{NodeId(2), LeaderEpoch(2)}});
  ASSERT_EQ(script.appends.size(), 6u);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(script.appends[static_cast<size_t>(3 + i)].leader, NodeId(2));
    EXPECT_EQ(script.appends[static_cast<size_t>(3 + i)].batch->sequence, i);
  }
  EXPECT_EQ(script.core.retries(), 3u);
}

TEST(ProducerCore, LeavesASilentLeaderAsSoonAsThereIsAnother) {
  Script script;
  script.Begin();
  int before = script.locates;
  script.Pass(seconds(1));
  EXPECT_EQ(script.locates, before + 1);
  script.Locate({{NodeId(1), LeaderEpoch(1)}});
  EXPECT_EQ(script.appends.size(), 1u);
  script.Pass(seconds(1));
  script.Locate({{NodeId(3), LeaderEpoch(2)}});
  EXPECT_EQ(script.abandons, 1);
  ASSERT_EQ(script.appends.size(), 2u);
  EXPECT_EQ(script.appends[1].leader, NodeId(3));
  script.Append(script.appends[0].request, Offset(5));
  EXPECT_TRUE(script.settles.empty()) << "nobody waits for that answer any more";
}

TEST(ProducerCore, DoesNotBelieveAnOlderEpoch) {
  Script script;
  script.Begin({NodeId(1), LeaderEpoch(5)});
  script.Append(script.appends[0].request, No(ErrorCode::kNetworkException));
  script.Pass(milliseconds(20));
  script.Locate({{NodeId(2), LeaderEpoch(4)}});
  EXPECT_EQ(script.appends.size(), 1u);
  script.Pass(milliseconds(250));
  script.Locate({{NodeId(2), LeaderEpoch(6)}});
  EXPECT_EQ(script.appends.size(), 2u);
}

TEST(ProducerCore, GivesUpAfterTheDeliveryTimeoutAndSaysWhatIsKnown) {
  Script script;
  script.Begin();
  script.Append(script.appends[0].request, No(ErrorCode::kNotEnoughReplicas));
  script.Pass(seconds(121));
  ASSERT_EQ(script.settles.size(), 1u);
  EXPECT_EQ(script.settles[0].answer.error().code, ErrorCode::kRequestTimedOut);
  EXPECT_EQ(script.settles[0].answer.error().message, "no leader took it in time");
  EXPECT_TRUE(script.core.idle());
}

TEST(ProducerCore, GoesOnUnderANewIdentityAfterARefusal) {
  ProducerConfig config;
  config.batch_bytes = 1;
  Script script(config);
  script.Begin();
  script.Send("b", 1);
  script.Append(script.appends[0].request, No(ErrorCode::kMessageTooLarge));
  ASSERT_EQ(script.settles.size(), 1u);
  script.Append(script.appends[1].request, No(ErrorCode::kOutOfOrderSequenceNumber));
  script.Pass(milliseconds(20));
  script.Locate({{NodeId(1), LeaderEpoch(1)}});
  EXPECT_EQ(script.inits, 2);
  script.core.Identified({ProducerId(8), ProducerEpoch(0)}, script.now);
  script.Collect();
  ASSERT_EQ(script.appends.size(), 3u);
  EXPECT_EQ(script.appends[2].batch->identity.id, ProducerId(8));
  EXPECT_EQ(script.appends[2].batch->sequence, 0);
  EXPECT_EQ(script.appends[2].batch->records[0].tag, 1u);
}

TEST(ProducerCore, IsPatientWithAnUnknownTopicAndThenSaysSo) {
  Script script;
  script.Send("a", 1);
  TopicRoute unknown{.name = "orders", .error = ErrorCode::kUnknownTopicOrPartition};
  script.core.Located({unknown}, script.now);
  script.Collect();
  EXPECT_TRUE(script.settles.empty());
  script.Pass(seconds(6));
  EXPECT_EQ(script.locates, 2);
  script.core.Located({unknown}, script.now);
  script.Collect();
  ASSERT_EQ(script.settles.size(), 1u);
  EXPECT_EQ(script.settles[0].answer.error().code, ErrorCode::kUnknownTopicOrPartition);
}

TEST(ProducerCore, TakesNoMoreThanItMayHold) {
  ProducerConfig config;
  config.buffer_bytes = 1000;
  ProducerCore core(config, 1);
  Instant now;
  int taken = 0;
  while (core.Send("orders", Text(std::string(100, 'x')), now)) ++taken;
  EXPECT_GT(taken, 5);
  EXPECT_LT(taken, 10);
  EXPECT_FALSE(core.has_room());
}

TEST(ProducerCore, FillsABatchOfOnePartitionWithRecordsWithoutAKey) {
  Script script;
  std::vector<PartitionRoute> four(4, {NodeId(1), LeaderEpoch(1)});
  for (uint64_t i = 0; i < 50; ++i) script.Send("value", i);
  script.Locate(four);
  script.core.Identified({ProducerId(7), ProducerEpoch(0)}, script.now);
  script.Pass(milliseconds(5));
  ASSERT_EQ(script.appends.size(), 1u);
  EXPECT_EQ(script.appends[0].batch->records.size(), 50u);
}

// A world of one partition that loses requests and answers, and moves its leader. What a leader
// has written, the next one has; idempotence is Kafka's: in sequence, the last five remembered.
class HostileWorld {
 public:
  explicit HostileWorld(uint64_t seed) : chance_(seed), core_(Config(), seed) {}

  void Run(uint64_t records) {
    uint64_t sent = 0;
    while (sent < records || !core_.idle()) {
      if (sent < records && OneIn(2)) {
        ASSERT_TRUE(core_.Send("orders", Text("x", sent), now_));
        ++sent;
      }
      Carry();
      Step();
      ASSERT_LT(now_, Instant{} + seconds(100000)) << "no progress";
    }
    Carry();
  }

  std::vector<uint64_t> log;
  std::vector<uint64_t> acknowledged;
  int failed = 0;

 private:
  static ProducerConfig Config() {
    ProducerConfig config;
    config.batch_bytes = 150;
    config.delivery_timeout = seconds(90000);
    return config;
  }
  bool OneIn(uint32_t n) { return chance_() % n == 0; }

  void Carry() {
    for (ProducerEffect& each : core_.TakeEffects()) {
      if (auto* append = std::get_if<effect::Append>(&each)) requests_.push_back(*append);
      if (std::holds_alternative<effect::Locate>(each)) locating_ = true;
      if (std::holds_alternative<effect::InitProducer>(each)) identifying_ = true;
      if (auto* settled = std::get_if<effect::Settled>(&each)) {
        if (!settled->answer) ++failed;
        for (const Record& record : settled->batch->records) acknowledged.push_back(record.tag);
      }
    }
  }

  void Step() {
    if (OneIn(40)) {
      ++epoch_;
      leader_ = NodeId(static_cast<int32_t>(chance_() % 3));
    }
    if (!requests_.empty()) Serve();
    if (!answers_.empty() && OneIn(2)) {
      auto [request, answer] = answers_.front();
      answers_.erase(answers_.begin());
      core_.Appended(request, answer, now_);
    }
    if (locating_ && OneIn(3)) {
      locating_ = false;
      if (OneIn(5)) {
        core_.LocateFailed({ErrorCode::kNetworkException, "lost"}, now_);
      } else {
        int32_t known = OneIn(4) ? epoch_ - 1 : epoch_;
        core_.Located({Topic({{OneIn(10) ? kNoNode : leader_, LeaderEpoch(known)}})}, now_);
      }
    }
    if (identifying_) {
      identifying_ = false;
      core_.Identified({ProducerId(next_identity_++), ProducerEpoch(0)}, now_);
    }
    now_ = now_ + milliseconds(chance_() % 10);
    core_.Tick(now_);
  }

  // The oldest request comes to its leader, perhaps late.
  void Serve() {
    effect::Append append = requests_.front();
    requests_.erase(requests_.begin());
    if (OneIn(30)) {
      answers_.emplace_back(append.request, No(ErrorCode::kNetworkException));
      return;
    }
    AppendAnswer answer = Write(append);
    if (OneIn(30)) answer = No(ErrorCode::kNetworkException);
    if (OneIn(200)) return;  // Never answered.
    answers_.emplace_back(append.request, answer);
  }

  AppendAnswer Write(const effect::Append& append) {
    if (append.leader_epoch != LeaderEpoch(epoch_)) return No(ErrorCode::kNotLeaderOrFollower);
    if (OneIn(20)) return No(ErrorCode::kNotEnoughReplicas);
    const Batch& batch = *append.batch;
    auto& last = last_[batch.identity.id.value()];
    for (auto [sequence, offset] : last) {
      if (sequence == batch.sequence) return Offset(offset);
    }
    int32_t expected = next_[batch.identity.id.value()];
    if (batch.sequence != expected) return No(ErrorCode::kOutOfOrderSequenceNumber);
    auto offset = static_cast<int64_t>(log.size());
    for (const Record& record : batch.records) log.push_back(record.tag);
    next_[batch.identity.id.value()] = expected + static_cast<int32_t>(batch.records.size());
    last.emplace_back(batch.sequence, offset);
    if (last.size() > 5) last.erase(last.begin());
    return Offset(offset);
  }

  std::mt19937 chance_;
  ProducerCore core_;
  Instant now_;
  NodeId leader_{0};
  int32_t epoch_ = 1;
  bool locating_ = false;
  bool identifying_ = false;
  int64_t next_identity_ = 1;
  std::vector<effect::Append> requests_;
  std::vector<std::pair<uint64_t, AppendAnswer>> answers_;
  std::map<int64_t, int32_t> next_;
  std::map<int64_t, std::vector<std::pair<int32_t, int64_t>>> last_;
};

TEST(ProducerCore, WritesEveryRecordOnceAndInOrderInAHostileWorld) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    HostileWorld world(seed);
    world.Run(400);
    std::vector<uint64_t> all(400);
    for (uint64_t i = 0; i < 400; ++i) all[i] = i;
    ASSERT_EQ(world.log, all) << "seed " << seed;
    EXPECT_EQ(world.failed, 0) << "seed " << seed;
    EXPECT_EQ(world.acknowledged.size(), 400u) << "seed " << seed;
  }
}

}  // namespace
}  // namespace weir::client
