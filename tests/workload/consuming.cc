// SPDX-License-Identifier: Apache-2.0
#include "tests/workload/consuming.h"

#include <algorithm>
#include <utility>

#include "common/edge/methods.h"
#include "proto/log/log.pb.h"

namespace weir::workload {
namespace {

constexpr Duration kQuestionTimeout = std::chrono::seconds(2);
constexpr client::Routing::Patience kPatience{.overall = std::chrono::seconds(2),
                                              .attempt = std::chrono::seconds(1)};

std::string TextOf(const std::optional<Bytes>& bytes) { return bytes ? bytes->ToString() : ""; }

}  // namespace

Consuming::Consuming(cluster::Cluster& cluster, client::Routing& routing, ConsumingShape shape,
                     checker::History& history)
    : host_(cluster.client_process().host()),
      routing_(routing),
      shape_(std::move(shape)),
      history_(history) {
  client::ConsumerConfig config;
  config.topic = shape_.topic;
  config.rack = shape_.rack;
  config.give_up_after = Duration::max();
  config.unknown_topic_patience = std::chrono::hours(1);
  consumer_ = std::make_unique<client::Consumer>(
      host_, routing_, config,
      client::Consumer::Events{
          .records =
              [this](PartitionIndex partition, std::vector<client::ReadRecord> records) {
                records_ += records.size();
                for (const client::ReadRecord& record : records) {
                  history_.Read(shape_.name, partition, record.offset, TextOf(record.key),
                                TextOf(record.value));
                }
              },
          .end =
              [this](Answer<void> how) {
                failure_ = shape_.name + " reads " + shape_.topic +
                           " no more: " + (how ? "it is at an end" : how.error().message);
              },
          .high_watermark =
              [this](PartitionIndex partition, Offset high_watermark) {
                if (shape_.rack.empty()) history_.Told(shape_.name, partition, high_watermark);
              }});
}

void Consuming::Begin() {
  consumer_->Start();
  if (shape_.rack.empty()) AskNext();
}

void Consuming::End() {
  ended_ = true;
  consumer_.reset();
}

bool Consuming::HasReached(const std::map<PartitionIndex, Offset>& ends) const {
  if (!consumer_) return false;
  auto positions = consumer_->positions();
  return std::ranges::all_of(ends, [&](const auto& end) {
    auto position = positions.find(end.first);
    return position != positions.end() && position->second >= end.second;
  });
}

void Consuming::AskNext() {
  if (ended_) return;
  questions_open_ = 0;
  routing_.Locate({shape_.topic}, 0, kPatience,
                  lifetime_.Bind([this](client::Outcome<log::v1::LocateResponse> answer) {
                    if (answer && answer->topics_size() == 1) {
                      Ask(client::RouteOf(answer->topics(0)));
                    }
                    if (questions_open_ > 0) return;
                    host_.strand.RunAt(host_.clock.Now() + shape_.question_interval,
                                       lifetime_.Bind([this] { AskNext(); }));
                  }));
}

void Consuming::Ask(const client::TopicRoute& route) {
  for (size_t i = 0; i < route.partitions.size(); ++i) {
    auto endpoint = routing_.EndpointOf(route.partitions[i].leader);
    if (!endpoint) continue;
    PartitionIndex partition(static_cast<int32_t>(i));
    log::v1::OffsetsRequest request;
    request.set_topic_id(route.id.ToBytes());
    request.set_partition(partition.value());
    ++questions_open_;
    host_.network.Call(*endpoint, "/weir.log.v1.Log/Offsets", edge::Encode(request),
                       kQuestionTimeout,
                       lifetime_.Bind([this, partition](host::CallStatus status, Bytes answer) {
                         Told(partition, status, answer);
                       }));
  }
}

// Each partition is asked again only when all have answered: what is told is in order.
void Consuming::Told(PartitionIndex partition, const host::CallStatus& status,
                     const Bytes& answer) {
  log::v1::OffsetsResponse response;
  bool is_answer = status.ok() && edge::Decode(answer, &response);
  // A leader that was deposed and does not know it yet says what was true; its epoch tells.
  LeaderEpoch epoch(response.leader_epoch());
  LeaderEpoch& heard = heard_.try_emplace(partition, epoch).first->second;
  if (is_answer && epoch >= heard) {
    heard = epoch;
    history_.Told(shape_.name + " asking", partition, Offset(response.high_watermark()));
  }
  if (--questions_open_ > 0) return;
  host_.strand.RunAt(host_.clock.Now() + shape_.question_interval,
                     lifetime_.Bind([this] { AskNext(); }));
}

}  // namespace weir::workload
