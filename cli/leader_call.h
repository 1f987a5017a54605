// SPDX-License-Identifier: Apache-2.0
// Calls that only a partition's leader answers: it is looked for, and looked for again while there
// is none, or another one.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cli/cluster.h"
#include "proto/log/log.pb.h"

namespace weir::cli {

// Where the topic's partitions are led; a failure where there is no such topic.
host::Task<client::Outcome<weir::log::v1::LocateResponse::Topic>> LocateTopic(Cluster& cluster,
                                                                              std::string topic);

// `request` has neither a topic id nor a partition. `method` is one of weir.log.v1.Log, and safe to
// repeat.
host::Task<client::Outcome<Bytes>> CallLeader(Cluster& cluster, std::string topic,
                                              int32_t partition, std::string method, Bytes request);

// A topic id and a partition come first in every request of that kind, in the fields 1 and 2.
template <class Response, class Request>
host::Task<client::Outcome<Response>> AskLeader(Cluster& cluster, std::string topic,
                                                int32_t partition, std::string method,
                                                Request request) {
  auto answer = co_await CallLeader(cluster, std::move(topic), partition, std::move(method),
                                    Bytes::FromString(request.SerializeAsString()));
  if (!answer) co_return std::unexpected(answer.error());
  Response response;
  if (!response.ParseFromArray(answer->data(), static_cast<int>(answer->size()))) {
    co_return std::unexpected(client::Failure{.message = "the answer is no Protobuf"});
  }
  co_return std::move(response);
}

}  // namespace weir::cli
