// SPDX-License-Identifier: Apache-2.0
// Reads a topic over the network: runs a ConsumerCore on a host, with one stream for each
// partition. One strand; outlived by its host and its routing.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "client/core/consumer_core.h"
#include "client/driver/routing.h"
#include "common/host/host.h"

namespace weir::client {

class Consumer {
 public:
  struct Events {
    // The records of one partition, in order.
    std::function<void(PartitionIndex, std::vector<ReadRecord>)> records;
    // Once, last: the end that was asked for, or why there is no more. May destroy the consumer;
    // the other may not.
    std::function<void(Answer<void>)> end;
    // Optional: how far a partition can be read, as its leader says with what it sends.
    std::function<void(PartitionIndex, Offset)> high_watermark = nullptr;
  };

  Consumer(host::Host host, Routing& routing, ConsumerConfig config, Events events);
  ~Consumer();

  void Start();
  // While paused no records are handed over, and those that come fill the network's buffers.
  void Pause();
  void Resume();

  std::map<PartitionIndex, Offset> positions() const { return core_.positions(); }

 private:
  class FollowLine;

  void Carry();
  void CarryOut(effect::LocateTopic& locate);
  void CarryOut(effect::AskBounds& ask);
  void CarryOut(effect::Follow& follow);
  void CarryOut(effect::Cancel& cancel);
  void CarryOut(effect::Deliver& deliver);
  void CarryOut(effect::Finished& finished);
  void CarryOut(effect::Failed& failed);
  void Received(uint64_t request, PartitionIndex partition, const Bytes& message);
  void End(Answer<void> how);
  void Ended(uint64_t request, const Refusal& refusal);
  void SetTimer();

  host::Host host_;
  Routing& routing_;
  ConsumerCore core_;
  Events events_;
  std::map<uint64_t, std::shared_ptr<FollowLine>> lines_;
  bool paused_ = false;
  bool carrying_ = false;
  host::Strand::TimerId timer_ = 0;
  Instant timer_at_ = Instant::Never();
  Lifetime lifetime_;
};

}  // namespace weir::client
