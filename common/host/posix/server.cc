// SPDX-License-Identifier: Apache-2.0
#include "common/host/posix/server.h"

#include <glog/logging.h>
#include <grpcpp/ext/channelz_service_plugin.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <limits>
#include <utility>

#include "common/host/posix/grpc_message.h"
#include "common/host/posix/listen_address.h"
#include "common/host/posix/server_call.h"

namespace weir::host {

namespace {

// Health, reflection and channelz of every server made from here on.
void EnableStandardServices() {
  static const bool enabled = [] {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    grpc::channelz::experimental::InitChannelzService();
    return true;
  }();
  (void)enabled;
}

// Reflection and channelz are answered by threads that wait; one waits, a few may answer.
constexpr int kWaitingThreads = 1;
constexpr int kThreadsMax = 8;
constexpr size_t kMemoryMax = 1 << 30;

void Configure(grpc::ServerBuilder& builder) {
  using Builder = grpc::ServerBuilder;
  builder.SetSyncServerOption(Builder::NUM_CQS, 1);
  builder.SetSyncServerOption(Builder::MIN_POLLERS, kWaitingThreads);
  builder.SetSyncServerOption(Builder::MAX_POLLERS, kWaitingThreads + 1);
  // How often a thread that waits looks around; it need not.
  builder.SetSyncServerOption(Builder::CQ_TIMEOUT_MSEC, std::numeric_limits<int>::max());
  builder.SetMaxReceiveMessageSize(kMessageBytesMax);
  builder.SetMaxSendMessageSize(kMessageBytesMax);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_ENABLE_CHANNELZ, 1);
  grpc::ResourceQuota quota("weir");
  quota.SetMaxThreads(kThreadsMax).Resize(kMemoryMax);
  builder.SetResourceQuota(quota);
}

std::set<std::string> ServicesOf(const Methods& methods) {
  std::set<std::string> services;
  for (const auto& [name, method] : methods) {
    size_t slash = name.find('/', 1);
    CHECK(name.starts_with('/')) << "a method is \"/package.Service/Method\": " << name;
    CHECK(slash != std::string::npos) << "a method is \"/package.Service/Method\": " << name;
    services.insert(name.substr(1, slash - 1));
  }
  return services;
}

}  // namespace

Server::Server(std::shared_ptr<Mailbox> mailbox)
    : calls_(std::make_shared<ServerCalls>(std::move(mailbox))) {}

Server::~Server() {
  CHECK(server_ == nullptr || shut_down_) << "not shut down";
  if (ending_.joinable()) ending_.join();
}

Result<std::unique_ptr<Server>> Server::Start(std::shared_ptr<Mailbox> mailbox, const Endpoint& at,
                                              Methods methods) {
  Result<ListenAddress> address = ListenAddress::Parse(at);
  if (!address) return std::unexpected(address.error());
  Result<void> probed = ProbeListen(at, *address);
  if (!probed) return std::unexpected(probed.error());

  EnableStandardServices();
  std::unique_ptr<Server> server(new Server(std::move(mailbox)));
  auto shared_methods = std::make_shared<const Methods>(std::move(methods));
  grpc::ServerBuilder builder;
  Configure(builder);
  int port = 0;
  builder.AddListeningPort(at, grpc::InsecureServerCredentials(), &port);
  for (const std::string& name : ServicesOf(*shared_methods)) {
    server->services_.push_back(MakeService(name, shared_methods, server->calls_));
    builder.RegisterService(server->services_.back().get());
    server->service_names_.push_back(name);
  }
  server->server_ = builder.BuildAndStart();
  if (server->server_ == nullptr || port == 0) {
    // The probe was free; somebody was quicker.
    return Fail(Error::Kind::kInUse, "cannot listen on " + at + ": address in use");
  }
  server->address_ = address->WithPort(port);
  server->SetServing(false);
  return server;
}

void Server::SetServing(bool serving) {
  grpc::HealthCheckServiceInterface* health = server_->GetHealthCheckService();
  CHECK(health != nullptr);
  health->SetServingStatus("", serving);
  for (const std::string& name : service_names_) health->SetServingStatus(name, serving);
}

void Server::Shutdown(Duration grace, Callback<void()> done) {
  CHECK(!ending_.joinable()) << "shut down twice";
  gpr_timespec deadline = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                       gpr_time_from_nanos(grace.count(), GPR_TIMESPAN));
  // gRPC blocks here until the strand has finished every call.
  ending_ = std::thread([this, deadline, done = std::move(done)]() mutable {
    server_->Shutdown(deadline);
    calls_->mailbox->Push([this, done = std::move(done)]() mutable {
      shut_down_ = true;
      done();
    });
  });
}

void Server::Drop() {
  calls_->dropped = true;
  // Dropping one may release the holder of another.
  while (!calls_->under_way.empty()) {
    ServerCall* call = *calls_->under_way.begin();
    calls_->under_way.erase(calls_->under_way.begin());
    call->Drop();
  }
}

}  // namespace weir::host
