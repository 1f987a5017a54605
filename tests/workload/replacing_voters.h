// SPDX-License-Identifier: Apache-2.0
// An admin who lets controllers come and go, one after the other, and hands leadership about, and
// leaves at least so many voters, as far as other admins let them be.
#pragma once

#include <string>

#include "proto/admin/admin.pb.h"
#include "tests/cluster/cluster.h"

namespace weir::workload {

class ReplacingVoters {
 public:
  // The cluster outlives this, and was made with spare controllers.
  ReplacingVoters(cluster::Cluster& cluster, Duration pause, int voters_min)
      : cluster_(cluster), pause_(pause), voters_min_(voters_min) {}

  void Begin() { Later(); }
  // Begins no other change; one under way still goes on.
  void End() { ended_ = true; }
  bool idle() const { return !under_way_; }

  // Changes that were answered as made.
  int changed() const { return changed_; }

 private:
  void Later();
  void Next();
  void Add(const std::string& name);
  template <class Response, class Request>
  void Ask(const std::string& method, Request request);

  cluster::Cluster& cluster_;
  const Duration pause_;
  const int voters_min_;
  bool ended_ = false;
  bool under_way_ = false;
  int changed_ = 0;
  Lifetime lifetime_;
};

}  // namespace weir::workload
