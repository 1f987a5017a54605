// SPDX-License-Identifier: Apache-2.0
#include "common/host/posix/server.h"

#include <glog/logging.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>
#include <grpc/support/alloc.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/host/posix/call_queue.h"
#include "common/host/posix/grpc_message.h"
#include "common/host/posix/listen_address.h"
#include "common/host/posix/server_call.h"

namespace weir::host {

namespace {

constexpr size_t kMemoryMax = 1 << 30;
// Calls that may arrive before one of them was taken.
constexpr int kArrivals = 8;

grpc_arg NumberArg(const char* key, int value) {
  grpc_arg arg{.type = GRPC_ARG_INTEGER, .key = const_cast<char*>(key), .value = {}};
  arg.value.integer = value;
  return arg;
}

grpc_server* MakeServer() {
  grpc_resource_quota* quota = grpc_resource_quota_create("weir");
  grpc_resource_quota_resize(quota, kMemoryMax);
  grpc_arg memory{
      .type = GRPC_ARG_POINTER, .key = const_cast<char*>(GRPC_ARG_RESOURCE_QUOTA), .value = {}};
  memory.value.pointer = {.p = quota, .vtable = grpc_resource_quota_arg_vtable()};
  grpc_arg args[] = {NumberArg(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, kMessageBytesMax),
                     NumberArg(GRPC_ARG_MAX_SEND_MESSAGE_LENGTH, kMessageBytesMax),
                     NumberArg(GRPC_ARG_ALLOW_REUSEPORT, 0), NumberArg(GRPC_ARG_ENABLE_CHANNELZ, 1),
                     memory};
  grpc_channel_args all{.num_args = std::size(args), .args = args};
  grpc_server* server = grpc_server_create(&all, nullptr);
  grpc_resource_quota_unref(quota);
  return server;
}

std::string TextOf(const grpc_slice& slice) {
  return {reinterpret_cast<const char*>(GRPC_SLICE_START_PTR(slice)), GRPC_SLICE_LENGTH(slice)};
}

// gRPC writes "ipv4:127.0.0.1:80" and "ipv6:%5B::1%5D:80".
Endpoint AddressOf(grpc_call* call) {
  char* text = grpc_call_get_peer(call);
  const std::string peer = text;
  gpr_free(text);
  std::string address;
  size_t start = peer.starts_with("ipv4:") || peer.starts_with("ipv6:") ? 5 : 0;
  for (size_t i = start; i < peer.size(); ++i) {
    if (peer.compare(i, 3, "%5B") == 0 || peer.compare(i, 3, "%5D") == 0) {
      address += peer[i + 2] == 'B' ? '[' : ']';
      i += 2;
    } else {
      address += peer[i];
    }
  }
  return address;
}

Caller CallerOf(grpc_call* call, const grpc_metadata_array& metadata) {
  Caller caller{.address = AddressOf(call), .client_id = {}};
  for (size_t i = 0; i < metadata.count; ++i) {
    if (grpc_slice_str_cmp(metadata.metadata[i].key, kClientIdKey) != 0) continue;
    caller.client_id = TextOf(metadata.metadata[i].value);
  }
  return caller;
}

}  // namespace

// A place for the next call.
struct Server::Arrival {
  Arrival(const void* owner, Callback<void(bool)> arrived) : tag(owner, std::move(arrived)) {
    grpc_call_details_init(&details);
    grpc_metadata_array_init(&metadata);
  }
  ~Arrival() {
    grpc_metadata_array_destroy(&metadata);
    grpc_call_details_destroy(&details);
  }
  Arrival(const Arrival&) = delete;
  Arrival& operator=(const Arrival&) = delete;

  CallTag tag;
  bool is_waiting = false;
  grpc_call* call = nullptr;
  grpc_call_details details;
  grpc_metadata_array metadata;
};

Server::Server(ServerWiring wiring, Methods methods)
    : calls_(std::make_shared<ServerCalls>(std::move(wiring))),
      methods_(std::move(methods)),
      let_go_(std::make_unique<CallTag>(calls_->wiring.owner, [this](bool) {
        shut_down_ = true;
        calls_->wiring.loop.Cancel(grace_over_);
        if (auto done = std::exchange(done_, nullptr)) done();
      })) {
  health_ = AddStandardMethods(&methods_);
}

Server::~Server() {
  if (server_ == nullptr) return;
  CHECK(shut_down_) << "not shut down";
  grpc_server_destroy(server_);
}

Result<std::unique_ptr<Server>> Server::Start(ServerWiring wiring, const Endpoint& at,
                                              Methods methods) {
  for (const auto& [name, method] : methods) {
    CHECK(name.starts_with('/')) << "a method is \"/package.Service/Method\": " << name;
    CHECK(name.find('/', 1) != std::string::npos)
        << "a method is \"/package.Service/Method\": " << name;
  }
  std::unique_ptr<Server> server(new Server(std::move(wiring), std::move(methods)));
  Result<void> listening = server->Listen(at);
  if (!listening) return std::unexpected(listening.error());
  return server;
}

Result<void> Server::Listen(const Endpoint& at) {
  Result<ListenAddress> address = ListenAddress::Parse(at);
  if (!address) return std::unexpected(address.error());
  Result<void> probed = ProbeListen(at, *address);
  if (!probed) return std::unexpected(probed.error());

  grpc_server* server = MakeServer();
  grpc_server_register_completion_queue(server, calls_->wiring.events->queue()->cq(), nullptr);
  grpc_server_credentials* open = grpc_insecure_server_credentials_create();
  const int port = grpc_server_add_http2_port(server, at.c_str(), open);
  grpc_server_credentials_release(open);
  grpc_server_start(server);
  server_ = server;
  if (port == 0) {
    // The probe was free; somebody was quicker.
    Shutdown(Duration(0), [] {});
    calls_->wiring.events->DeliverUntil(calls_->wiring.owner, [this] { return shut_down_; });
    return Fail(Error::Kind::kInUse, "cannot listen on " + at + ": address in use");
  }
  address_ = address->WithPort(port);
  for (int i = 0; i < kArrivals; ++i) {
    arrivals_.push_back(std::make_unique<Arrival>(calls_->wiring.owner, [this, i](bool ok) {
      Arrived(*arrivals_[static_cast<size_t>(i)], ok);
    }));
    Accept(*arrivals_.back());
  }
  return {};
}

void Server::Accept(Arrival& arrival) {
  grpc_completion_queue* queue = calls_->wiring.events->queue()->cq();
  arrival.is_waiting = true;
  CHECK_EQ(grpc_server_request_call(server_, &arrival.call, &arrival.details, &arrival.metadata,
                                    queue, queue, CoreTag(&arrival.tag)),
           GRPC_CALL_OK);
}

// False: the server shuts down.
void Server::Arrived(Arrival& arrival, bool ok) {
  arrival.is_waiting = false;
  if (!ok) return;
  StartCall(arrival);
  grpc_metadata_array_destroy(&arrival.metadata);
  grpc_metadata_array_init(&arrival.metadata);
  grpc_call_details_destroy(&arrival.details);
  grpc_call_details_init(&arrival.details);
  if (!is_shutting_down_) Accept(arrival);
}

void Server::StartCall(Arrival& arrival) {
  grpc_call* call = std::exchange(arrival.call, nullptr);
  Caller caller = CallerOf(call, arrival.metadata);
  auto method = methods_.find(TextOf(arrival.details.method));
  if (method == methods_.end()) {
    RefuseCall(calls_, call, {StatusCode::kUnimplemented, "there is no such method", ""});
  } else if (const auto* unary = std::get_if<UnaryMethod>(&method->second)) {
    StartUnary(*unary, calls_, call, std::move(caller));
  } else {
    StartStream(std::get<StreamMethod>(method->second), calls_, call, std::move(caller));
  }
}

void Server::Shutdown(Duration grace, Callback<void()> done) {
  CHECK(!std::exchange(is_shutting_down_, true)) << "shut down twice";
  done_ = std::move(done);
  health_->End();
  grpc_server_shutdown_and_notify(server_, calls_->wiring.events->queue()->cq(),
                                  CoreTag(let_go_.get()));
  if (grace <= Duration(0)) return grpc_server_cancel_all_calls(server_);
  EventLoop& loop = calls_->wiring.loop;
  grace_over_ = loop.RunAt(SystemClock().Now() + grace, [this] {
    grace_over_ = 0;
    grpc_server_cancel_all_calls(server_);
  });
}

void Server::Drop() {
  CHECK(is_shutting_down_);
  calls_->wiring.loop.Cancel(std::exchange(grace_over_, 0));
  if (!shut_down_) grpc_server_cancel_all_calls(server_);
  done_ = nullptr;
  // Dropping one may release the holder of another.
  auto calls = calls_->under_way;
  for (const auto& call : calls) call->Drop();
}

bool Server::is_over() const {
  if (!shut_down_ || !calls_->under_way.empty()) return false;
  return std::ranges::none_of(arrivals_, [](const auto& each) { return each->is_waiting; });
}

}  // namespace weir::host
