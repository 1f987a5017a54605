// SPDX-License-Identifier: Apache-2.0
// What other voters send to this one.
#include <glog/logging.h>

#include <algorithm>
#include <utility>

#include "controller/quorum/quorum.h"

namespace weir::quorum {
namespace {

constexpr size_t kMessageBytesMax = size_t{1} << 20;

host::CallStatus Refused(host::StatusCode code, std::string why) {
  return {.code = code, .message = std::move(why), .details = {}};
}

}  // namespace

// One stream that a peer has opened. The network holds it; the voter may be gone before.
class Quorum::Incoming final : public host::StreamEvents {
 public:
  Incoming(std::weak_ptr<Quorum*> quorum, std::shared_ptr<host::Stream> stream, uint64_t number)
      : quorum_(std::move(quorum)), stream_(std::move(stream)), number_(number) {}

  void OnMessage(Bytes bytes) override {
    auto quorum = quorum_.lock();
    if (!quorum || !stream_ || refused_) return;
    auto message = Decode(bytes);
    if (!message) {
      Refuse(Refused(host::StatusCode::kInvalidArgument, message.error().message));
      return;
    }
    if (auto refusal = (*quorum)->Judge(*message)) {
      Refuse(std::move(*refusal));
      return;
    }
    if (!from_) {
      from_ = message->message.from;
      (*quorum)->peers_.at(*from_)->incoming = number_;
    }
    (*quorum)->Take(std::move(*message));
  }

  void OnPeerFinished() override {
    if (stream_) stream_->Finish(host::CallStatus::Ok());
  }

  void OnEnd(host::CallStatus) override {
    stream_.reset();
    auto quorum = quorum_.lock();
    if (!quorum || !from_) return;
    // A newer stream of the same peer has taken this one's place.
    auto peer = (*quorum)->peers_.find(*from_);
    if (peer == (*quorum)->peers_.end() || peer->second->incoming != number_) return;
    (*quorum)->OnPeerLost(*from_, /*incoming=*/true);
  }

 private:
  void Refuse(host::CallStatus status) {
    refused_ = true;
    stream_->Finish(std::move(status));
  }

  std::weak_ptr<Quorum*> quorum_;
  std::shared_ptr<host::Stream> stream_;
  const uint64_t number_;
  std::optional<raft::VoterId> from_;
  bool refused_ = false;
};

std::shared_ptr<host::StreamEvents> Quorum::Accept(std::shared_ptr<host::Stream> stream) {
  return std::make_shared<Incoming>(address_, std::move(stream), ++incoming_streams_);
}

std::optional<host::CallStatus> Quorum::Judge(const WireMessage& message) const {
  using host::StatusCode;
  if (message.cluster != config_.cluster) {
    return Refused(StatusCode::kFailedPrecondition,
                   "this controller belongs to cluster " + config_.cluster.ToString() +
                       ", the message to cluster " + message.cluster.ToString());
  }
  const raft::VoterId& to = message.message.to;
  if (to != config_.self) {
    return Refused(StatusCode::kFailedPrecondition,
                   "this is controller " + std::to_string(config_.self.controller.value()) +
                       " with directory " + config_.self.directory.ToString() +
                       ", the message is for controller " + std::to_string(to.controller.value()) +
                       " with directory " + to.directory.ToString());
  }
  const raft::VoterId& from = message.message.from;
  if (!peers_.contains(from)) {
    return Refused(StatusCode::kFailedPrecondition,
                   "controller " + std::to_string(from.controller.value()) + " with directory " +
                       from.directory.ToString() + " is not a voter of this cluster");
  }
  return std::nullopt;
}

void Quorum::Take(WireMessage message) {
  if (stopped_) return;
  raft_->Step(message.message, Now());
  CarryOut(std::move(message.entries));
}

void Quorum::OnPeerLost(const raft::VoterId& peer, bool incoming) {
  if (stopped_) return;
  // Only the stream from a leader says that it may be dead: ours to it may fail for our own sake.
  if (!incoming && !is_leader()) return;
  raft_->PeerLost(peer, Now());
  CarryOut({});
}

void Quorum::ReadForPeer(LogIndex from, LogIndex to,
                         Callback<void(Result<std::vector<LogEntry>>)> done) {
  // Only what is saved can be read; the rest is in memory.
  log_.ReadEntries(from, std::min(to, raft_->saved()), kMessageBytesMax, std::move(done));
}

std::optional<std::vector<LogEntry>> Quorum::FindForPeer(LogIndex from, LogIndex to) {
  return cache_.Read(from, to, kMessageBytesMax);
}

host::Methods PeerService::Methods() {
  host::Methods methods;
  methods["/weir.raft.v1.Peers/Exchange"] = host::StreamMethod(
      [this](const host::Caller&,
             std::shared_ptr<host::Stream> stream) -> std::shared_ptr<host::StreamEvents> {
        if (quorum_ != nullptr) return quorum_->Accept(std::move(stream));
        // Hears what nobody wants to hear, until the end.
        struct Deaf final : host::StreamEvents {
          void OnMessage(Bytes) override {}
          void OnEnd(host::CallStatus) override {}
        };
        stream->Finish(Refused(host::StatusCode::kUnavailable,
                               "this controller has no cluster yet, or is stopping"));
        return std::make_shared<Deaf>();
      });
  return methods;
}

}  // namespace weir::quorum
