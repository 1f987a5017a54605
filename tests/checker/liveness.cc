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

  void Write(const std::string& topic, PartitionIndex partition) {
    auto history = histories_.find(topic);
    Written record{"probe-" + std::to_string(partition.value()),
                   history == histories_.end() ? 0 : static_cast<int64_t>(history->second.sent())};
    if (history != histories_.end()) history->second.Sent(record);
    client::Record bytes;
    bytes.key = Bytes::FromString(record.key);
    bytes.value = Bytes::FromString(ValueOf(record));
    bytes.timestamp = host_.clock.WallNow();
    bytes.tag = ++last_tag_;
    waiting_[bytes.tag] = {topic, partition, record};
    if (!producer_.Send(topic, std::move(bytes), partition)) wrong_.push_back("no room to write");
  }

  bool idle() const { return waiting_.empty(); }
  std::vector<std::string> Wrong() const {
    std::vector<std::string> wrong = wrong_;
    for (const auto& [tag, sent] : waiting_) {
      wrong.push_back(sent.topic + " partition " + std::to_string(sent.partition.value()) +
                      " takes no record in time");
    }
    return wrong;
  }

 private:
  struct Sent {
    std::string topic;
    PartitionIndex partition;
    Written record;
  };

  void Settled(const client::effect::Settled& settled) {
    int64_t index = 0;
    for (const client::Record& record : settled.batch->records) {
      auto sent = waiting_.extract(record.tag);
      if (sent.empty()) continue;
      const auto& [topic, partition, written] = sent.mapped();
      auto history = histories_.find(topic);
      if (!settled.answer) {
        std::ostringstream words;
        words << topic << " partition " << partition
              << " takes no record: " << settled.answer.error().message;
        wrong_.push_back(words.str());
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
                                       std::map<std::string, History>& histories) {
  Instant end = cluster.world().now() + time;
  if (!cluster.RunUntilHealthy(time)) {
    return {"not whole again " + Seconds(time) + " after the last fault: " + cluster.Ailments()};
  }
  Duration left = end - cluster.world().now();
  Probe probe(cluster, left, histories);
  const metadata::Image image = cluster.active()->machine().committed();
  for (const auto& [id, partition] : image.partitions) {
    probe.Write(image.topics.Find(id.topic)->name, id.index);
  }
  cluster.world().RunUntil([&] { return probe.idle(); }, left);
  return probe.Wrong();
}

}  // namespace weir::checker
