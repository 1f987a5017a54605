// SPDX-License-Identifier: Apache-2.0
// An admin who replaces controllers whose disks are gone: the member that was lost is removed, and
// the controller with its new, empty disk is added as another one, until it votes.
#pragma once

#include <set>
#include <string>

#include "client/driver/admin.h"
#include "client/driver/routing.h"
#include "proto/admin/admin.pb.h"
#include "proto/raft/raft.pb.h"
#include "tests/cluster/cluster.h"

namespace weir::workload {

class Readmitting {
 public:
  // The cluster outlives this.
  explicit Readmitting(cluster::Cluster& cluster);

  // `controller` runs, or will, on a disk that was empty.
  void Readmit(const std::string& controller);
  // All of them vote again.
  bool idle() const { return waiting_.empty(); }
  int readmitted() const { return readmitted_; }

 private:
  void Later(const std::string& name);
  void Describe(const std::string& name);
  void Replace(const std::string& name, const raft::v1::DescribeResponse& described);
  template <class Response, class Request>
  void Ask(const std::string& name, const std::string& method, Request request);

  cluster::Cluster& cluster_;
  host::Host host_;
  client::Routing routing_;
  client::Admin admin_;
  std::set<std::string> waiting_;
  int readmitted_ = 0;
  Lifetime lifetime_;
};

}  // namespace weir::workload
