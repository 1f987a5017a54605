// SPDX-License-Identifier: Apache-2.0
#include "client/driver/routing.h"

#include <glog/logging.h>

#include <algorithm>
#include <utility>

namespace weir::client {

Routing::Routing(host::Host host, std::vector<host::Endpoint> bootstrap)
    : host_(host), bootstrap_(std::move(bootstrap)) {
  CHECK(!bootstrap_.empty());
}

std::vector<host::Endpoint> Routing::Endpoints() const {
  std::vector<host::Endpoint> endpoints;
  auto add = [&](const host::Endpoint& endpoint) {
    if (!endpoint.empty() && std::ranges::find(endpoints, endpoint) == endpoints.end()) {
      endpoints.push_back(endpoint);
    }
  };
  add(favourite_);
  for (const host::Endpoint& endpoint : bootstrap_) add(endpoint);
  for (const auto& [node, endpoint] : nodes_) add(endpoint);
  return endpoints;
}

void Routing::Call(std::string method, Pieces request, Patience patience,
                   Callback<void(Outcome<Bytes>)> done) {
  auto errand = std::make_shared<Errand>();
  errand->method = std::move(method);
  errand->request = std::move(request);
  errand->patience = patience;
  errand->deadline = host_.clock.Now() + patience.overall;
  errand->backoff = BackOff(host_.random.Next());
  errand->done = std::move(done);
  Try(std::move(errand));
}

void Routing::Try(std::shared_ptr<Errand> errand) {
  std::vector<host::Endpoint> endpoints = Endpoints();
  host::Endpoint to = endpoints[errand->tried % endpoints.size()];
  Duration left = errand->deadline - host_.clock.Now();
  Duration timeout =
      std::max(std::min(errand->patience.attempt, left), Duration(std::chrono::milliseconds(1)));
  host_.network.Call(to, errand->method, errand->request, timeout,
                     lifetime_.Bind([this, errand, to](host::CallStatus status, Bytes response) {
                       Answered(errand, to, std::move(status), std::move(response));
                     }));
}

void Routing::Answered(std::shared_ptr<Errand> errand, const host::Endpoint& asked,
                       host::CallStatus status, Bytes response) {
  if (status.ok()) {
    favourite_ = asked;
    errand->done(std::move(response));
    return;
  }
  Failure failure = Decode(status);
  if (!failure.is_transient()) {
    errand->done(std::unexpected(std::move(failure)));
    return;
  }
  if (favourite_ == asked) favourite_.clear();
  ++errand->tried;
  // One round over all endpoints goes without a pause: most failures are one node's.
  bool pause = errand->tried % Endpoints().size() == 0;
  Instant next = host_.clock.Now() + (pause ? errand->backoff.Next() : Duration(0));
  if (next >= errand->deadline) {
    failure.message = asked + ": " + failure.message;
    errand->done(std::unexpected(std::move(failure)));
    return;
  }
  if (!pause) {
    Try(std::move(errand));
  } else {
    host_.strand.RunAt(next, lifetime_.Bind([this, errand] { Try(errand); }));
  }
}

void Routing::Locate(std::vector<std::string> topics, int64_t min_metadata_index, Patience patience,
                     Callback<void(Outcome<weir::log::v1::LocateResponse>)> done) {
  weir::log::v1::LocateRequest request;
  for (std::string& topic : topics) request.add_topics(std::move(topic));
  request.set_min_metadata_index(min_metadata_index);
  Call("/weir.log.v1.Log/Locate", {Bytes::FromString(request.SerializeAsString())}, patience,
       lifetime_.Bind([this, done = std::move(done)](Outcome<Bytes> answer) mutable {
         if (!answer) {
           done(std::unexpected(std::move(answer.error())));
           return;
         }
         weir::log::v1::LocateResponse response;
         if (!response.ParseFromArray(answer->data(), static_cast<int>(answer->size()))) {
           done(std::unexpected(Failure{.code = host::StatusCode::kInternal,
                                        .message = "the answer to Locate is no Protobuf"}));
           return;
         }
         Learn(response);
         done(std::move(response));
       }));
}

void Routing::Learn(const weir::log::v1::LocateResponse& response) {
  for (const auto& node : response.nodes()) {
    if (!node.endpoint().empty()) nodes_[NodeId(node.node_id())] = node.endpoint();
  }
}

std::optional<host::Endpoint> Routing::EndpointOf(NodeId node) const {
  auto it = nodes_.find(node);
  return it == nodes_.end() ? std::nullopt : std::optional(it->second);
}

TopicRoute RouteOf(const weir::log::v1::LocateResponse::Topic& topic) {
  TopicRoute route{.name = topic.name(),
                   .max_batch_bytes = topic.max_batch_bytes(),
                   .error = static_cast<ErrorCode>(topic.error_code())};
  if (auto id = TopicId::FromBytes(topic.topic_id())) route.id = *id;
  route.partitions.resize(static_cast<size_t>(topic.partitions_size()));
  for (const auto& partition : topic.partitions()) {
    auto at = static_cast<size_t>(partition.partition());
    if (at >= route.partitions.size()) continue;
    route.partitions[at] = {NodeId(partition.leader()), LeaderEpoch(partition.leader_epoch())};
  }
  return route;
}

}  // namespace weir::client
