// SPDX-License-Identifier: Apache-2.0
#include "cli/leader_call.h"

#include <algorithm>

namespace weir::cli {
namespace {

using weir::log::v1::LocateResponse;

constexpr Duration kLookAgain = std::chrono::milliseconds(100);

// Another may answer, or the same one a little later.
bool IsWorthAnother(const client::Failure& failure) {
  static constexpr std::string_view kPassing[] = {"NOT_LEADER_OR_FOLLOWER", "LEADER_NOT_AVAILABLE",
                                                  "OFFSET_NOT_AVAILABLE",   "UNKNOWN_LEADER_EPOCH",
                                                  "FENCED_LEADER_EPOCH",    "UNKNOWN_TOPIC_ID"};
  return failure.is_transient() || std::ranges::count(kPassing, failure.reason) > 0;
}

client::Failure NoLeader(const std::string& topic, int32_t partition) {
  return {.code = host::StatusCode::kUnavailable,
          .reason = "LEADER_NOT_AVAILABLE",
          .message = "nobody leads " + topic + "/" + std::to_string(partition) + " now"};
}

}  // namespace

host::Task<client::Outcome<LocateResponse::Topic>> LocateTopic(Cluster& cluster,
                                                               std::string topic) {
  auto located = co_await host::Await<client::Outcome<LocateResponse>>(
      [&](auto done) { cluster.routing.Locate({topic}, 0, cluster.patience, std::move(done)); });
  if (!located) co_return std::unexpected(located.error());
  if (located->topics_size() != 1 || located->topics(0).error_code() != 0) {
    co_return std::unexpected(client::Failure{.code = host::StatusCode::kNotFound,
                                              .reason = "UNKNOWN_TOPIC_OR_PARTITION",
                                              .message = "there is no topic '" + topic + "'"});
  }
  co_return located->topics(0);
}

host::Task<client::Outcome<Bytes>> CallLeader(Cluster& cluster, std::string topic,
                                              int32_t partition, std::string method,
                                              Bytes request) {
  const Instant deadline = cluster.host.clock.Now() + cluster.patience.overall;
  while (true) {
    auto located = co_await LocateTopic(cluster, topic);
    if (!located) co_return std::unexpected(located.error());
    std::optional<NodeId> leader;
    for (const auto& each : located->partitions()) {
      if (each.partition() == partition) leader = NodeId(each.leader());
    }
    if (!leader) {
      co_return std::unexpected(client::Failure{
          .code = host::StatusCode::kNotFound,
          .reason = "UNKNOWN_TOPIC_OR_PARTITION",
          .message = "topic '" + topic + "' has " + std::to_string(located->partitions_size()) +
                     " partitions, numbered from 0; there is no partition " +
                     std::to_string(partition)});
    }
    client::Failure failure = NoLeader(topic, partition);
    if (auto endpoint = cluster.routing.EndpointOf(*leader)) {
      weir::log::v1::OffsetsRequest whose;
      whose.set_topic_id(located->topic_id());
      whose.set_partition(partition);
      Pieces pieces = {Bytes::FromString(whose.SerializeAsString()), request};
      std::optional<client::Failure> failed;
      Bytes answer = co_await host::Await<Bytes>([&](auto done) {
        cluster.host.network.Call(
            *endpoint, "/weir.log.v1.Log/" + method, std::move(pieces), cluster.patience.overall,
            [&failed, done = std::move(done)](const host::CallStatus& status, Bytes bytes) mutable {
              if (!status.ok()) failed = client::Decode(status);
              done(std::move(bytes));
            });
      });
      if (!failed) co_return std::move(answer);
      failure = std::move(*failed);
    }
    const Instant next = cluster.host.clock.Now() + kLookAgain;
    if (!IsWorthAnother(failure) || next >= deadline) co_return std::unexpected(failure);
    co_await host::AwaitDone([&](auto done) { cluster.host.strand.RunAt(next, std::move(done)); });
  }
}

}  // namespace weir::cli
