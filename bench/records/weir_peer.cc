// SPDX-License-Identifier: Apache-2.0
// Weir's own client over gRPC, on a thread of its own.
#include <glog/logging.h>

#include <condition_variable>
#include <mutex>
#include <sstream>
#include <thread>
#include <vector>

#include "bench/records/peer.h"
#include "client/driver/consumer.h"
#include "client/driver/producer.h"
#include "common/host/posix/process.h"

namespace weir::bench {
namespace {

std::vector<host::Endpoint> Split(const std::string& list) {
  std::vector<host::Endpoint> endpoints;
  std::istringstream in(list);
  for (std::string endpoint; std::getline(in, endpoint, ',');) endpoints.push_back(endpoint);
  return endpoints;
}

class WeirPeer : public Peer {
 public:
  WeirPeer(const PeerConfig& config, Settled settled)
      : config_(config), settled_(std::move(settled)), thread_([this] { Run(); }) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return world_ != nullptr; });
  }

  ~WeirPeer() override {
    world_->loop().Post([this] { world_->loop().Stop(); });
    thread_.join();
  }

  void Send(uint64_t tag, std::string_view value) override {
    client::Record record{.value = Bytes::FromString(std::string(value)),
                          .timestamp = clock_.WallNow(),
                          .tag = tag};
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return unsettled_bytes_ < config_.buffer_bytes; });
    ++unsettled_;
    unsettled_bytes_ += value.size();
    waiting_.push_back(std::move(record));
    if (!pumping_) {
      pumping_ = true;
      world_->loop().Post([this] { Pump(); });
    }
  }

  void Drain() override {
    world_->loop().Post([this] { producer_->Flush(); });
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return unsettled_ == 0; });
  }

  void Read(const Arrived& arrived) override {
    bool ended = false;
    world_->loop().Post([&] {
      client::ConsumerConfig config{.topic = config_.topic, .until_end = true};
      consumer_ = std::make_unique<client::Consumer>(
          world_->host(), *routing_, config,
          client::Consumer::Events{
              .records =
                  [&](PartitionIndex, std::vector<client::ReadRecord> records) {
                    uint64_t bytes = 0;
                    for (const auto& record : records) bytes += record.value->size();
                    arrived(records.size(), bytes);
                  },
              .end =
                  [&](Answer<void> how) {
                    CHECK(how.has_value()) << how.error().message;
                    std::lock_guard lock(mutex_);
                    ended = true;
                    changed_.notify_all();
                  }});
      consumer_->Start();
    });
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ended; });
  }

 private:
  void Run() {
    host::PosixHost world({.root = ".", .client_id = "bench"});
    routing_ = std::make_unique<client::Routing>(world.host(), Split(config_.bootstrap));
    client::ProducerConfig producer{
        .batch_bytes = config_.batch_bytes,
        .linger = std::chrono::microseconds(static_cast<int64_t>(config_.linger_ms * 1000)),
        .buffer_bytes = 8 * config_.buffer_bytes};
    producer_ = std::make_unique<client::Producer>(
        world.host(), *routing_, producer,
        [this](const client::effect::Settled& settled) { OnSettled(settled); });
    {
      std::lock_guard lock(mutex_);
      world_ = &world;
      changed_.notify_all();
    }
    world.loop().Run();
    consumer_.reset();
    producer_.reset();
    routing_.reset();
  }

  // What was handed over goes to the producer, which has room for more than may be unsettled.
  void Pump() {
    std::vector<client::Record> taken;
    {
      std::lock_guard lock(mutex_);
      taken.swap(waiting_);
      pumping_ = false;
    }
    for (auto& record : taken) CHECK(producer_->Send(config_.topic, std::move(record)));
  }

  void OnSettled(const client::effect::Settled& settled) {
    size_t bytes = 0;
    for (const client::Record& record : settled.batch->records) {
      settled_(record.tag, settled.answer.has_value());
      bytes += record.value->size();
    }
    std::lock_guard lock(mutex_);
    unsettled_ -= settled.batch->records.size();
    unsettled_bytes_ -= bytes;
    changed_.notify_all();
  }

  const PeerConfig config_;
  const Settled settled_;
  host::SystemClock clock_;

  // Of the client's thread alone.
  std::unique_ptr<client::Routing> routing_;
  std::unique_ptr<client::Producer> producer_;
  std::unique_ptr<client::Consumer> consumer_;

  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  host::PosixHost* world_ = nullptr;
  std::vector<client::Record> waiting_;
  uint64_t unsettled_ = 0;
  size_t unsettled_bytes_ = 0;
  bool pumping_ = false;

  std::thread thread_;
};

}  // namespace

std::unique_ptr<Peer> MakeWeir(const PeerConfig& config, Peer::Settled settled) {
  return std::make_unique<WeirPeer>(config, std::move(settled));
}

}  // namespace weir::bench
