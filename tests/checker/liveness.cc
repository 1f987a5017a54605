// SPDX-License-Identifier: Apache-2.0
#include "tests/checker/liveness.h"

#include <sstream>

#include "client/driver/producer.h"

namespace weir::checker {
namespace {

// One record for each partition, as any producer would write it.
class Probe {
 public:
  Probe(cluster::Cluster& cluster, Duration patience, std::map<std::string, History>& histories)
      : histories_(histories),
        host_(cluster.client_process().host()),
        producer_(host_, cluster.routing(),
                  {.linger = Duration(0),
                   .delivery_timeout = patience,
                   .request_timeout = patience,
                   .unknown_topic_patience = patience},
                  [this](const client::effect::Settled& settled) { Settled(settled); }) {}

  void Write(const std::string& topic, const PartitionId& id) {
    PartitionIndex partition = id.index;
    auto history = histories_.find(topic);
    Written record{"probe-" + std::to_string(partition.value()),
                   history == histories_.end() ? 0 : static_cast<int64_t>(history->second.sent())};
    if (history != histories_.end()) history->second.Sent(record, host_.clock.Now());
    client::Record bytes;
    bytes.key = Bytes::FromString(record.key);
    bytes.value = Bytes::FromString(ValueOf(record));
    bytes.timestamp = host_.clock.WallNow();
    bytes.tag = ++last_tag_;
    waiting_[bytes.tag] = {topic, id, record};
    if (!producer_.Send(topic, std::move(bytes), partition)) wrong_.push_back("no room to write");
  }

  bool idle() const { return waiting_.empty(); }
  // A topic that was deleted meanwhile takes nothing.
  std::vector<std::string> Wrong(const metadata::Image& image) const {
    std::vector<std::string> wrong = wrong_;
    for (const auto& [id, words] : refused_) {
      if (image.topics.Contains(id.topic)) wrong.push_back(words);
    }
    for (const auto& [tag, sent] : waiting_) {
      if (!image.topics.Contains(sent.id.topic)) continue;
      wrong.push_back(sent.topic + " partition " + std::to_string(sent.id.index.value()) +
                      " takes no record in time");
    }
    return wrong;
  }

 private:
  struct Sent {
    std::string topic;
    PartitionId id;
    Written record;
  };

  void Settled(const client::effect::Settled& settled) {
    int64_t index = 0;
    for (const client::Record& record : settled.batch->records) {
      auto sent = waiting_.extract(record.tag);
      if (sent.empty()) continue;
      const auto& [topic, id, written] = sent.mapped();
      PartitionIndex partition = id.index;
      auto history = histories_.find(topic);
      if (!settled.answer) {
        refused_[id] = topic + " partition " + std::to_string(partition.value()) +
                       " takes no record: " + settled.answer.error().message;
      } else if (history != histories_.end()) {
        Offset offset = *settled.answer < Offset(0) ? Offset(-1) : *settled.answer + index;
        history->second.Acknowledged(written, partition, offset);
      }
      ++index;
    }
  }

  std::map<std::string, History>& histories_;
  host::Host host_;
  std::map<uint64_t, Sent> waiting_;
  uint64_t last_tag_ = 0;
  std::map<PartitionId, std::string> refused_;
  std::vector<std::string> wrong_;
  client::Producer producer_;
};

std::string Seconds(Duration time) {
  std::ostringstream out;
  out << std::chrono::duration_cast<std::chrono::milliseconds>(time).count() / 1000.0 << " s";
  return out.str();
}

}  // namespace

std::vector<std::string> RecoverWithin(cluster::Cluster& cluster, Duration time,
                                       std::map<std::string, History>& histories,
                                       const std::set<std::string>& judged_elsewhere) {
  Instant end = cluster.world().now() + time;
  if (!cluster.RunUntilHealthy(time)) {
    return {"not whole again " + Seconds(time) + " after the last fault: " + cluster.Ailments()};
  }
  Duration left = end - cluster.world().now();
  Probe probe(cluster, left, histories);
  const metadata::Image image = cluster.active()->machine().committed();
  for (const auto& [id, partition] : image.partitions) {
    const std::string& topic = image.topics.Find(id.topic)->name;
    if (!judged_elsewhere.contains(topic)) probe.Write(topic, id);
  }
  cluster.world().RunUntil([&] { return probe.idle(); }, left);
  controller::Controller* active = cluster.active();
  return probe.Wrong(active ? active->machine().committed() : image);
}

}  // namespace weir::checker
