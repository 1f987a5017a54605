// SPDX-License-Identifier: Apache-2.0
// One topic that is created, written, read and deleted, again and again under one name: what is
// read is what was written to this one, and nothing of those before.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "client/driver/consumer.h"
#include "client/driver/producer.h"
#include "tests/checker/history.h"
#include "tests/cluster/cluster.h"

namespace weir::workload {

struct RecreatingShape {
  std::string topic = "phoenix";
  int partitions = 2;
  int replicas = 3;
  // Written to each.
  int records = 40;
};

class Recreating {
 public:
  // All outlive this.
  Recreating(cluster::Cluster& cluster, client::Routing& routing, RecreatingShape shape);
  ~Recreating();

  void Begin() { Create(); }
  // Begins no other life; the present one is still read and judged.
  void End() { ended_ = true; }
  bool idle() const { return idle_; }

  // Topics that were written, read back and judged.
  int judged() const { return judged_; }
  const std::vector<std::string>& wrong() const { return wrong_; }

 private:
  void Create();
  void Write();
  void Settled(const client::effect::Settled& settled);
  void Read();
  void ReadToTheEnd(const Answer<void>& how);
  void Delete();
  void Later(void (Recreating::*step)());

  cluster::Cluster& cluster_;
  client::Routing& routing_;
  host::Host host_;
  const RecreatingShape shape_;
  int life_ = 0;
  int settled_ = 0;
  int judged_ = 0;
  bool ended_ = false;
  bool idle_ = true;
  std::unique_ptr<checker::History> history_;
  std::unique_ptr<client::Producer> producer_;
  std::unique_ptr<client::Consumer> consumer_;
  std::vector<std::string> wrong_;
  Lifetime lifetime_;
};

}  // namespace weir::workload
