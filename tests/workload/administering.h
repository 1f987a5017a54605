// SPDX-License-Identifier: Apache-2.0
// Several admins at once who create, delete, create anew, grow, reconfigure, read and list a few
// topics, each one call after the other, and note in a history what they asked and were told, by
// the world's time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "client/driver/admin.h"
#include "client/driver/routing.h"
#include "tests/checker/admin_model.h"
#include "tests/cluster/cluster.h"

namespace weir::workload {

struct AdministeringShape {
  int admins = 3;
  // They share these: "managed-0", ...
  int topics = 3;
  int replicas = 1;
  // Between the answer to one call and the next call, at most.
  Duration pause_max = std::chrono::milliseconds(80);
  // How long an admin waits for an answer: after it, nobody knows.
  Duration patience = std::chrono::milliseconds(1500);
};

class Administering {
 public:
  // All outlive this.
  Administering(cluster::Cluster& cluster, AdministeringShape shape,
                checker::AdminHistory& history);
  ~Administering();

  void Begin();
  // Begins no more calls; those under way are still noted.
  void End();
  bool idle() const;

 private:
  class Person;

  std::vector<std::unique_ptr<Person>> people_;
};

}  // namespace weir::workload
