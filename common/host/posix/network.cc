// SPDX-License-Identifier: Apache-2.0
#include "common/host/posix/network.h"

#include <absl/synchronization/mutex.h>
#include <glog/logging.h>
#include <grpc/support/log.h>

#include <algorithm>
#include <utility>

#include "common/host/posix/call_queue.h"

namespace weir::host {

namespace {

// gRPC's own log: only what an operator should see, in our log.
void LogForGrpc(gpr_log_func_args* line) {
  if (line->severity != GPR_LOG_SEVERITY_ERROR) return;
  google::LogMessage(line->file, line->line, google::GLOG_WARNING).stream()
      << "grpc: " << line->message;
}

// Debian builds Abseil with its checks on: each mutex of gRPC's is then entered in one graph of
// all, under one lock, to find cycles. It cost a twentieth of a busy process.
void SetGrpcUp() {
  static const bool is_set_up = [] {
    gpr_set_log_function(&LogForGrpc);
    absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
    return true;
  }();
  (void)is_set_up;
}

}  // namespace

GrpcNetwork::GrpcNetwork(EventLoop& loop, std::string client_id)
    : loop_(loop),
      events_(CallQueue::Of(loop)),
      mailbox_(std::make_shared<Mailbox>(loop)),
      client_(this, events_, mailbox_, std::move(client_id)) {
  SetGrpcUp();
}

GrpcNetwork::~GrpcNetwork() {
  mailbox_->Close();
  for (const auto& server : servers_) {
    if (!server->is_shutting_down()) server->Shutdown(Duration(0), [] {});
    server->Drop();
  }
  client_.End();
  events_->DeliverUntil(this, [this] {
    return std::ranges::all_of(servers_, [](const auto& server) { return server->is_over(); });
  });
  servers_.clear();
  mailbox_->Discard();
}

void GrpcNetwork::Call(const Endpoint& to, const std::string& method, Pieces request,
                       Duration timeout, Callback<void(CallStatus, Bytes)> done) {
  client_.Call(to, method, std::move(request), timeout, std::move(done));
}

std::shared_ptr<Stream> GrpcNetwork::Open(const Endpoint& to, const std::string& method,
                                          std::shared_ptr<StreamEvents> events) {
  return client_.Open(to, method, std::move(events));
}

Result<Endpoint> GrpcNetwork::Listen(const Endpoint& at, Methods methods) {
  CHECK(!shutting_down_);
  auto server = Server::Start({this, loop_, events_, mailbox_}, at, std::move(methods));
  if (!server) return std::unexpected(server.error());
  servers_.push_back(std::move(*server));
  servers_.back()->SetServing(serving_);
  return servers_.back()->address();
}

void GrpcNetwork::SetServing(bool serving) {
  serving_ = serving;
  for (const auto& server : servers_) server->SetServing(serving);
}

void GrpcNetwork::Shutdown(Duration grace, Callback<void()> done) {
  CHECK(!std::exchange(shutting_down_, true)) << "shut down twice";
  SetServing(false);
  auto told = std::make_shared<Callback<void()>>(std::move(done));
  auto one_done = [this, told] {
    if (*told && AllShutDown()) std::exchange(*told, nullptr)();
  };
  mailbox_->Push(one_done);
  for (const auto& server : servers_) server->Shutdown(grace, one_done);
}

bool GrpcNetwork::AllShutDown() const {
  return std::ranges::all_of(servers_, [](const auto& server) { return server->shut_down(); });
}

}  // namespace weir::host
