// SPDX-License-Identifier: Apache-2.0
// What every command has in common: where the cluster is, how to print, and how to say what failed.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/listing.h"
#include "client/driver/admin.h"
#include "client/driver/failure.h"
#include "client/driver/routing.h"
#include "common/base/error.h"
#include "common/host/host.h"
#include "common/host/task.h"

namespace weir::cli {

inline constexpr int kOk = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;
inline constexpr int kUnhealthy = 3;

// Options that every command takes.
struct Common {
  std::string bootstrap;
  bool json = false;
  // How long calls are tried again before the command fails.
  int timeout_seconds = 30;
};

// What the command line asks for: set by the subcommand that was named, run by main.
struct Invocation {
  Common common;
  std::function<int()> run;
};

// A cluster within reach. Lives as long as the command.
struct Cluster {
  Cluster(host::Host at, std::vector<std::string> endpoints, const Common& common);

  host::Host host;
  client::Routing::Patience patience;
  client::Routing routing;
  client::Admin admin;
};

// Runs `command` on a host of its own, and returns what it returns.
int RunOnHost(const std::function<host::Task<int>(host::Host)>& command);
// The same with a cluster: --bootstrap, else $WEIR_BOOTSTRAP, else the one of .weir/dev.json.
int RunOnCluster(const Common& common, const std::function<host::Task<int>(Cluster&)>& command);

// Says "weir: ..." on stderr.
int Complain(const std::string& what, int code = kFailed);
int Complain(const client::Failure& failure);
// The same, with the nearest topic's name where the topic is unknown.
host::Task<int> ComplainOfTopic(Cluster& cluster, std::string topic, client::Failure failure);

// One admin call.
template <class Response, class Request>
host::Task<client::Outcome<Response>> Ask(Cluster& cluster, std::string method, Request request) {
  auto answer = co_await host::Await<client::Outcome<Response>>(
      [&](auto done) { cluster.admin.Call<Response>(method, request, std::move(done)); });
  co_return std::move(answer);
}

// One that changes something, once: it carries a request id.
template <class Response, class Request>
host::Task<client::Outcome<Response>> AskToChange(Cluster& cluster, std::string method,
                                                  Request request) {
  request.set_request_id(cluster.host.random.NextUuid().ToBytes());
  co_return co_await Ask<Response>(cluster, std::move(method), std::move(request));
}

template <class Numbers>
Json ListOf(const Numbers& numbers) {
  Json list = Json::array();
  for (auto number : numbers) list.push_back(number);
  return list;
}

// Prints a listing or an object as the common options say.
void Print(const Common& common, const Listing& listing);
void PrintObject(const Common& common, const Json& object);

std::string IdText(const std::string& bytes);

}  // namespace weir::cli
