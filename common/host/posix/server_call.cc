// SPDX-License-Identifier: Apache-2.0
#include "common/host/posix/server_call.h"

#include <glog/logging.h>
#include <grpc/byte_buffer.h>
#include <grpc/grpc.h>
#include <grpc/slice.h>
#include <grpcpp/support/byte_buffer.h>

#include <array>
#include <optional>
#include <utility>

#include "common/host/posix/call_queue.h"
#include "common/host/posix/grpc_message.h"
#include "common/host/posix/message_stream.h"

namespace weir::host {

namespace {

const CallStatus kGoing{StatusCode::kUnavailable, "the process is going", {}};
const CallStatus kUnanswered{StatusCode::kUnavailable, "the call was dropped unanswered", {}};
// Where gRPC's libraries look for a status's details.
constexpr char kDetailsKey[] = "grpc-status-details-bin";

grpc_slice SliceOf(const std::string& text) {
  return grpc_slice_from_copied_buffer(text.data(), text.size());
}

// The operations of one call. Whoever holds it counts those that are under way.
class CoreCall {
 public:
  explicit CoreCall(grpc_call* call) : call_(call) {}
  ~CoreCall() {
    if (incoming_ != nullptr) grpc_byte_buffer_destroy(incoming_);
    if (outgoing_ != nullptr) grpc_byte_buffer_destroy(outgoing_);
    grpc_call_unref(call_);
  }
  CoreCall(const CoreCall&) = delete;
  CoreCall& operator=(const CoreCall&) = delete;

  // Done when the call is over; then was_cancelled says whether the client, or the way to it,
  // broke.
  void AwaitClose(CallTag* tag) {
    ops_[0] = Op(GRPC_OP_RECV_CLOSE_ON_SERVER);
    ops_[0].data.recv_close_on_server.cancelled = &cancelled_;
    Start(1, tag);
  }
  bool was_cancelled() const { return cancelled_ != 0; }

  void Read(CallTag* tag) {
    ops_[0] = Op(GRPC_OP_RECV_MESSAGE);
    ops_[0].data.recv_message.recv_message = &incoming_;
    Start(1, tag);
  }
  // What Read has read; nothing after the last.
  std::optional<Bytes> TakeMessage() {
    if (incoming_ == nullptr) return std::nullopt;
    return FromCoreBuffer(std::exchange(incoming_, nullptr));
  }

  void Write(const Pieces& message, uint32_t flags, CallTag* tag) {
    size_t count = Greet();
    Put(message, &ops_[count]);
    ops_[count++].flags = flags;
    Start(count, tag);
  }
  void WriteDone() { grpc_byte_buffer_destroy(std::exchange(outgoing_, nullptr)); }

  void Finish(const CallStatus& status, const Pieces* message, CallTag* tag) {
    size_t count = Greet();
    if (message != nullptr) Put(*message, &ops_[count++]);
    grpc_slice words = SliceOf(status.message);
    grpc_metadata details{};
    ops_[count] = Op(GRPC_OP_SEND_STATUS_FROM_SERVER);
    auto& sent = ops_[count++].data.send_status_from_server;
    sent.status = static_cast<grpc_status_code>(status.code);
    if (!status.message.empty()) sent.status_details = &words;
    if (!status.details.empty()) {
      details.key = grpc_slice_from_static_string(kDetailsKey);
      details.value = SliceOf(status.details);
      sent.trailing_metadata_count = 1;
      sent.trailing_metadata = &details;
    }
    Start(count, tag);
    grpc_slice_unref(words);
    if (!status.details.empty()) grpc_slice_unref(details.value);
  }

  void Cancel() { grpc_call_cancel(call_, nullptr); }

 private:
  static grpc_op Op(grpc_op_type type) {
    grpc_op op{};
    op.op = type;
    return op;
  }
  // The first that is sent goes behind the headers.
  size_t Greet() {
    if (std::exchange(has_greeted_, true)) return 0;
    ops_[0] = Op(GRPC_OP_SEND_INITIAL_METADATA);
    return 1;
  }
  void Put(const Pieces& message, grpc_op* op) {
    CHECK(outgoing_ == nullptr);
    outgoing_ = ToCoreBuffer(message);
    *op = Op(GRPC_OP_SEND_MESSAGE);
    op->data.send_message.send_message = outgoing_;
  }
  void Start(size_t count, CallTag* tag) {
    CHECK_EQ(grpc_call_start_batch(call_, ops_.data(), count, CoreTag(tag), nullptr), GRPC_CALL_OK);
  }

  grpc_call* const call_;
  std::array<grpc_op, 3> ops_;
  bool has_greeted_ = false;
  int cancelled_ = 0;
  grpc_byte_buffer* incoming_ = nullptr;
  grpc_byte_buffer* outgoing_ = nullptr;
};

// A unary call, or one that is refused: also held by whoever is to answer it.
class UnaryServerCall : public ServerCall, public std::enable_shared_from_this<UnaryServerCall> {
 public:
  UnaryServerCall(std::shared_ptr<ServerCalls> calls, grpc_call* call, Caller caller)
      : calls_(std::move(calls)),
        call_(call),
        caller_(std::move(caller)),
        closed_(calls_->wiring.owner, [this](bool) { Done([] {}); }),
        read_(calls_->wiring.owner, [this](bool) { Done([this] { Read(); }); }),
        finished_(calls_->wiring.owner, [this](bool) { Done([] {}); }) {}

  void Start(const UnaryMethod* method) {
    method_ = method;
    calls_->under_way.insert(shared_from_this());
    under_way_ = 1;
    call_.AwaitClose(&closed_);
    if (method == nullptr) return;
    ++under_way_;
    call_.Read(&read_);
  }

  void Give(const CallStatus& status, const Pieces& message) {
    if (std::exchange(is_answered_, true)) return;
    ++under_way_;
    call_.Finish(status, status.ok() ? &message : nullptr, &finished_);
  }
  void Drop() override {
    is_dropped_ = true;
    Give(kGoing, {});
  }

 private:
  // Answers where nobody else has.
  struct Pending {
    explicit Pending(std::shared_ptr<UnaryServerCall> c) : call(std::move(c)) {}
    ~Pending() { call->Give(kUnanswered, {}); }
    Pending(const Pending&) = delete;
    Pending& operator=(const Pending&) = delete;
    const std::shared_ptr<UnaryServerCall> call;
  };

  void Read() {
    auto message = call_.TakeMessage();
    if (is_dropped_ || is_answered_) return;
    if (!message) return Give({StatusCode::kInternal, "the call brought no request", ""}, {});
    auto pending = std::make_shared<Pending>(shared_from_this());
    (*method_)(caller_, std::move(*message),
               [pending](CallStatus status, Pieces reply) { pending->call->Give(status, reply); });
  }

  template <class What>
  void Done(What what) {
    auto self = shared_from_this();
    what();
    // One that the client has given up is answered all the same, by and by.
    if (--under_way_ == 0 && is_answered_) calls_->under_way.erase(self);
  }

  const std::shared_ptr<ServerCalls> calls_;
  CoreCall call_;
  const Caller caller_;
  const UnaryMethod* method_ = nullptr;
  CallTag closed_, read_, finished_;
  int under_way_ = 0;
  bool is_answered_ = false;
  bool is_dropped_ = false;
};

class ServerStream : public MessageStream, public ServerCall {
 public:
  ServerStream(std::shared_ptr<ServerCalls> calls, grpc_call* call)
      : MessageStream(calls->wiring.mailbox),
        calls_(std::move(calls)),
        call_(call),
        closed_(calls_->wiring.owner, [this](bool) { Done([this] { Closed(); }); }),
        read_(calls_->wiring.owner, [this](bool) { Done([this] { Read(); }); }),
        written_(calls_->wiring.owner,
                 [this](bool ok) {
                   Done([this, ok] {
                     call_.WriteDone();
                     WriteDone(ok);
                   });
                 }),
        ended_(calls_->wiring.owner, [this](bool) { Done([] {}); }) {}

  void Start(const StreamMethod& method, const Caller& caller) {
    calls_->under_way.insert(Self());
    ++under_way_;
    call_.AwaitClose(&closed_);
    // Messages that are sent in the method wait until it has said who listens.
    auto events = method(caller, MakeHandle());
    CHECK(events) << "a stream that nobody hears";
    Begin(std::move(events));
    BeginWriting(true);
  }

  void Drop() override { MessageStream::Drop(); }

 protected:
  bool StartRead() override {
    // A stream that was finished while a message was handled reads no more.
    if (is_finishing_) return false;
    ++under_way_;
    call_.Read(&read_);
    return true;
  }

  void StartWrite(const Pieces& message, Followed followed) override {
    ++under_way_;
    call_.Write(message, followed == Followed::kYes ? GRPC_WRITE_BUFFER_HINT : 0, &written_);
  }

  void StartFinish(const CallStatus& status) override {
    is_finishing_ = true;
    finished_ = status;
    ++under_way_;
    call_.Finish(status, nullptr, &ended_);
  }

  void CancelCall() override { call_.Cancel(); }
  bool FinishCancels(const CallStatus&) const override { return false; }
  bool NeedsHolder() const override { return false; }
  void OnReadsOver() override {
    if (!call_.was_cancelled()) TellPeerFinished();
  }

 private:
  std::shared_ptr<ServerStream> Self() {
    return std::static_pointer_cast<ServerStream>(shared_from_this());
  }

  void Closed() {
    if (call_.was_cancelled()) PeerCancelled();
  }
  void Read() { ReadDone(call_.TakeMessage()); }

  template <class What>
  void Done(What what) {
    auto self = Self();
    what();
    if (--under_way_ > 0 || !is_finishing_) return;
    calls_->under_way.erase(self);
    CallEnded(finished_);
  }

  const std::shared_ptr<ServerCalls> calls_;
  CoreCall call_;
  CallTag closed_, read_, written_, ended_;
  int under_way_ = 0;
  bool is_finishing_ = false;
  CallStatus finished_;
};

}  // namespace

void StartUnary(const UnaryMethod& method, std::shared_ptr<ServerCalls> calls, grpc_call* call,
                Caller caller) {
  std::make_shared<UnaryServerCall>(std::move(calls), call, std::move(caller))->Start(&method);
}

void StartStream(const StreamMethod& method, std::shared_ptr<ServerCalls> calls, grpc_call* call,
                 Caller caller) {
  std::make_shared<ServerStream>(std::move(calls), call)->Start(method, caller);
}

void RefuseCall(std::shared_ptr<ServerCalls> calls, grpc_call* call, CallStatus status) {
  auto refused = std::make_shared<UnaryServerCall>(std::move(calls), call, Caller());
  refused->Start(nullptr);
  refused->Give(status, {});
}

}  // namespace weir::host
