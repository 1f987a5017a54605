// SPDX-License-Identifier: Apache-2.0
#include "storage/broker/catalog.h"

#include <utility>

#include "common/metadata/topic_config.h"

namespace weir::broker {
namespace {

constexpr Duration kPatience = std::chrono::seconds(10);

void DescribeTopic(const metadata::Image& image, const metadata::Topic& topic,
                   log::v1::LocateResponse::Topic* out) {
  out->set_topic_id(topic.id.ToBytes());
  out->set_max_batch_bytes(
      static_cast<int32_t>(metadata::TopicConfigOf(image, topic.id).max_message_bytes));
  image.ForEachPartition(topic.id, [&](const PartitionId& id, const metadata::Partition& record) {
    auto* partition = out->add_partitions();
    partition->set_partition(id.index.value());
    partition->set_leader(record.leader.value());
    partition->set_leader_epoch(record.leader_epoch.value());
    for (const auto& replica : record.replicas) partition->add_replicas(replica.node.value());
    for (NodeId node : record.isr) partition->add_isr(node.value());
  });
}

}  // namespace

void Catalog::Publish(const metadata::Image& image) {
  image_ = image;
  while (!waiting_.empty() && waiting_.begin()->first <= image_.index) {
    Waiter waiter = std::move(waiting_.begin()->second);
    waiting_.erase(waiting_.begin());
    host_.strand.Cancel(waiter.timer);
    waiter.done(Describe(waiter.topics));
  }
}

void Catalog::Locate(std::vector<std::string> topics, LogIndex min_index,
                     Callback<void(Answer<log::v1::LocateResponse>)> done) {
  // Before its first image a node knows nothing, not even that a topic is missing.
  if (min_index < LogIndex(1)) min_index = LogIndex(1);
  if (min_index <= image_.index) {
    done(Describe(topics));
    return;
  }
  auto waiter = waiting_.emplace(min_index, Waiter{std::move(topics), std::move(done)});
  waiter->second.timer =
      host_.strand.RunAt(host_.clock.Now() + kPatience, lifetime_.Bind([this, waiter, min_index] {
        Waiter late = std::move(waiter->second);
        waiting_.erase(waiter);
        late.done(Refuse(ErrorCode::kRequestTimedOut,
                         "this node has applied metadata up to " +
                             std::to_string(image_.index.value()) + ", and " +
                             std::to_string(min_index.value()) + " was asked for"));
      }));
}

log::v1::LocateResponse Catalog::Describe(const std::vector<std::string>& topics) const {
  log::v1::LocateResponse response;
  response.set_cluster_id(image_.cluster_id.ToBytes());
  response.set_metadata_index(image_.index.value());
  for (const auto& [id, known] : image_.nodes) {
    const metadata::Listener* listener = known.ListenerNamed("client");
    if (!listener) continue;
    auto* node = response.add_nodes();
    node->set_node_id(id.value());
    node->set_endpoint(listener->host + ":" + std::to_string(listener->port));
    node->set_rack(known.rack);
  }
  if (topics.empty()) {
    for (const auto& [id, topic] : image_.topics) {
      auto* out = response.add_topics();
      out->set_name(topic.name);
      DescribeTopic(image_, topic, out);
    }
  }
  for (const std::string& name : topics) {
    auto* out = response.add_topics();
    out->set_name(name);
    if (const metadata::Topic* topic = image_.TopicNamed(name)) {
      DescribeTopic(image_, *topic, out);
    } else {
      out->set_error_code(static_cast<int32_t>(ErrorCode::kUnknownTopicOrPartition));
    }
  }
  return response;
}

}  // namespace weir::broker
