// SPDX-License-Identifier: Apache-2.0
// What other voters send to this one.
#include <glog/logging.h>

#include <algorithm>
#include <utility>

#include "controller/quorum/incoming.h"

namespace weir::quorum {
namespace {

constexpr size_t kMessageBytesMax = size_t{1} << 20;

host::CallStatus Refused(host::StatusCode code, std::string why) {
  return {.code = code, .message = std::move(why), .details = {}};
}

// Who asks need not be known as a member: it may be one by an entry that has not come here yet.
bool IsRequest(const raft::Message& message) {
  return std::holds_alternative<raft::VoteRequest>(message.body) ||
         std::holds_alternative<raft::AppendRequest>(message.body) ||
         std::holds_alternative<raft::SnapshotOffer>(message.body);
}

}  // namespace

void Quorum::Incoming::OnMessage(Bytes bytes) {
  auto quorum = quorum_.lock();
  if (!quorum || !stream_ || refused_) return;
  auto message = Decode(bytes);
  if (!message) return Refuse(Refused(host::StatusCode::kInvalidArgument, message.error().message));
  if (auto refusal = (*quorum)->Judge(*message)) return Refuse(std::move(*refusal));
  if (!from_) {
    from_ = message->message.from;
    // A newer stream of the same peer takes an older one's place.
    (*quorum)->incoming_[*from_] = this;
  } else if (message->message.from != *from_) {
    return Refuse(Refused(host::StatusCode::kInvalidArgument, "one stream speaks for one voter"));
  }
  (*quorum)->Take(std::move(*message));
}

void Quorum::Incoming::OnPeerFinished() {
  if (stream_) stream_->Finish(host::CallStatus::Ok());
}

void Quorum::Incoming::OnEnd(host::CallStatus) {
  stream_.reset();
  auto quorum = quorum_.lock();
  if (!quorum || !from_) return;
  auto newest = (*quorum)->incoming_.find(*from_);
  if (newest == (*quorum)->incoming_.end() || newest->second != this) return;
  (*quorum)->incoming_.erase(newest);
  (*quorum)->OnPeerLost(*from_, /*incoming=*/true);
}

void Quorum::Incoming::Answer(Pieces message) {
  if (stream_ && !refused_) stream_->Send(std::move(message));
}

void Quorum::Incoming::Refuse(host::CallStatus status) {
  refused_ = true;
  stream_->Finish(std::move(status));
}

std::shared_ptr<host::StreamEvents> Quorum::Accept(std::shared_ptr<host::Stream> stream) {
  return std::make_shared<Incoming>(address_, std::move(stream));
}

std::optional<host::CallStatus> Quorum::Judge(const WireMessage& message) const {
  using host::StatusCode;
  if (stopped_) {
    return Refused(StatusCode::kUnavailable, "this controller has left the quorum: its log failed");
  }
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
  if (!peers_.contains(from) && !IsRequest(message.message)) {
    return Refused(StatusCode::kFailedPrecondition,
                   "controller " + std::to_string(from.controller.value()) + " with directory " +
                       from.directory.ToString() + " is not a member of this quorum");
  }
  return std::nullopt;
}

void Quorum::Take(WireMessage message) {
  if (stopped_) return;
  Learn(message.voters);
  const raft::VoterId& from = message.message.from;
  if (!message.endpoint.empty()) stranger_ = Voter{from, message.endpoint};
  ProposeGathered();
  raft_->Step(message.message, Now());
  CarryOut(std::move(message.entries));
  TellCaughtUp();
}

void Quorum::OnAnswer(const Bytes& bytes) {
  auto message = Decode(bytes);
  if (message && !Judge(*message)) Take(std::move(*message));
}

void Quorum::OnPeerLost(const raft::VoterId& peer, bool incoming) {
  if (stopped_) return;
  // Only the stream from a leader says that it may be dead: ours to it may fail for our own sake.
  if (!incoming && !is_leader()) return;
  ProposeGathered();
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

// A stream to a controller that has no cluster: it waits to be spoken to by name.
class PeerService::Uninvited final : public host::StreamEvents {
 public:
  Uninvited(std::weak_ptr<PeerService*> service, std::shared_ptr<host::Stream> stream)
      : service_(std::move(service)), stream_(std::move(stream)) {}

  void OnMessage(Bytes bytes) override {
    if (events_) return events_->OnMessage(std::move(bytes));
    auto service = service_.lock();
    if (!stream_ || !service) return;
    Quorum* quorum = (*service)->quorum_;
    if (quorum == nullptr) quorum = (*service)->Invited(bytes);
    if (quorum == nullptr) {
      return std::exchange(stream_, nullptr)
          ->Finish(Refused(host::StatusCode::kUnavailable,
                           "this controller has no cluster yet, or is stopping"));
    }
    events_ = quorum->Accept(std::exchange(stream_, nullptr));
    events_->OnMessage(std::move(bytes));
  }
  void OnDrained() override {
    if (events_) events_->OnDrained();
  }
  void OnPeerFinished() override {
    if (events_) events_->OnPeerFinished();
    if (stream_) stream_->Finish(host::CallStatus::Ok());
  }
  void OnEnd(host::CallStatus status) override {
    stream_.reset();
    if (events_) events_->OnEnd(std::move(status));
  }

 private:
  std::weak_ptr<PeerService*> service_;
  std::shared_ptr<host::Stream> stream_;
  std::shared_ptr<host::StreamEvents> events_;
};

// The quorum that these first words of a stream make this controller a member of, if they do.
Quorum* PeerService::Invited(const Bytes& bytes) {
  auto message = Decode(bytes);
  bool is_meant = message && message->message.to == self_ && IsRequest(message->message);
  return is_meant && join_ ? join_(message->cluster) : nullptr;
}

void PeerService::AwaitInvitation(raft::VoterId self, Join join) {
  self_ = self;
  join_ = std::move(join);
}

host::Methods PeerService::Methods() {
  host::Methods methods;
  methods["/weir.raft.v1.Peers/Exchange"] = host::StreamMethod(
      [this](const host::Caller&,
             std::shared_ptr<host::Stream> stream) -> std::shared_ptr<host::StreamEvents> {
        if (quorum_ != nullptr) return quorum_->Accept(std::move(stream));
        return std::make_shared<Uninvited>(address_, std::move(stream));
      });
  methods["/weir.raft.v1.Peers/ReadSnapshot"] =
      host::UnaryMethod([this](const host::Caller&, Bytes request, host::Reply reply) {
        if (quorum_ != nullptr) return quorum_->ServeSnapshot(request, std::move(reply));
        reply(Refused(host::StatusCode::kUnavailable,
                      "this controller has no cluster yet, or is stopping"),
              {});
      });
  return methods;
}

}  // namespace weir::quorum
