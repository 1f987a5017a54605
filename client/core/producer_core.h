// SPDX-License-Identifier: Apache-2.0
// A producer as a pure state machine: records, answers and time in; effects out (batch.h).
// Each record is settled once, and those of one partition are written in the order of Send, once.
// After every call, carry out TakeEffects() in order; call Tick at NextDeadline().
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/core/batch.h"
#include "client/core/retry.h"
#include "client/core/routes.h"
#include "client/core/send_queue.h"

namespace weir::client {

class ProducerCore {
 public:
  ProducerCore(ProducerConfig config, uint64_t seed);
  // Its queues point to it.
  ProducerCore(const ProducerCore&) = delete;
  ProducerCore& operator=(const ProducerCore&) = delete;

  // Records with a key go to the key's partition, others to one partition per batch.
  // `partition` overrides it. False: there is no room now, and nothing was taken.
  bool Send(const std::string& topic, Record record, Instant now,
            std::optional<PartitionIndex> partition = std::nullopt);
  // Sends what waits for a fuller batch.
  void Flush(Instant now);

  void Located(const std::vector<TopicRoute>& topics, Instant now);
  void LocateFailed(const Refusal& refusal, Instant now);
  void Identified(ProducerIdentity identity, Instant now);
  void IdentifyFailed(const Refusal& refusal, Instant now);
  void Appended(uint64_t request, const AppendAnswer& answer, Instant now);
  void Tick(Instant now);

  Instant NextDeadline() const;
  ProducerEffects TakeEffects();

  // Room for another record. It may come back with any effect Settled.
  bool has_room() const { return buffered_bytes() < config_.buffer_bytes; }
  size_t buffered_bytes() const;
  // Every record was settled.
  bool idle() const;
  // Batches that were sent again.
  uint64_t retries() const;

 private:
  struct Unrouted {
    Record record;
    Instant since;
    std::optional<PartitionIndex> partition;
  };
  struct Topic {
    TopicRoute route;
    bool known = false;
    // Since when Locate says that it is unknown; Never: it does not.
    Instant unknown_since = Instant::Never();
    // Before the first Locate answer; in order.
    std::deque<Unrouted> unrouted;
    std::map<PartitionIndex, std::unique_ptr<SendQueue>> queues;
    // Where records without a key go until that batch is closed.
    PartitionIndex sticky{-1};
  };

  // The queue that took it; none if it was refused.
  SendQueue* Route(const std::string& name, Topic& topic, Unrouted entry);
  SendQueue& QueueOf(const std::string& name, Topic& topic, PartitionIndex index);
  PartitionIndex StickyPartition(Topic& topic);
  void Refuse(const std::string& name, PartitionIndex index, Record record, const Refusal& refusal);
  void FailTopic(const std::string& name, Topic& topic, const Refusal& refusal);
  void TopicUnknown(const std::string& name, Topic& topic, Instant now);
  void TopicKnown(const std::string& name, Topic& topic, const TopicRoute& route, Instant now);
  void GiveUpUnrouted(const std::string& name, Topic& topic, Instant now);
  void Advance(Instant now);
  void Ask(Instant now);
  Instant LocateWantedAt() const;
  bool NeedsIdentity() const;
  uint64_t Chance();

  const ProducerConfig config_;
  uint64_t chance_;
  SendQueue::Shared shared_;
  std::map<std::string, Topic> topics_;
  size_t unrouted_bytes_ = 0;

  bool locating_ = false;
  Instant locate_asked_;
  // When all topics were last located, and whether that is too long ago.
  Instant located_at_;
  bool stale_ = false;
  // Not before this, after a failed or fruitless Locate.
  Instant locate_not_before_ = {};
  BackOff locate_backoff_;

  bool identifying_ = false;
  Instant identify_not_before_ = {};
  BackOff identify_backoff_;
};

}  // namespace weir::client
