// SPDX-License-Identifier: Apache-2.0
// The way to a cluster: where its nodes are, and calls that any of them can answer. A call goes
// from one known endpoint to the next until one answers it. One strand; outlived by its host.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/core/retry.h"
#include "client/core/routes.h"
#include "client/driver/failure.h"
#include "common/base/bytes.h"
#include "common/base/callback.h"
#include "common/host/host.h"
#include "proto/log/log.pb.h"

namespace weir::client {

class Routing {
 public:
  struct Patience {
    // Until the last attempt has ended.
    Duration overall = std::chrono::seconds(30);
    // For one endpoint, before the next one is asked.
    Duration attempt = std::chrono::seconds(2);
  };

  // `bootstrap` is not empty; any nodes of the cluster.
  Routing(host::Host host, std::vector<host::Endpoint> bootstrap);

  // The request may reach several nodes: it must be safe to repeat.
  void Call(std::string method, Pieces request, Patience patience,
            Callback<void(Outcome<Bytes>)> done);

  // Also learns the nodes' endpoints. No topics: all topics.
  void Locate(std::vector<std::string> topics, int64_t min_metadata_index, Patience patience,
              Callback<void(Outcome<weir::log::v1::LocateResponse>)> done);

  // Nothing before a Locate has named the node.
  std::optional<host::Endpoint> EndpointOf(NodeId node) const;

 private:
  struct Errand {
    std::string method;
    Pieces request;
    Patience patience;
    Instant deadline;
    BackOff backoff{0};
    size_t tried = 0;
    Callback<void(Outcome<Bytes>)> done;
  };

  std::vector<host::Endpoint> Endpoints() const;
  void Try(std::shared_ptr<Errand> errand);
  void Answered(std::shared_ptr<Errand> errand, const host::Endpoint& asked,
                host::CallStatus status, Bytes response);
  void Learn(const weir::log::v1::LocateResponse& response);

  host::Host host_;
  const std::vector<host::Endpoint> bootstrap_;
  std::map<NodeId, host::Endpoint> nodes_;
  // Who answered last.
  host::Endpoint favourite_;
  Lifetime lifetime_;
};

// A topic of a Locate answer as the cores know it.
TopicRoute RouteOf(const weir::log::v1::LocateResponse::Topic& topic);

}  // namespace weir::client
