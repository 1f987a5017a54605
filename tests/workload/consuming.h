// SPDX-License-Identifier: Apache-2.0
// A consumer that reads a topic from its beginning while it is written and while things fail, and
// asks the leaders now and then how far one can read; all that it is told goes into the history of
// what was written.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "client/driver/consumer.h"
#include "client/driver/routing.h"
#include "tests/checker/history.h"
#include "tests/cluster/cluster.h"

namespace weir::workload {

struct ConsumingShape {
  std::string topic;
  // Unlike that of any other who reads the topic.
  std::string name = "consumer";
  // Where it stands: it reads from the replica beside it. What that knows of the high watermark is
  // behind what the leader knows, and not judged. Empty: it reads from leaders.
  std::string rack;
  // Between two questions to the leaders.
  Duration question_interval = std::chrono::milliseconds(100);
};

class Consuming {
 public:
  // All outlive this.
  Consuming(cluster::Cluster& cluster, client::Routing& routing, ConsumingShape shape,
            checker::History& history);

  void Begin();
  // Reads no more.
  void End();

  size_t records() const { return records_; }
  // It has read all below these, one for each partition.
  bool HasReached(const std::map<PartitionIndex, Offset>& ends) const;
  // Why the consumer gave up, which it never should; empty if it did not.
  const std::string& failure() const { return failure_; }

 private:
  void AskNext();
  void Ask(const client::TopicRoute& route);
  void Told(PartitionIndex partition, const host::CallStatus& status, const Bytes& answer);

  host::Host host_;
  client::Routing& routing_;
  const ConsumingShape shape_;
  checker::History& history_;
  std::unique_ptr<client::Consumer> consumer_;
  size_t records_ = 0;
  size_t questions_open_ = 0;
  // The newest leader of a partition that has answered.
  std::map<PartitionIndex, LeaderEpoch> heard_;
  bool ended_ = false;
  std::string failure_;
  Lifetime lifetime_;
};

}  // namespace weir::workload
