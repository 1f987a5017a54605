// SPDX-License-Identifier: Apache-2.0
// Who says where it stands reads from the replica beside it, and from the leader where that cannot
// be.
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/driver/consumer.h"
#include "common/edge/refusal_status.h"
#include "common/records/batch_builder.h"
#include "proto/log/log.pb.h"
#include "tests/cluster/cluster.h"

namespace weir::edges {
namespace {

using std::chrono::seconds;

constexpr int kRecords = 20;

// "orders" on three nodes in three racks, with some records.
class Nearest : public testing::Test {
 protected:
  Nearest() : cluster_(/*seed=*/9, {.racks = true}) {}

  void SetUp() override {
    ASSERT_TRUE(cluster_.Boot());
    ASSERT_TRUE(cluster_.CreateTopic("orders", 1, 3, {{"min.insync.replicas", "2"}}));
    ASSERT_TRUE(cluster_.RunUntilHealthy(seconds(10)));
    bool told = false;
    cluster_.routing().Locate({"orders"}, 0, {}, [&](auto answer) {
      told = true;
      if (!answer || answer->topics_size() != 1) return;
      topic_id_ = answer->topics(0).topic_id();
      leader_ = answer->topics(0).partitions(0).leader();
    });
    ASSERT_TRUE(cluster_.world().RunUntil([&] { return told; }, seconds(5)));
    ASSERT_GT(leader_, 0);
    follower_ = leader_ % 3 + 1;
    for (int i = 0; i < kRecords; ++i) Append(i);
    // Followers know what is committed a moment later.
    cluster_.world().RunFor(seconds(1));
  }

  void Append(int number) {
    records::BatchBuilder batch;
    batch.Add(cluster_.client_process().host().clock.WallNow(), std::nullopt,
              "record " + std::to_string(number));
    log::v1::AppendRequest request;
    request.set_topic_id(topic_id_);
    request.set_acks(-1);
    request.set_records(batch.Build().ToString());
    ASSERT_TRUE(Call(leader_, "Append", request.SerializeAsString()).ok());
  }
  host::CallStatus Call(int node, const std::string& method, const std::string& request) {
    std::optional<host::CallStatus> how;
    cluster_.client_process().host().network.Call(
        NodeName(node) + ":9292", "/weir.log.v1.Log/" + method, {Bytes::FromString(request)},
        seconds(20), [&](host::CallStatus status, Bytes bytes) {
          how = std::move(status);
          answer_ = std::move(bytes);
        });
    EXPECT_TRUE(cluster_.world().RunUntil([&] { return how.has_value(); }, seconds(30)));
    return *how;
  }
  // What node `node` sends to one who stands in `rack`.
  log::v1::FetchResponse Fetch(int node, const std::string& rack) {
    log::v1::FetchRequest request;
    request.set_topic_id(topic_id_);
    request.set_rack(rack);
    log::v1::FetchResponse response;
    reason_.clear();
    const host::CallStatus how = Call(node, "Fetch", request.SerializeAsString());
    if (how.ok()) {
      EXPECT_TRUE(response.ParseFromString(answer_.ToString()));
    } else {
      reason_ = edge::ReasonOf(how).reason;
    }
    return response;
  }
  static std::string NodeName(int node) { return "node-" + std::to_string(node); }
  static std::string RackOf(int node) { return "rack-" + std::to_string(node); }

  cluster::Cluster cluster_;
  std::string topic_id_;
  int leader_ = 0;
  int follower_ = 0;
  Bytes answer_;
  std::string reason_;
};

TEST_F(Nearest, TheLeaderNamesTheReplicaThatIsNearer) {
  auto sent_on = Fetch(leader_, RackOf(follower_));
  EXPECT_EQ(sent_on.preferred_replica(), follower_);
  EXPECT_TRUE(sent_on.records().empty());
  auto served = Fetch(follower_, RackOf(follower_));
  EXPECT_FALSE(served.has_preferred_replica());
  EXPECT_EQ(served.next_offset(), kRecords);
}

TEST_F(Nearest, TheLeaderServesWhoIsNearNobodyOrDoesNotSay) {
  for (const std::string& rack : {RackOf(leader_), std::string("elsewhere"), std::string()}) {
    auto served = Fetch(leader_, rack);
    EXPECT_FALSE(served.has_preferred_replica()) << rack;
    EXPECT_EQ(served.next_offset(), kRecords) << rack;
  }
}

TEST_F(Nearest, AFollowerServesOnlyWhoSaysWhereItStands) {
  Fetch(follower_, "");
  EXPECT_EQ(reason_, "NOT_LEADER_OR_FOLLOWER");
}

TEST_F(Nearest, AConsumerMissesNothingWhenItsReplicaDies) {
  std::vector<int64_t> offsets;
  std::optional<Answer<void>> ended;
  client::ConsumerConfig config;
  config.topic = "orders";
  config.rack = RackOf(follower_);
  client::Consumer consumer(cluster_.client_process().host(), cluster_.routing(), config,
                            {.records =
                                 [&](PartitionIndex, std::vector<client::ReadRecord> records) {
                                   for (const client::ReadRecord& each : records)
                                     offsets.push_back(each.offset.value());
                                 },
                             .end = [&](Answer<void> how) { ended = std::move(how); }});
  consumer.Start();
  auto has = [&](size_t count) {
    return cluster_.world().RunUntil([&] { return offsets.size() >= count; }, seconds(30));
  };
  ASSERT_TRUE(has(kRecords));
  Append(kRecords);
  ASSERT_TRUE(has(kRecords + 1));
  cluster_.Kill(NodeName(follower_));
  Append(kRecords + 1);
  ASSERT_TRUE(has(kRecords + 2));
  cluster_.Restart(NodeName(follower_));
  ASSERT_TRUE(cluster_.RunUntilHealthy(seconds(30)));
  Append(kRecords + 2);
  ASSERT_TRUE(has(kRecords + 3));
  EXPECT_FALSE(ended);
  for (size_t i = 0; i < offsets.size(); ++i) EXPECT_EQ(offsets[i], static_cast<int64_t>(i));
}

}  // namespace
}  // namespace weir::edges
