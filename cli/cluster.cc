// SPDX-License-Identifier: Apache-2.0
#include "cli/cluster.h"

#include <cstdlib>
#include <iostream>

#include "cli/dev_state.h"
#include "cli/nearest.h"
#include "cli/quantity.h"
#include "common/base/uuid.h"
#include "common/host/posix/process.h"

namespace weir::cli {
namespace {

Result<std::vector<std::string>> Bootstrap(const Common& common) {
  if (!common.bootstrap.empty()) return ParseEndpoints(common.bootstrap);
  if (const char* variable = std::getenv("WEIR_BOOTSTRAP"); variable != nullptr && *variable) {
    auto endpoints = ParseEndpoints(variable);
    if (!endpoints) return std::unexpected(endpoints.error().While("reading WEIR_BOOTSTRAP"));
    return endpoints;
  }
  auto state = LoadDevState(".weir");
  if (state && !state->Endpoints(/*of_controllers=*/false).empty()) {
    return state->Endpoints(/*of_controllers=*/false);
  }
  if (!state && state.error().kind != Error::Kind::kNotFound) {
    return std::unexpected(state.error());
  }
  return Fail(Error::Kind::kInvalid,
              "which cluster? Give --bootstrap host:port, set WEIR_BOOTSTRAP, or start one here "
              "with: weir dev start");
}

}  // namespace

Cluster::Cluster(host::Host at, std::vector<std::string> endpoints, const Common& common)
    : host(at),
      patience{.overall = std::chrono::seconds(common.timeout_seconds),
               .attempt = std::chrono::seconds(5)},
      routing(at, std::move(endpoints)),
      admin(at, routing, patience) {}

int RunOnHost(const std::function<host::Task<int>(host::Host)>& command) {
  // Never destroyed: the process ends with calls under way, and nobody hears of them.
  auto* world = new host::PosixHost({.root = ".", .client_id = "weir"});
  int code = kFailed;
  world->loop().Post([&] {
    host::Spawn<int>(command(world->host()), [&, world](int returned) {
      code = returned;
      world->loop().Stop();
    });
  });
  world->loop().Run();
  return code;
}

int RunOnCluster(const Common& common, const std::function<host::Task<int>(Cluster&)>& command) {
  auto endpoints = Bootstrap(common);
  if (!endpoints) return Complain(endpoints.error().message, kUsage);
  return RunOnHost([&](host::Host at) {
    auto* cluster = new Cluster(at, *endpoints, common);
    return command(*cluster);
  });
}

int Complain(const std::string& what, int code) {
  std::cerr << "weir: " << what << std::endl;
  return code;
}

int Complain(const client::Failure& failure) {
  std::string reason = failure.reason.empty() ? "" : " (" + failure.reason + ")";
  if (failure.code == host::StatusCode::kUnavailable && failure.reason.empty()) {
    return Complain("the cluster cannot be reached: " + failure.message);
  }
  return Complain(failure.message + reason);
}

host::Task<int> ComplainOfTopic(Cluster& cluster, std::string topic, client::Failure failure) {
  if (failure.reason != "UNKNOWN_TOPIC_OR_PARTITION") co_return Complain(failure);
  auto all = co_await host::Await<client::Outcome<weir::log::v1::LocateResponse>>(
      [&](auto done) { cluster.routing.Locate({}, 0, cluster.patience, std::move(done)); });
  std::vector<std::string> names;
  if (all) {
    for (const auto& each : all->topics()) names.push_back(each.name());
  }
  std::string words = "there is no topic " + topic;
  auto nearest = Nearest(topic, names);
  words +=
      nearest ? "; did you mean " + *nearest + "?" : "; create it with: weir topic create " + topic;
  co_return Complain(words);
}

void Print(const Common& common, const Listing& listing) {
  if (common.json) {
    std::cout << listing.ToJson().dump(2) << std::endl;
  } else {
    listing.PrintText(std::cout);
  }
}

void PrintObject(const Common& common, const Json& object) {
  if (common.json) {
    std::cout << object.dump(2) << std::endl;
  } else {
    PrintSheet(std::cout, object);
  }
}

std::string IdText(const std::string& bytes) {
  auto uuid = Uuid::FromBytes(bytes);
  return uuid ? uuid->ToString() : "";
}

}  // namespace weir::cli
