// SPDX-License-Identifier: Apache-2.0
// A compacted topic on three nodes, one of which is killed now and then: the logs shrink, and who
// reads from the start sees the last value of each key, at the offset where it was written.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "client/driver/consumer.h"
#include "client/driver/producer.h"
#include "tests/cluster/cluster.h"

namespace weir::cluster {
namespace {

using std::chrono::seconds;

class Compaction : public testing::TestWithParam<uint64_t> {
 protected:
  Compaction() : cluster_(GetParam(), {.controllers = 3, .nodes = 3}) {
    EXPECT_TRUE(cluster_.Boot()) << cluster_.Ailments();
    EXPECT_TRUE(cluster_.CreateTopic("states", 1, 3,
                                     {{"cleanup.policy", "compact"},
                                      {"min.insync.replicas", "2"},
                                      {"min.cleanable.dirty.ratio", "0.1"},
                                      {"internal.segment.bytes", "4096"}}));
    producer_ = std::make_unique<client::Producer>(
        cluster_.client_process().host(), cluster_.routing(), client::ProducerConfig{},
        [this](const client::effect::Settled& settled) {
          EXPECT_TRUE(settled.answer) << settled.answer.error();
          if (settled.answer) settled_ += settled.batch->records.size();
        });
  }

  sim::World& world() { return cluster_.world(); }

  void Write(int count) {
    const size_t before = settled_;
    for (int i = 0; i < count; ++i) {
      std::string key = "key-" + std::to_string(written_ % 20);
      std::string value = std::to_string(written_++) + std::string(50, '.');
      last_[key] = value;
      ASSERT_TRUE(producer_->Send(
          "states", {.key = Bytes::FromString(key),
                     .value = Bytes::FromString(value),
                     .timestamp = cluster_.client_process().host().clock.WallNow()}));
    }
    producer_->Flush();
    ASSERT_TRUE(world().RunUntil(
        [&] { return settled_ == before + static_cast<size_t>(count); }, seconds(60)));
  }

  // The records that are left, and what they say in the end.
  size_t Read(std::map<std::string, std::string>* state) {
    size_t records = 0;
    Offset last(-1);
    std::optional<Answer<void>> ended;
    client::Consumer consumer(
        cluster_.client_process().host(), cluster_.routing(),
        {.topic = "states", .until_end = true},
        {.records =
             [&](PartitionIndex, std::vector<client::ReadRecord> some) {
               for (const client::ReadRecord& record : some) {
                 EXPECT_GT(record.offset, last);
                 last = record.offset;
                 // Records are numbered as they were written: compaction moves none.
                 EXPECT_EQ(std::stoll(record.value->ToString()), record.offset.value());
                 (*state)[record.key->ToString()] = record.value->ToString();
                 ++records;
               }
             },
         .end = [&](Answer<void> how) { ended = std::move(how); }});
    consumer.Start();
    EXPECT_TRUE(world().RunUntil([&] { return ended.has_value(); }, seconds(60)));
    EXPECT_TRUE(ended && ended->has_value());
    return records;
  }

  Cluster cluster_;
  std::unique_ptr<client::Producer> producer_;
  std::map<std::string, std::string> last_;
  int64_t written_ = 0;
  size_t settled_ = 0;
};

TEST_P(Compaction, KeepsTheLastValueOfEachKeyWhileNodesDie) {
  for (int round = 0; round < 4; ++round) {
    ASSERT_NO_FATAL_FAILURE(Write(400));
    world().RunFor(seconds(20));
    const std::string victim = "node-" + std::to_string(1 + round % 3);
    cluster_.Kill(victim);
    world().RunFor(seconds(1));
    ASSERT_NO_FATAL_FAILURE(Write(100));
    cluster_.Restart(victim);
    ASSERT_TRUE(cluster_.RunUntilHealthy(seconds(60))) << cluster_.Ailments();
  }
  world().RunFor(seconds(60));
  std::map<std::string, std::string> state;
  const size_t left = Read(&state);
  EXPECT_EQ(state, last_);
  EXPECT_LT(left, static_cast<size_t>(written_) / 4) << "nothing was compacted";
}

INSTANTIATE_TEST_SUITE_P(Seeds, Compaction, testing::Range<uint64_t>(1, 6));

}  // namespace
}  // namespace weir::cluster
