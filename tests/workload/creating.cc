// SPDX-License-Identifier: Apache-2.0
#include "tests/workload/creating.h"

namespace weir::workload {

void Creating::CreateNext() {
  if (ended_) return;
  std::string name = "created-" + std::to_string(next_++);
  admin::v1::CreateTopicRequest request;
  request.set_topic(name);
  request.set_partition_count(1);
  request.set_replication_factor(1);
  under_way_ = true;
  cluster_.admin().CreateTopic(
      std::move(request),
      lifetime_.Bind([this, name](client::Outcome<admin::v1::CreateTopicResponse> answer) {
        under_way_ = false;
        if (answer) {
          acknowledged_.insert(name);
        } else if (!answer.error().reason.empty() && answer.error().reason != "NOT_CONTROLLER" &&
                   answer.error().reason != "NOT_ACTIVE_CONTROLLER") {
          refused_.insert(name + ": " + answer.error().message);
        }
        host::Host host = cluster_.client_process().host();
        host.strand.RunAt(host.clock.Now() + pause_, lifetime_.Bind([this] { CreateNext(); }));
      }));
}

}  // namespace weir::workload
