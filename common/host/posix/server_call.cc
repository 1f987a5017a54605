// SPDX-License-Identifier: Apache-2.0
#include "common/host/posix/server_call.h"

#include <glog/logging.h>
#include <grpcpp/impl/codegen/server_callback_handlers.h>
#include <grpcpp/impl/rpc_service_method.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <utility>

#include "common/host/posix/grpc_message.h"
#include "common/host/posix/message_stream.h"

namespace weir::host {

namespace {

const CallStatus kGoing{StatusCode::kUnavailable, "the process is going", {}};
const CallStatus kUnanswered{StatusCode::kUnavailable, "the call was dropped unanswered", {}};

// gRPC writes "ipv4:127.0.0.1:80" and "ipv6:%5B::1%5D:80".
Endpoint AddressOf(const std::string& peer) {
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

Caller CallerOf(const grpc::CallbackServerContext& context) {
  Caller caller{.address = AddressOf(context.peer()), .client_id = {}};
  auto named = context.client_metadata().find(kClientIdKey);
  if (named != context.client_metadata().end()) {
    caller.client_id.assign(named->second.data(), named->second.size());
  }
  return caller;
}

// Owns itself from the handler until gRPC's OnDone; the strand uses it until its Finish.
class UnaryReactor : public grpc::ServerUnaryReactor {
 public:
  void OnDone() override { delete this; }
  // Done on whatever thread is at it, and not handed to one of gRPC's executor twice a call.
  bool InternalInlineable() override { return true; }
};

// One unary call; held by the reply, and by what is under way.
class UnaryAnswer : public ServerCall {
 public:
  UnaryAnswer(std::shared_ptr<ServerCalls> calls, UnaryReactor* reactor,
              grpc::ByteBuffer* response)
      : calls_(std::move(calls)), reactor_(reactor), response_(response) {}
  ~UnaryAnswer() override { Give(kUnanswered, {}); }
  UnaryAnswer(const UnaryAnswer&) = delete;
  UnaryAnswer& operator=(const UnaryAnswer&) = delete;

  void Begin() { calls_->under_way.insert(this); }
  void Drop() override { Give(kGoing, {}); }

  void Give(const CallStatus& status, const Pieces& message) {
    UnaryReactor* reactor = std::exchange(reactor_, nullptr);
    if (reactor == nullptr) return;
    calls_->under_way.erase(this);
    if (status.ok()) *response_ = ToByteBuffer(message);
    reactor->Finish(ToGrpcStatus(status));
  }

 private:
  std::shared_ptr<ServerCalls> calls_;
  UnaryReactor* reactor_;
  grpc::ByteBuffer* response_;
};

grpc::ServerUnaryReactor* StartUnary(const UnaryMethod& method, std::shared_ptr<ServerCalls> calls,
                                     grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request, grpc::ByteBuffer* response) {
  auto* reactor = new UnaryReactor;
  auto answer = std::make_shared<UnaryAnswer>(calls, reactor, response);
  // The request is taken here: it does not outlive an early answer.
  calls->mailbox->Push([&method, calls, answer = std::move(answer), caller = CallerOf(*context),
                        message = FromByteBuffer(*request)]() mutable {
    if (calls->dropped) return;
    answer->Begin();
    method(caller, std::move(message),
           [answer = std::move(answer)](CallStatus status, Pieces reply) {
             answer->Give(status, reply);
           });
  });
  return reactor;
}

class ServerStream;

class StreamReactor : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  StreamReactor(std::shared_ptr<ServerCalls> calls, grpc::CallbackServerContext* context);

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  grpc::ByteBuffer& incoming() { return incoming_; }
  grpc::ByteBuffer& outgoing() { return outgoing_; }
  grpc::CallbackServerContext& context() { return *context_; }
  const std::shared_ptr<ServerStream>& stream() const { return stream_; }

 private:
  const std::shared_ptr<Mailbox> mailbox_;
  grpc::CallbackServerContext* const context_;
  std::shared_ptr<ServerStream> stream_;
  grpc::ByteBuffer incoming_;
  grpc::ByteBuffer outgoing_;
};

class ServerStream : public MessageStream, public ServerCall {
 public:
  ServerStream(std::shared_ptr<ServerCalls> calls, StreamReactor* reactor)
      : MessageStream(calls->mailbox), calls_(std::move(calls)), reactor_(reactor) {}

  void Start(const StreamMethod& method, const Caller& caller) {
    calls_->under_way.insert(this);
    // Messages that are sent in the method wait until it has said who listens.
    auto events = method(caller, MakeHandle());
    CHECK(events) << "a stream that nobody hears";
    Begin(std::move(events));
    begun_writing_ = true;
    BeginWriting(true);
  }

  void Drop() override {
    MessageStream::Drop();
    // One that never began has its finish waiting for that.
    if (!begun_writing_) BeginWriting(true);
  }

  void Read(std::optional<Bytes> message, bool broken) {
    broken_ = broken_ || broken;
    ReadDone(std::move(message));
  }
  void Written(bool ok) { WriteDone(ok); }
  void Broken() {
    broken_ = true;
    PeerCancelled();
  }
  void Done() {
    calls_->under_way.erase(this);
    CallEnded(finished_);
  }

 protected:
  bool StartRead() override {
    // A stream that was finished while a message was handled reads no more.
    if (reactor_ == nullptr) return false;
    reactor_->StartRead(&reactor_->incoming());
    return true;
  }

  void StartWrite(const Pieces& message, Followed followed) override {
    grpc::WriteOptions options;
    if (followed == Followed::kYes) options.set_buffer_hint();
    reactor_->outgoing() = ToByteBuffer(message);
    reactor_->StartWrite(&reactor_->outgoing(), options);
  }

  void StartFinish(const CallStatus& status) override {
    finished_ = status;
    std::exchange(reactor_, nullptr)->Finish(ToGrpcStatus(status));
  }

  void CancelCall() override {
    if (reactor_ != nullptr) reactor_->context().TryCancel();
  }
  bool FinishCancels(const CallStatus&) const override { return false; }
  bool NeedsHolder() const override { return false; }
  void OnReadsOver() override {
    if (!broken_) TellPeerFinished();
  }

 private:
  const std::shared_ptr<ServerCalls> calls_;
  // gRPC's half of the call, until the finish was handed to it.
  StreamReactor* reactor_;
  bool broken_ = false;
  bool begun_writing_ = false;
  CallStatus finished_;
};

StreamReactor::StreamReactor(std::shared_ptr<ServerCalls> calls,
                             grpc::CallbackServerContext* context)
    : mailbox_(calls->mailbox),
      context_(context),
      stream_(std::make_shared<ServerStream>(std::move(calls), this)) {}

void StreamReactor::OnReadDone(bool ok) {
  std::optional<Bytes> message;
  if (ok) message = FromByteBuffer(incoming_);
  incoming_.Clear();
  bool broken = !ok && context_->IsCancelled();
  mailbox_->Push([stream = stream_, message = std::move(message), broken]() mutable {
    stream->Read(std::move(message), broken);
  });
}

void StreamReactor::OnWriteDone(bool ok) {
  outgoing_.Clear();
  mailbox_->Push([stream = stream_, ok] { stream->Written(ok); });
}

void StreamReactor::OnCancel() {
  mailbox_->Push([stream = stream_] { stream->Broken(); });
}

void StreamReactor::OnDone() {
  mailbox_->Push([stream = stream_] { stream->Done(); });
  delete this;
}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* StartStream(
    const StreamMethod& method, std::shared_ptr<ServerCalls> calls,
    grpc::CallbackServerContext* context) {
  auto* reactor = new StreamReactor(calls, context);
  calls->mailbox->Push(
      [&method, calls, stream = reactor->stream(), caller = CallerOf(*context)] {
        if (calls->dropped) return stream->Drop();
        stream->Start(method, caller);
      });
  return reactor;
}

// What generated code does for raw callbacks, out of names that are known at run time.
class NamedService : public grpc::Service {
 public:
  NamedService(const std::string& name, std::shared_ptr<const Methods> methods,
               std::shared_ptr<ServerCalls> calls)
      : methods_(std::move(methods)) {
    std::string prefix = "/" + name + "/";
    int index = 0;
    for (const auto& [full_name, method] : *methods_) {
      if (!full_name.starts_with(prefix)) continue;
      // The name is the map's key: it lives as long as this.
      if (const auto* unary = std::get_if<UnaryMethod>(&method)) {
        Add(full_name, grpc::internal::RpcMethod::NORMAL_RPC, index++, Handle(*unary, calls));
      } else {
        const auto& stream = std::get<StreamMethod>(method);
        Add(full_name, grpc::internal::RpcMethod::BIDI_STREAMING, index++, Handle(stream, calls));
      }
    }
  }

 private:
  using Message = grpc::ByteBuffer;

  void Add(const std::string& full_name, grpc::internal::RpcMethod::RpcType type, int index,
           grpc::internal::MethodHandler* handler) {
    AddMethod(new grpc::internal::RpcServiceMethod(full_name.c_str(), type, nullptr));
    MarkMethodRawCallback(index, handler);
  }

  static grpc::internal::MethodHandler* Handle(const UnaryMethod& method,
                                               std::shared_ptr<ServerCalls> calls) {
    return new grpc::internal::CallbackUnaryHandler<Message, Message>(
        [&method, calls](grpc::CallbackServerContext* context, const Message* request,
                         Message* response) {
          return StartUnary(method, calls, context, request, response);
        });
  }

  // Server streaming is the same on the wire: a client that half-closes after one message.
  static grpc::internal::MethodHandler* Handle(const StreamMethod& method,
                                               std::shared_ptr<ServerCalls> calls) {
    return new grpc::internal::CallbackBidiHandler<Message, Message>(
        [&method, calls](grpc::CallbackServerContext* context) {
          return StartStream(method, calls, context);
        });
  }

  const std::shared_ptr<const Methods> methods_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeService(const std::string& name,
                                           std::shared_ptr<const Methods> methods,
                                           std::shared_ptr<ServerCalls> calls) {
  return std::make_unique<NamedService>(name, std::move(methods), std::move(calls));
}

}  // namespace weir::host
