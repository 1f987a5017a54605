// SPDX-License-Identifier: Apache-2.0
#include "tests/workload/recreating.h"

#include <utility>

namespace weir::workload {
namespace {

constexpr Duration kPause = std::chrono::milliseconds(50);
constexpr int kKeys = 4;

std::string TextOf(const std::optional<Bytes>& bytes) { return bytes ? bytes->ToString() : ""; }

}  // namespace

Recreating::Recreating(cluster::Cluster& cluster, client::Routing& routing, RecreatingShape shape)
    : cluster_(cluster),
      routing_(routing),
      host_(cluster.client_process().host()),
      shape_(std::move(shape)) {}

Recreating::~Recreating() = default;

void Recreating::Later(void (Recreating::*step)()) {
  host_.strand.RunAt(host_.clock.Now() + kPause, lifetime_.Bind([this, step] { (this->*step)(); }));
}

void Recreating::Create() {
  consumer_.reset();
  producer_.reset();
  idle_ = ended_;
  if (ended_) return;
  admin::v1::CreateTopicRequest request;
  request.set_topic(shape_.topic);
  request.set_partition_count(shape_.partitions);
  request.set_replication_factor(shape_.replicas);
  auto* config = request.add_configs();
  config->set_key("min.insync.replicas");
  config->set_value(std::to_string(shape_.replicas / 2 + 1));
  cluster_.admin().CreateTopic(
      std::move(request),
      lifetime_.Bind([this](client::Outcome<admin::v1::CreateTopicResponse> answer) {
        bool exists = !answer && answer.error().reason == "TOPIC_ALREADY_EXISTS";
        if (answer || exists) {
          ++life_;
          return Later(&Recreating::Write);
        }
        Later(&Recreating::Create);
      }));
}

void Recreating::Write() {
  history_ = std::make_unique<checker::History>();
  settled_ = 0;
  producer_ = std::make_unique<client::Producer>(
      host_, routing_,
      client::ProducerConfig{.delivery_timeout = std::chrono::seconds(30),
                             .unknown_topic_patience = std::chrono::seconds(30)},
      [this](const client::effect::Settled& settled) { Settled(settled); });
  for (int i = 0; i < shape_.records; ++i) {
    checker::Written record{"life-" + std::to_string(life_) + "-key-" + std::to_string(i % kKeys),
                            i};
    client::Record bytes;
    bytes.key = Bytes::FromString(record.key);
    bytes.value = Bytes::FromString(checker::ValueOf(record));
    bytes.timestamp = host_.clock.WallNow();
    bytes.tag = static_cast<uint64_t>(i);
    history_->Sent(record);
    if (!producer_->Send(shape_.topic, std::move(bytes))) wrong_.push_back("no room to write");
  }
}

void Recreating::Settled(const client::effect::Settled& settled) {
  int64_t index = 0;
  for (const client::Record& record : settled.batch->records) {
    auto number = static_cast<int64_t>(record.tag);
    if (settled.answer) {
      history_->Acknowledged(
          {"life-" + std::to_string(life_) + "-key-" + std::to_string(number % kKeys), number},
          settled.partition, *settled.answer < Offset(0) ? Offset(-1) : *settled.answer + index);
    }
    ++index;
    if (++settled_ == shape_.records) Later(&Recreating::Read);
  }
}

void Recreating::Read() {
  client::ConsumerConfig config;
  config.topic = shape_.topic;
  config.until_end = true;
  consumer_ = std::make_unique<client::Consumer>(
      host_, routing_, config,
      client::Consumer::Events{
          .records =
              [this](PartitionIndex partition, std::vector<client::ReadRecord> records) {
                for (const client::ReadRecord& record : records) {
                  history_->Found(partition, record.offset, TextOf(record.key),
                                  TextOf(record.value));
                }
              },
          .end = [this](Answer<void> how) { ReadToTheEnd(how); }});
  consumer_->Start();
}

void Recreating::ReadToTheEnd(const Answer<void>& how) {
  // Who could not read to the end has read nothing.
  if (how) {
    ++judged_;
    for (const std::string& words : history_->Judge()) {
      wrong_.push_back(shape_.topic + ", in its life " + std::to_string(life_) + ": " + words);
    }
  }
  Later(&Recreating::Delete);
}

void Recreating::Delete() {
  admin::v1::DeleteTopicRequest request;
  request.set_name("topics/" + shape_.topic);
  cluster_.admin().DeleteTopic(
      std::move(request),
      lifetime_.Bind([this](client::Outcome<admin::v1::DeleteTopicResponse> answer) {
        bool is_gone = !answer && answer.error().reason == "UNKNOWN_TOPIC_OR_PARTITION";
        if (answer || is_gone) return Later(&Recreating::Create);
        Later(&Recreating::Delete);
      }));
}

}  // namespace weir::workload
