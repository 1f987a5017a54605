// SPDX-License-Identifier: Apache-2.0
// A producer that writes numbered records under a few keys, at a steady rate, and notes in a
// history what it sent and what it was told.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "client/driver/producer.h"
#include "tests/checker/history.h"
#include "tests/cluster/cluster.h"

namespace weir::workload {

struct ProducingShape {
  std::string topic;
  int keys = 8;
  // Records a second.
  int rate = 200;
  int acks = -1;
};

class Producing {
 public:
  // All outlive this.
  Producing(cluster::Cluster& cluster, client::Routing& routing, ProducingShape shape,
            checker::History& history);

  void Begin();
  // Sends no more; what is under way is still settled.
  void End() { ended_ = true; }
  bool idle() const { return producer_->idle(); }

  size_t failed() const { return failed_; }
  // The longest time without an acknowledgement while something was waiting for one.
  Duration longest_pause() const { return longest_pause_; }

 private:
  void SendNext();
  void Settled(const client::effect::Settled& settled);

  host::Host host_;
  const ProducingShape shape_;
  checker::History& history_;
  std::unique_ptr<client::Producer> producer_;
  std::map<uint64_t, checker::Written> under_way_;
  std::map<std::string, int64_t> next_number_;
  uint64_t next_tag_ = 1;
  bool ended_ = false;
  size_t failed_ = 0;
  Instant last_settled_;
  Duration longest_pause_{};
  Lifetime lifetime_;
};

}  // namespace weir::workload
