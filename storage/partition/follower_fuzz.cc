// SPDX-License-Identifier: Apache-2.0
// A follower, and a leader that says whatever it likes. What the follower does not take it asks for
// again; it neither ends nor calls its disk broken.
#include <glog/logging.h>

#include "common/codec/payload.h"
#include "proto/node/replication.pb.h"
#include "storage/partition/cluster_fixture.h"
#include "tests/fuzz/target.h"

namespace weir::fuzz {
namespace {

using node::v1::FromLeader;
using partition::PartitionCluster;

// In an input this stands for the number of the Follow that is answered, which is drawn.
constexpr int64_t kOfThisFollow = 2;

template <class Part>
void Renumber(Part* part, int64_t follow_id) {
  if (part->follow_id() == kOfThisFollow) part->set_follow_id(follow_id);
}

std::string Renumbered(const std::string& word, int64_t follow_id) {
  FromLeader message;
  if (!message.ParseFromString(word)) return word;
  if (message.has_data()) Renumber(message.mutable_data(), follow_id);
  if (message.has_high_watermark()) Renumber(message.mutable_high_watermark(), follow_id);
  if (message.has_diverging()) Renumber(message.mutable_diverging(), follow_id);
  if (message.has_refused()) Renumber(message.mutable_refused(), follow_id);
  return message.SerializeAsString();
}

// Answers the first Follow with all that it has to say.
struct Liar : host::StreamEvents {
  void OnMessage(Bytes bytes) override {
    node::v1::FromFollower heard;
    heard.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
    for (const std::string& word : std::exchange(words, {})) {
      stream->Send({Bytes::FromString(Renumbered(word, heard.follow().follow_id()))});
    }
  }
  void OnEnd(host::CallStatus) override { stream.reset(); }
  std::vector<std::string> words;
  std::shared_ptr<host::Stream> stream;
};

const std::string kTopic = TopicId(Uuid::FromRandom(3, 4)).ToBytes();

// Node 1 leads by the record, and is dead; in its place a stranger says the input to the first that
// follows, and nothing to those after.
void Feed(std::string_view bytes) {
  PartitionCluster cluster({.nodes = 2, .min_isr = 1});
  CHECK(cluster.Settle());
  cluster.process(1).Kill();
  cluster.Lead(1);
  host::Host stranger = cluster.process(1).Restart();
  std::vector<std::string> words = Unframed(bytes);
  auto method = host::StreamMethod(
      [&](const host::Caller&,
          std::shared_ptr<host::Stream> stream) -> std::shared_ptr<host::StreamEvents> {
        auto liar = std::make_shared<Liar>();
        liar->words = std::exchange(words, {});
        liar->stream = std::move(stream);
        return liar;
      });
  CHECK(stranger.network.Listen("node-1:9000", {{partition::kFollowMethod, std::move(method)}}));
  cluster.world().RunFor(std::chrono::milliseconds(400));
  auto& follower = cluster.node(2);
  CHECK(!follower.failure) << *follower.failure;
  CHECK(follower.partition.high_watermark() <= follower.partition.log()->end());
}

template <class Part>
void Address(Part* part) {
  part->set_topic_id(kTopic);
  part->set_leader_epoch(1);
  part->set_follow_id(kOfThisFollow);
}

std::string HighWatermark(int64_t high_watermark) {
  FromLeader message;
  Address(message.mutable_high_watermark());
  message.mutable_high_watermark()->set_high_watermark(high_watermark);
  return message.SerializeAsString();
}

std::string Data(int64_t offset, int64_t high_watermark) {
  FromLeader message;
  Address(message.mutable_data());
  message.mutable_data()->set_offset(offset);
  message.mutable_data()->set_high_watermark(high_watermark);
  return Join(codec::WithPayload(message, FromLeader::kRecordsFieldNumber,
                                 PartitionCluster::BatchOf("one record")))
      .ToString();
}

std::string Diverging(int64_t end) {
  FromLeader message;
  Address(message.mutable_diverging());
  message.mutable_diverging()->set_end(end);
  return message.SerializeAsString();
}

std::string Refused(ErrorCode code, int64_t log_start) {
  FromLeader message;
  Address(message.mutable_refused());
  message.mutable_refused()->set_error_code(static_cast<int32_t>(code));
  message.mutable_refused()->set_log_start(log_start);
  return message.SerializeAsString();
}

}  // namespace

Target MakeTarget() {
  return {.seeds = {Framed({HighWatermark(0), Data(0, 0), HighWatermark(1), Data(1, 1)}),
                    Framed({HighWatermark(INT64_MAX), Data(0, INT64_MAX)}),
                    Framed({Diverging(0), HighWatermark(0)}), Framed({Diverging(-7)}),
                    Framed({Refused(ErrorCode::kOffsetOutOfRange, 5), Data(5, 5)}),
                    Framed({Refused(ErrorCode::kOffsetOutOfRange, INT64_MAX)}),
                    Framed({Refused(ErrorCode::kNotLeaderOrFollower, 0)})},
          .feed = Feed,
          .bytes_max = size_t{8} << 20,
          .bytes_per_byte_max = 1000,
          .inputs = 2'000};
}

}  // namespace weir::fuzz
