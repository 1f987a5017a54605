// SPDX-License-Identifier: Apache-2.0
// Any broker that speaks Kafka's protocol, by librdkafka.
#include <glog/logging.h>
#include <librdkafka/rdkafka.h>

#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include "bench/records/peer.h"

namespace weir::bench {
namespace {

constexpr int kWaitMs = 10'000;

void Set(rd_kafka_conf_t* conf, const std::string& key, const std::string& value) {
  char why[256];
  CHECK_EQ(rd_kafka_conf_set(conf, key.c_str(), value.c_str(), why, sizeof why), RD_KAFKA_CONF_OK)
      << why;
}

rd_kafka_t* Make(rd_kafka_type_t type, rd_kafka_conf_t* conf) {
  char why[256];
  rd_kafka_t* made = rd_kafka_new(type, conf, why, sizeof why);
  CHECK(made != nullptr) << why;
  return made;
}

class KafkaPeer : public Peer {
 public:
  KafkaPeer(const PeerConfig& config, Settled settled)
      : config_(config), settled_(std::move(settled)) {
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    Set(conf, "bootstrap.servers", config_.bootstrap);
    Set(conf, "acks", "all");
    Set(conf, "enable.idempotence", "true");
    Set(conf, "linger.ms", std::to_string(config_.linger_ms));
    Set(conf, "batch.size", std::to_string(config_.batch_bytes));
    Set(conf, "batch.num.messages", "1000000");
    Set(conf, "queue.buffering.max.messages", "1000000");
    Set(conf, "queue.buffering.max.kbytes", std::to_string(config_.buffer_bytes >> 10));
    rd_kafka_conf_set_opaque(conf, this);
    rd_kafka_conf_set_dr_msg_cb(
        conf, [](rd_kafka_t*, const rd_kafka_message_t* message, void* self) {
          auto tag = reinterpret_cast<uintptr_t>(message->_private);
          static_cast<KafkaPeer*>(self)->settled_(tag, message->err == 0);
        });
    producer_ = Make(RD_KAFKA_PRODUCER, conf);
    topic_ = rd_kafka_topic_new(producer_, config_.topic.c_str(), nullptr);
    poller_ = std::thread([this] {
      while (!ended_) rd_kafka_poll(producer_, 100);
    });
  }

  ~KafkaPeer() override {
    ended_ = true;
    poller_.join();
    rd_kafka_topic_destroy(topic_);
    rd_kafka_destroy(producer_);
  }

  void Send(uint64_t tag, std::string_view value) override {
    int sent = rd_kafka_produce(topic_, RD_KAFKA_PARTITION_UA,
                                RD_KAFKA_MSG_F_COPY | RD_KAFKA_MSG_F_BLOCK,
                                const_cast<char*>(value.data()), value.size(), nullptr, 0,
                                reinterpret_cast<void*>(tag));
    CHECK_EQ(sent, 0) << rd_kafka_err2str(rd_kafka_last_error());
  }

  void Drain() override { CHECK_EQ(rd_kafka_flush(producer_, 120'000), 0); }

  void Read(const Arrived& arrived) override {
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    Set(conf, "bootstrap.servers", config_.bootstrap);
    Set(conf, "group.id", "bench");
    Set(conf, "enable.auto.commit", "false");
    Set(conf, "enable.partition.eof", "true");
    rd_kafka_t* consumer = Make(RD_KAFKA_CONSUMER, conf);
    std::set<int32_t> open = AssignAll(consumer);
    rd_kafka_queue_t* queue = rd_kafka_queue_get_consumer(consumer);
    std::vector<rd_kafka_message_t*> messages(10'000);
    while (!open.empty()) {
      ssize_t count =
          rd_kafka_consume_batch_queue(queue, kWaitMs, messages.data(), messages.size());
      CHECK_GT(count, 0) << "nothing came for " << kWaitMs << " ms";
      uint64_t records = 0;
      uint64_t bytes = 0;
      for (ssize_t i = 0; i < count; ++i) {
        rd_kafka_message_t* message = messages[static_cast<size_t>(i)];
        if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
          open.erase(message->partition);
        } else {
          CHECK_EQ(message->err, 0) << rd_kafka_message_errstr(message);
          ++records;
          bytes += message->len;
        }
        rd_kafka_message_destroy(message);
      }
      arrived(records, bytes);
    }
    rd_kafka_queue_destroy(queue);
    rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
  }

 private:
  std::set<int32_t> AssignAll(rd_kafka_t* consumer) {
    const struct rd_kafka_metadata* metadata = nullptr;
    auto failed = rd_kafka_metadata(producer_, 0, topic_, &metadata, kWaitMs);
    CHECK_EQ(failed, 0) << rd_kafka_err2str(failed);
    std::set<int32_t> all;
    auto* list = rd_kafka_topic_partition_list_new(1);
    for (int i = 0; i < metadata->topics[0].partition_cnt; ++i) {
      int32_t id = metadata->topics[0].partitions[i].id;
      all.insert(id);
      rd_kafka_topic_partition_list_add(list, config_.topic.c_str(), id)->offset =
          RD_KAFKA_OFFSET_BEGINNING;
    }
    CHECK_EQ(rd_kafka_assign(consumer, list), 0);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_metadata_destroy(metadata);
    return all;
  }

  const PeerConfig config_;
  const Settled settled_;
  rd_kafka_t* producer_ = nullptr;
  rd_kafka_topic_t* topic_ = nullptr;
  std::atomic<bool> ended_ = false;
  std::thread poller_;
};

}  // namespace

std::unique_ptr<Peer> MakeKafka(const PeerConfig& config, Peer::Settled settled) {
  return std::make_unique<KafkaPeer>(config, std::move(settled));
}

}  // namespace weir::bench
