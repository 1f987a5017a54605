// SPDX-License-Identifier: Apache-2.0
// An admin who creates one topic after the other, and remembers which were acknowledged.
#pragma once

#include <set>
#include <string>

#include "tests/cluster/cluster.h"

namespace weir::workload {

class Creating {
 public:
  // The cluster outlives this. `pause` lies between an answer and the next topic.
  explicit Creating(cluster::Cluster& cluster, Duration pause = std::chrono::milliseconds(10))
      : cluster_(cluster), pause_(pause) {}

  void Begin() { CreateNext(); }
  void End() { ended_ = true; }
  bool idle() const { return !under_way_; }

  const std::set<std::string>& acknowledged() const { return acknowledged_; }
  // Topics that were refused for another reason than that nobody answered in time.
  const std::set<std::string>& refused() const { return refused_; }

 private:
  void CreateNext();

  cluster::Cluster& cluster_;
  const Duration pause_;
  int next_ = 0;
  bool ended_ = false;
  bool under_way_ = false;
  std::set<std::string> acknowledged_;
  std::set<std::string> refused_;
  Lifetime lifetime_;
};

}  // namespace weir::workload
