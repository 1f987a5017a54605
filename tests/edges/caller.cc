// SPDX-License-Identifier: Apache-2.0
#include "tests/edges/caller.h"

#include <utility>

#include "common/edge/methods.h"

namespace weir::edges {
namespace {

constexpr Duration kPatience = std::chrono::seconds(20);

struct Listener : host::StreamEvents {
  void OnMessage(Bytes message) override { answered.messages.push_back(message.ToString()); }
  void OnEnd(host::CallStatus status) override {
    answered.status = std::move(status);
    answered.ended = true;
  }
  Answered answered;
};

}  // namespace

void CallerTest::SetUp() {
  ASSERT_TRUE(cluster_.Boot());
  ASSERT_TRUE(cluster_.CreateTopic("orders", 1, 3, {{"min.insync.replicas", "2"}}));
  ASSERT_TRUE(cluster_.RunUntilHealthy(std::chrono::seconds(10)));
  log::v1::LocateRequest request;
  request.add_topics("orders");
  Answered answered = Call("node-1:9292", "/weir.log.v1.Log/Locate", request.SerializeAsString());
  log::v1::LocateResponse located;
  ASSERT_TRUE(located.ParseFromString(answered.bytes)) << answered.status.message;
  ASSERT_EQ(located.topics_size(), 1);
  ASSERT_EQ(located.topics(0).partitions_size(), 1);
  topic_id_ = located.topics(0).topic_id();
  leader_ = "node-" + std::to_string(located.topics(0).partitions(0).leader());
}

void CallerTest::TearDown() {
  EXPECT_TRUE(cluster_.failures().empty()) << cluster_.failures().front();
  for (const auto& name : cluster_.controller_names())
    EXPECT_NE(cluster_.controller(name), nullptr);
  for (const auto& name : cluster_.node_names()) EXPECT_NE(cluster_.node(name), nullptr);
  EXPECT_EQ(cluster_.Ailments(), "");

  records::BatchBuilder builder;
  builder.Add(Now(), "key", "still here");
  Answered appended = Call(LeaderEndpoint(), "/weir.log.v1.Log/Append",
                           AppendOf(builder.Build().ToString()).SerializeAsString());
  ASSERT_TRUE(appended.status.ok()) << appended.status.message;
  log::v1::AppendResponse where;
  ASSERT_TRUE(where.ParseFromString(appended.bytes));
  log::v1::FetchRequest fetch;
  fetch.set_topic_id(topic_id_);
  fetch.set_offset(where.base_offset());
  Answered fetched = Call(LeaderEndpoint(), "/weir.log.v1.Log/Fetch", fetch.SerializeAsString());
  ASSERT_TRUE(fetched.status.ok()) << fetched.status.message;
  EXPECT_NE(fetched.bytes.find("still here"), std::string::npos);
}

Answered CallerTest::Call(const std::string& endpoint, const std::string& method,
                          const std::string& request) {
  auto answered = std::make_shared<Answered>();
  cluster_.client_process().host().network.Call(
      endpoint, method, {Bytes::FromString(request)}, kPatience,
      [answered](host::CallStatus status, Bytes bytes) {
        *answered = {std::move(status), bytes.ToString(), {}, true};
      });
  EXPECT_TRUE(cluster_.world().RunUntil([&] { return answered->ended; }, kPatience * 2)) << method;
  return *answered;
}

Answered CallerTest::Stream(const std::string& endpoint, const std::string& method,
                            const std::vector<std::string>& messages, Duration patience) {
  auto listener = std::make_shared<Listener>();
  auto stream = cluster_.client_process().host().network.Open(endpoint, method, listener);
  for (const std::string& message : messages) stream->Send({Bytes::FromString(message)});
  cluster_.world().RunUntil([&] { return listener->answered.ended; }, patience);
  return listener->answered;
}

log::v1::AppendRequest CallerTest::AppendOf(const std::string& batch) const {
  log::v1::AppendRequest request;
  request.set_topic_id(topic_id_);
  request.set_acks(-1);
  request.set_records(batch);
  return request;
}

log::v1::OffsetsResponse CallerTest::Offsets() {
  log::v1::OffsetsRequest request;
  request.set_topic_id(topic_id_);
  Answered answered =
      Call(LeaderEndpoint(), "/weir.log.v1.Log/Offsets", request.SerializeAsString());
  log::v1::OffsetsResponse response;
  EXPECT_TRUE(answered.status.ok()) << answered.status.message;
  EXPECT_TRUE(response.ParseFromString(answered.bytes));
  return response;
}

void ExpectRefused(const Answered& answered, const std::string& reason, const std::string& phrase) {
  EXPECT_TRUE(answered.ended);
  EXPECT_FALSE(answered.status.ok()) << "it was taken";
  if (!reason.empty()) EXPECT_EQ(edge::ReasonOf(answered.status).reason, reason);
  EXPECT_NE(answered.status.message.find(phrase), std::string::npos)
      << "these words do not say '" << phrase << "': " << answered.status.message;
}

}  // namespace weir::edges
