// SPDX-License-Identifier: Apache-2.0
#include "common/host/posix/client.h"

#include <arpa/inet.h>
#include <glog/logging.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>

#include <utility>
#include <vector>

#include "common/host/posix/call_queue.h"
#include "common/host/posix/grpc_message.h"
#include "common/host/posix/message_stream.h"
#include "common/host/posix/system_clock.h"

namespace weir::host {

namespace {

constexpr int kBackoffFirstMs = 20;
constexpr int kBackoffMostMs = 250;
// gRPC's name for this is "minimum reconnect back-off"; it is how long a connect may take.
constexpr int kConnectTimeoutMs = 1000;
// A call that finds its channel in back-off connects anew, at most this often.
constexpr Duration kFreshChannelEvery = std::chrono::milliseconds(20);
constexpr Duration kForgetChannelAfter = std::chrono::minutes(10);
constexpr size_t kChannelsKept = 64;

// A numeric address needs no resolver, and no pause between two resolutions.
std::string TargetOf(const Endpoint& to) {
  size_t colon = to.rfind(':');
  std::string host = to.substr(0, colon);
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return "ipv4:" + to;
  if (host.starts_with('[')) return "ipv6:" + to;
  return "dns:///" + to;
}

std::shared_ptr<grpc::Channel> Connect(const Endpoint& to) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kBackoffFirstMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kBackoffMostMs);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectTimeoutMs);
  arguments.SetInt(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, kConnectTimeoutMs);
  arguments.SetInt(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, kMessageBytesMax);
  arguments.SetInt(GRPC_ARG_MAX_SEND_MESSAGE_LENGTH, kMessageBytesMax);
  // Whoever calls decides what is tried again.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  // A fresh channel must not inherit the back-off of the one it replaces.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(TargetOf(to), grpc::InsecureChannelCredentials(), arguments);
}

gpr_timespec DeadlineIn(Duration timeout) {
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                      gpr_time_from_nanos(timeout.count(), GPR_TIMESPAN));
}

}  // namespace

struct Client::CachedChannel {
  std::shared_ptr<grpc::Channel> channel;
  Instant connected;
  Instant used;
};

// Owns itself from its start until its answer was delivered.
class UnaryCall {
 public:
  UnaryCall(Client& client, Callback<void(CallStatus, Bytes)> done)
      : client_(client), done_(std::move(done)), tag_(client.owner_, [this](bool) { Arrived(); }) {
    client_.calls_.insert(this);
  }

  void Start(std::shared_ptr<grpc::ChannelInterface> channel, const std::string& method,
             const Pieces& request, Duration timeout) {
    context_.set_deadline(DeadlineIn(timeout));
    if (!client_.client_id_.empty()) context_.AddMetadata(kClientIdKey, client_.client_id_);
    grpc::GenericStub stub(std::move(channel));
    reader_ = stub.PrepareUnaryCall(&context_, method, ToByteBuffer(request), client_.queue());
    reader_->StartCall();
    reader_->Finish(&response_, &status_, &tag_);
  }

  void Drop() {
    auto dropped = std::move(done_);
    context_.TryCancel();
  }

 private:
  void Arrived() {
    client_.calls_.erase(this);
    auto self = std::unique_ptr<UnaryCall>(this);
    if (done_) done_(FromGrpcStatus(status_), FromByteBuffer(response_));
  }

  Client& client_;
  Callback<void(CallStatus, Bytes)> done_;
  CallTag tag_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientAsyncResponseReader<grpc::ByteBuffer>> reader_;
  grpc::ByteBuffer response_;
  grpc::Status status_;
};

// Kept by the client until gRPC has handed every operation back.
class ClientStream : public MessageStream {
 public:
  explicit ClientStream(Client& client)
      : MessageStream(client.mailbox_),
        client_(client),
        started_(client.owner_, [this](bool ok) { Done([&] { BeginWriting(ok); }); }),
        greeted_(client.owner_, [this](bool) { Done([] {}); }),
        read_(client.owner_, [this](bool ok) { Done([&] { Read(ok); }); }),
        written_(client.owner_, [this](bool ok) { Done([&] { WriteDone(ok); }); }),
        half_closed_(client.owner_, [this](bool) { Done([] {}); }),
        finished_(client.owner_,
                  [this](bool) { Done([&] { CallEnded(FromGrpcStatus(status_)); }); }) {}

  void Start(std::shared_ptr<grpc::ChannelInterface> channel, const std::string& method,
             std::shared_ptr<StreamEvents> events) {
    client_.streams_.insert(Self());
    if (!client_.client_id_.empty()) context_.AddMetadata(kClientIdKey, client_.client_id_);
    grpc::GenericStub stub(std::move(channel));
    call_ = stub.PrepareCall(&context_, method, client_.queue());
    under_way_ = 3;
    call_->StartCall(&started_);
    call_->ReadInitialMetadata(&greeted_);
    call_->Finish(&status_, &finished_);
    Begin(std::move(events));
  }

 protected:
  bool StartRead() override {
    ++under_way_;
    call_->Read(&message_, &read_);
    return true;
  }

  void StartWrite(const Pieces& message, Followed followed) override {
    ++under_way_;
    grpc::WriteOptions options;
    if (followed == Followed::kYes) options.set_buffer_hint();
    call_->Write(ToByteBuffer(message), options, &written_);
  }

  void StartFinish(const CallStatus&) override {
    if (cancelled()) return;
    ++under_way_;
    call_->WritesDone(&half_closed_);
  }

  void CancelCall() override { context_.TryCancel(); }
  bool FinishCancels(const CallStatus& status) const override { return !status.ok(); }
  bool NeedsHolder() const override { return true; }
  void OnReadsOver() override {}

 private:
  std::shared_ptr<ClientStream> Self() {
    return std::static_pointer_cast<ClientStream>(shared_from_this());
  }

  // The client's set keeps this alive until the last one was delivered.
  template <class What>
  void Done(What what) {
    auto self = Self();
    what();
    if (--under_way_ == 0) client_.streams_.erase(self);
  }

  void Read(bool ok) {
    std::optional<Bytes> message;
    if (ok) message = FromByteBuffer(message_);
    message_.Clear();
    ReadDone(std::move(message));
  }

  Client& client_;
  int under_way_ = 0;
  CallTag started_, greeted_, read_, written_, half_closed_, finished_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
  grpc::ByteBuffer message_;
  grpc::Status status_;
};

Client::Client(const void* owner, std::shared_ptr<CallQueue> events,
               std::shared_ptr<Mailbox> mailbox, std::string client_id)
    : owner_(owner),
      events_(std::move(events)),
      mailbox_(std::move(mailbox)),
      client_id_(std::move(client_id)) {}

Client::~Client() { CHECK(streams_.empty() && calls_.empty()) << "not ended"; }

grpc::CompletionQueue* Client::queue() { return events_->queue(); }

void Client::Call(const Endpoint& to, const std::string& method, Pieces request, Duration timeout,
                  Callback<void(CallStatus, Bytes)> done) {
  auto channel = ChannelTo(to);
  auto call = std::make_unique<UnaryCall>(*this, std::move(done));
  call.release()->Start(std::move(channel), method, request, timeout);
}

std::shared_ptr<Stream> Client::Open(const Endpoint& to, const std::string& method,
                                     std::shared_ptr<StreamEvents> events) {
  auto channel = ChannelTo(to);
  auto stream = std::make_shared<ClientStream>(*this);
  auto handle = stream->MakeHandle();
  stream->Start(std::move(channel), method, std::move(events));
  return handle;
}

std::shared_ptr<grpc::ChannelInterface> Client::ChannelTo(const Endpoint& to) {
  Instant now = SystemClock().Now();
  ForgetIdleChannels(now);
  CachedChannel& cached = channels_[to];
  // A channel in back-off refuses calls although the peer may be back: ask the peer, not the past.
  bool fresh =
      !cached.channel || (now - cached.connected > kFreshChannelEvery &&
                          cached.channel->GetState(false) == GRPC_CHANNEL_TRANSIENT_FAILURE);
  if (fresh) {
    cached.channel = Connect(to);
    cached.connected = now;
  }
  cached.used = now;
  return cached.channel;
}

void Client::ForgetIdleChannels(Instant now) {
  if (channels_.size() <= kChannelsKept) return;
  std::erase_if(channels_,
                [now](const auto& entry) { return now - entry.second.used > kForgetChannelAfter; });
}

void Client::End() {
  // Dropping may release a holder that drops another stream.
  auto streams = streams_;
  for (const auto& stream : streams) stream->Drop();
  auto calls = calls_;
  for (UnaryCall* call : calls) call->Drop();
  streams.clear();
  events_->DeliverUntil(owner_, [this] { return streams_.empty() && calls_.empty(); });
  channels_.clear();
}

}  // namespace weir::host
