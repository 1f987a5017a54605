// SPDX-License-Identifier: Apache-2.0
// The batches of one producer for one partition, in order, until each is settled. Keeps the order
// and writes once: sequences stay with their batches, and after any failure everything unsettled
// is sent again from the first, once nothing is under way any more. Pure.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "client/core/batch.h"
#include "client/core/lines.h"
#include "client/core/retry.h"
#include "client/core/routes.h"

namespace weir::client {

class SendQueue {
 public:
  // Shared by the queues of one producer; outlives them.
  struct Shared {
    uint64_t next_request = 1;
    ProducerEffects effects;
    Lines lines;
  };
  SendQueue(const ProducerConfig& config, std::string topic, PartitionId partition, uint64_t seed,
            Shared* shared);
  ~SendQueue();
  SendQueue(const SendQueue&) = delete;
  SendQueue& operator=(const SendQueue&) = delete;

  void Add(Record record, size_t batch_limit, Instant now);
  // Whether the next record may join a batch that is already open.
  bool has_open_batch() const;
  // No batch waits for more records.
  void Close();

  // Where the partition is led, from a Locate that was asked at `asked`.
  void Routed(PartitionRoute route, Instant asked, Instant now);
  // The Locate failed: ask again, later.
  void RouteFailed(Instant asked, Instant now);
  void Identify(ProducerIdentity identity);

  // False: not one of this queue's unanswered requests.
  bool Appended(uint64_t request, const AppendAnswer& answer, Instant now);

  // Gives everything up for one reason.
  void FailAll(const Refusal& refusal);

  // Sends what may be sent, and gives up what waited too long.
  void Advance(Instant now);

  bool needs_identity() const;
  // When a Locate should be asked; Never: not needed.
  Instant route_wanted_at() const;
  Instant NextDeadline() const;

  bool empty() const { return items_.empty(); }
  size_t bytes() const { return bytes_; }
  uint64_t retries() const { return retries_; }

 private:
  struct Item {
    std::shared_ptr<Batch> batch;
    // The request that is unanswered, and whom it was sent to; 0: none.
    uint64_t request = 0;
    NodeId sent_to = kNoNode;
    Instant sent_at;
    Instant answer_due;
    bool ever_sent = false;
    // Some attempt ended without saying whether the batch was written.
    bool fate_open = false;
    bool settled = false;
  };

  int outstanding() const;
  bool can_send() const;
  Item* NextToSend();
  bool IsReady(const Item& item, Instant now) const;
  void Transmit(Item& item, Instant now);
  void GiveUpOld(Instant now);
  void DropSilent(Instant now);
  void FinishRecovery();
  void BeginRecovery(Instant now);
  void AbandonOutstanding();
  // Its request, if there is one, is no longer waited for.
  void EndRequest(Item& item);
  void Refused(Item& item, const Refusal& refusal, Instant now);
  void Settle(Item& item, AppendAnswer answer);
  void PopSettled();

  const ProducerConfig& config_;
  const std::string topic_;
  const PartitionId partition_;
  Shared* const shared_;
  BackOff backoff_;

  std::deque<Item> items_;
  size_t bytes_ = 0;
  uint64_t retries_ = 0;

  PartitionRoute route_;
  // No batch is sent until a Locate that was asked at this time or later has named a leader.
  Instant route_needed_ = {};
  bool route_pending_ = true;
  // When to look whether a silent leader still leads; Never while nothing is unanswered.
  Instant doubt_at_ = Instant::Never();

  ProducerIdentity identity_;
  int32_t next_sequence_ = 0;
  // Something failed: nothing new is sent until nothing is under way, and then all again.
  bool recovering_ = false;
  // After that, under a new identity: a sequence was given up, and the leader would wait for it.
  bool renew_identity_ = false;
};

}  // namespace weir::client
