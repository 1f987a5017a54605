// SPDX-License-Identifier: Apache-2.0
// Producers and consumers that are faster than the disks, the followers or the network: a node
// holds no more of theirs than it may, who can be held back is, and others are served.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/edge/refusal_status.h"
#include "common/records/batch_builder.h"
#include "proto/log/log.pb.h"
#include "tests/cluster/cluster.h"

namespace weir::edges {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int64_t kRoom = 1 << 20;
constexpr size_t kRecordBytes = 20'000;

struct Answers : host::StreamEvents {
  void OnMessage(Bytes message) override {
    if (stream_to_pause) stream_to_pause->PauseReading();
    messages.push_back(message.ToString());
  }
  void OnEnd(host::CallStatus how) override { end = std::move(how); }
  size_t refused() const {
    return static_cast<size_t>(std::ranges::count_if(messages, [](const std::string& bytes) {
      log::v1::AppendResponse response;
      return !response.ParseFromString(bytes) || response.error_code() != 0;
    }));
  }
  std::vector<std::string> messages;
  std::optional<host::CallStatus> end;
  std::shared_ptr<host::Stream> stream_to_pause;
};

// "orders" on all three nodes, "alone" on the node that leads it.
class HeldBack : public testing::Test {
 protected:
  HeldBack() : cluster_(/*seed=*/5, {.bounds = {.append_bytes = kRoom, .read_bytes = kRoom}}) {}

  void SetUp() override {
    ASSERT_TRUE(cluster_.Boot());
    ASSERT_TRUE(cluster_.CreateTopic("orders", 1, 3, {{"min.insync.replicas", "2"}}));
    ASSERT_TRUE(cluster_.CreateTopic("alone", 12, 1, {}));
    ASSERT_TRUE(cluster_.RunUntilHealthy(seconds(10)));
    bool told = false;
    cluster_.routing().Locate({"orders", "alone"}, 0, {}, [&](auto answer) {
      told = true;
      if (!answer) return;
      for (const auto& topic : answer->topics()) Learn(topic);
    });
    ASSERT_TRUE(cluster_.world().RunUntil([&] { return told; }, seconds(5)));
    ASSERT_FALSE(leader_.empty());
    for (const auto& [partition, node] : alone_) {
      if (node == leader_) alone_on_leader_ = partition;
    }
    ASSERT_GE(alone_on_leader_, 0);
  }

  void Learn(const log::v1::LocateResponse::Topic& topic) {
    topic_ids_[topic.name()] = topic.topic_id();
    for (const auto& partition : topic.partitions()) {
      const std::string node = "node-" + std::to_string(partition.leader());
      if (topic.name() == "orders") leader_ = node;
      if (topic.name() == "alone") alone_[partition.partition()] = node;
    }
  }

  std::string AppendTo(const std::string& topic, int partition, int timeout_ms = 0) {
    records::BatchBuilder batch;
    batch.Add(cluster_.client_process().host().clock.WallNow(), std::nullopt,
              std::string(kRecordBytes, 'x'));
    log::v1::AppendRequest request;
    request.set_topic_id(topic_ids_[topic]);
    request.set_partition(partition);
    request.set_acks(-1);
    request.set_timeout_ms(timeout_ms);
    request.set_records(batch.Build().ToString());
    return request.SerializeAsString();
  }
  host::Network& network() { return cluster_.client_process().host().network; }
  std::shared_ptr<host::Stream> Open(const std::string& method, std::shared_ptr<Answers> answers) {
    return network().Open(leader_ + ":9292", "/weir.log.v1.Log/" + method, std::move(answers));
  }
  // The answer to a call; what it was refused with.
  std::string ReasonOfCall(const std::string& method, const std::string& request) {
    std::optional<host::CallStatus> how;
    network().Call(leader_ + ":9292", "/weir.log.v1.Log/" + method, {Bytes::FromString(request)},
                   seconds(20), [&](host::CallStatus status, Bytes) { how = std::move(status); });
    EXPECT_TRUE(cluster_.world().RunUntil([&] { return how.has_value(); }, seconds(30)));
    return how->ok() ? "" : edge::ReasonOf(*how).reason;
  }
  void PauseFollowers(bool pause) {
    for (const std::string& name : cluster_.node_names()) {
      if (name == leader_) continue;
      sim::Process& process = cluster_.world().process(name);
      if (pause) {
        process.Pause();
      } else {
        process.Resume();
      }
    }
  }
  const broker::Records& records() { return *cluster_.node(leader_)->records(); }

  cluster::Cluster cluster_;
  std::map<std::string, std::string> topic_ids_;
  std::string leader_;
  std::map<int, std::string> alone_;
  int alone_on_leader_ = -1;
};

TEST_F(HeldBack, AppendsThatFollowersDoNotTakeHoldNoMoreThanTheirRoom) {
  PauseFollowers(true);
  auto answers = std::make_shared<Answers>();
  auto stream = Open("AppendStream", answers);
  for (int i = 0; i < 100; ++i) stream->Send({Bytes::FromString(AppendTo("orders", 0))});
  cluster_.world().RunFor(milliseconds(500));
  EXPECT_GT(records().append_bytes(), 0);
  EXPECT_LE(records().append_bytes(), kRoom / 16 + 2 * static_cast<int64_t>(kRecordBytes));
  EXPECT_EQ(ReasonOfCall("Append", AppendTo("orders", 0)), "THROTTLING_QUOTA_EXCEEDED");
  EXPECT_EQ(ReasonOfCall("Append", AppendTo("alone", alone_on_leader_)), "")
      << "another partition has room";

  PauseFollowers(false);
  ASSERT_TRUE(
      cluster_.world().RunUntil([&] { return answers->messages.size() == 100; }, seconds(60)));
  EXPECT_EQ(answers->refused(), 0u);
  EXPECT_EQ(records().append_bytes(), 0);
}

TEST_F(HeldBack, AnAppendWhoseTurnNeverComesIsRefusedInTime) {
  PauseFollowers(true);
  auto answers = std::make_shared<Answers>();
  auto stream = Open("AppendStream", answers);
  for (int i = 0; i < 20; ++i) {
    stream->Send({Bytes::FromString(AppendTo("orders", 0, /*timeout_ms=*/400))});
  }
  ASSERT_TRUE(
      cluster_.world().RunUntil([&] { return answers->messages.size() >= 10; }, seconds(5)));
  EXPECT_GT(answers->refused(), 0u);
  PauseFollowers(false);
}

TEST_F(HeldBack, AProducerThatLeavesTheLineLeavesNothingBehind) {
  PauseFollowers(true);
  auto answers = std::make_shared<Answers>();
  auto stream = Open("AppendStream", answers);
  for (int i = 0; i < 20; ++i) stream->Send({Bytes::FromString(AppendTo("orders", 0))});
  cluster_.world().RunFor(milliseconds(200));
  stream->Finish({host::StatusCode::kCancelled, "the client left", {}});
  cluster_.world().RunFor(milliseconds(200));
  PauseFollowers(false);
  EXPECT_TRUE(
      cluster_.world().RunUntil([&] { return records().append_bytes() == 0; }, seconds(30)));
}

TEST_F(HeldBack, AnswersThatAreNotTakenHoldTheProducerBack) {
  auto answers = std::make_shared<Answers>();
  auto stream = Open("AppendStream", answers);
  answers->stream_to_pause = stream;
  for (int i = 0; i < 30; ++i) stream->Send({Bytes::FromString(AppendTo("orders", 0))});
  cluster_.world().RunFor(seconds(2));
  EXPECT_EQ(answers->messages.size(), 1u);
  answers->stream_to_pause.reset();
  stream->ResumeReading();
  EXPECT_TRUE(
      cluster_.world().RunUntil([&] { return answers->messages.size() == 30; }, seconds(60)));
}

TEST_F(HeldBack, ReadersThatTakeNothingHoldNoMoreThanTheirRoom) {
  for (int i = 0; i < 60; ++i) {
    ASSERT_EQ(ReasonOfCall("Append", AppendTo("orders", 0)), "");
  }
  log::v1::FetchRequest fetch;
  fetch.set_topic_id(topic_ids_["orders"]);
  std::vector<std::shared_ptr<host::Stream>> stuck;
  std::vector<std::shared_ptr<Answers>> heard;
  for (int i = 0; i < 40; ++i) {
    heard.push_back(std::make_shared<Answers>());
    stuck.push_back(Open("FetchStream", heard.back()));
    stuck.back()->PauseReading();
    stuck.back()->Send({Bytes::FromString(fetch.SerializeAsString())});
  }
  cluster_.world().RunFor(seconds(2));
  EXPECT_LE(records().read_bytes(), kRoom + 40 * static_cast<int64_t>(kRecordBytes + 100));
  EXPECT_EQ(ReasonOfCall("Fetch", fetch.SerializeAsString()), "") << "another is served";
  for (auto& stream : stuck) stream->ResumeReading();
  cluster_.world().RunFor(seconds(10));
  EXPECT_EQ(records().read_bytes(), 0);
}

}  // namespace
}  // namespace weir::edges
