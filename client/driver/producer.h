// SPDX-License-Identifier: Apache-2.0
// Writes records to topics over the network: runs a ProducerCore on a host. One strand; outlived by
// its host and its routing.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "client/core/producer_core.h"
#include "client/driver/append_line.h"
#include "client/driver/routing.h"
#include "common/host/host.h"

namespace weir::client {

class Producer {
 public:
  // Hears every batch's fate; each record in it has its tag. May call Send.
  using Settled = std::function<void(const effect::Settled&)>;

  Producer(host::Host host, Routing& routing, ProducerConfig config, Settled settled);
  ~Producer();

  // False: there is no room now; try again once a batch has been settled.
  bool Send(const std::string& topic, Record record,
            std::optional<PartitionIndex> partition = std::nullopt);
  // Sends what waits for a fuller batch.
  void Flush();

  bool has_room() const { return core_.has_room(); }
  bool idle() const { return core_.idle(); }
  uint64_t retries() const { return core_.retries(); }

 private:
  void Carry();
  void CarryOut(effect::Locate& locate);
  void CarryOut(effect::InitProducer& init);
  void CarryOut(effect::Append& append);
  void CarryOut(effect::Abandon& abandon);
  void CarryOut(effect::Settled& settled);
  AppendLine* LineTo(NodeId node);
  void Answer(uint64_t request, AppendAnswer answer);
  void SetTimer();

  host::Host host_;
  Routing& routing_;
  ProducerCore core_;
  Settled settled_;
  std::map<NodeId, std::shared_ptr<AppendLine>> lines_;
  // Answers that came while effects were carried out.
  std::deque<std::pair<uint64_t, AppendAnswer>> answers_;
  bool carrying_ = false;
  host::Strand::TimerId timer_ = 0;
  Instant timer_at_ = Instant::Never();
  Lifetime lifetime_;
};

}  // namespace weir::client
