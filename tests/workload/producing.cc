// SPDX-License-Identifier: Apache-2.0
#include "tests/workload/producing.h"

#include <algorithm>

namespace weir::workload {

Producing::Producing(cluster::Cluster& cluster, client::Routing& routing, ProducingShape shape,
                     checker::History& history)
    : host_(cluster.client_process().host()), shape_(std::move(shape)), history_(history) {
  client::ProducerConfig config;
  config.acks = shape_.acks;
  producer_ = std::make_unique<client::Producer>(
      host_, routing, config, [this](const client::effect::Settled& settled) { Settled(settled); });
}

void Producing::Begin() {
  last_settled_ = host_.clock.Now();
  SendNext();
}

void Producing::SendNext() {
  if (ended_) return;
  checker::Written record;
  record.key = "key-" + std::to_string(host_.random.Next() % static_cast<uint64_t>(shape_.keys));
  record.number = next_number_[record.key];
  client::Record bytes;
  bytes.key = Bytes::FromString(record.key);
  bytes.value = Bytes::FromString(checker::ValueOf(record));
  bytes.timestamp = host_.clock.WallNow();
  bytes.tag = next_tag_;
  if (producer_->Send(shape_.topic, std::move(bytes))) {
    if (under_way_.empty()) last_settled_ = host_.clock.Now();
    ++next_number_[record.key];
    history_.Sent(record, host_.clock.Now());
    under_way_[next_tag_++] = record;
  }
  host_.strand.RunAt(host_.clock.Now() + Duration(std::chrono::seconds(1)) / shape_.rate,
                     lifetime_.Bind([this] { SendNext(); }));
}

void Producing::Settled(const client::effect::Settled& settled) {
  Instant now = host_.clock.Now();
  longest_pause_ = std::max(longest_pause_, now - last_settled_);
  last_settled_ = now;
  int64_t index = 0;
  for (const client::Record& record : settled.batch->records) {
    auto known = under_way_.extract(record.tag);
    if (settled.answer) {
      Offset offset = *settled.answer < Offset(0) ? Offset(-1) : *settled.answer + index;
      history_.Acknowledged(known.mapped(), settled.partition, offset);
    } else {
      ++failed_;
    }
    ++index;
  }
}

}  // namespace weir::workload
