// SPDX-License-Identifier: Apache-2.0
#include "controller/service/sessions.h"

#include <glog/logging.h>

#include <algorithm>
#include <utility>

#include "common/base/planted_bug.h"
#include "common/edge/methods.h"
#include "common/metadata/records.h"
#include "common/metadata/snapshot.h"
#include "controller/service/pushed.h"

namespace weir::service {
namespace {

using host::CallStatus;
using host::StatusCode;
using host::Stream;

// A node that lacks no more than this many entries is sent those, and not a snapshot.
constexpr size_t kRecentMost = 4096;
constexpr size_t kRecentBytesMost = 16 << 20;
// The log took nothing: a node that is to be fenced is not forgotten.
constexpr Duration kFenceAgain = std::chrono::milliseconds(100);
// A node that does not take what is pushed holds this much of our memory at most.
constexpr size_t kQueuedMost = 64 << 20;
// A registration becomes a record that every process holds for good.
constexpr size_t kRegisterBytesMost = 64 << 10;
// Who opened a stream and says nothing is let go of, and so is the oldest of too many.
constexpr size_t kStrangersMost = 1024;
constexpr Duration kRegisterPatience = std::chrono::seconds(3);

decide::RegisterNode CommandOf(const node::v1::Register& hello, const Incarnation& incarnation) {
  decide::RegisterNode command;
  command.node = NodeId(hello.node_id());
  command.incarnation = incarnation;
  command.previous_epoch = NodeEpoch(hello.previous_epoch());
  for (const auto& listener : hello.listeners()) {
    command.listeners.push_back(metadata::FromProto(listener));
  }
  command.rack = hello.rack();
  for (const auto& bytes : hello.directories()) {
    if (auto directory = DirectoryId::FromBytes(bytes)) command.directories.push_back(*directory);
  }
  for (const auto& feature : hello.features()) {
    command.features.push_back(metadata::FromProto(feature));
  }
  command.version = hello.version();
  return command;
}

}  // namespace

// One stream from a node. It is admitted once its registration has committed.
class Sessions::Session : public host::StreamEvents,
                          public std::enable_shared_from_this<Sessions::Session> {
 public:
  Session(Sessions* sessions, uint64_t number, std::shared_ptr<Stream> stream)
      : sessions_(sessions), number_(number), stream_(std::move(stream)) {}

  void OnMessage(Bytes bytes) override;
  void OnEnd(CallStatus) override {
    stream_.reset();
    if (sessions_) sessions_->Ended(*this);
  }

  void Send(const node::v1::FromController& message) { Send(edge::Encode(message)); }
  void Send(Pieces encoded) {
    if (stream_) stream_->Send(std::move(encoded));
  }
  // Ends the stream; the node looks for the active controller again.
  void Finish(CallStatus status) {
    sessions_ = nullptr;
    if (stream_) stream_->Finish(std::move(status));
  }
  // Ends it for what the node has said: its grace begins, as when it breaks.
  void Refuse(const Refusal& refusal) {
    Sessions* sessions = sessions_;
    Finish(edge::ToStatus(refusal));
    if (sessions) sessions->Ended(*this);
  }
  size_t queued_bytes() const { return stream_ ? stream_->queued_bytes() : 0; }

  uint64_t number() const { return number_; }

  NodeId node = kNoNode;
  Incarnation incarnation;
  NodeEpoch epoch = kNoNodeEpoch;
  bool admitted = false;
  // What the node says it has applied, and what it was sent.
  LogIndex applied;
  LogIndex sent;
  bool unfencing = false;
  // The node wants to stop: it may when all active nodes have applied this.
  std::optional<LogIndex> stop_after;
  bool may_stop_sent = false;

 private:
  Sessions* sessions_;
  const uint64_t number_;
  std::shared_ptr<Stream> stream_;
};

void Sessions::Session::OnMessage(Bytes bytes) {
  if (!sessions_) return;
  auto self = shared_from_this();
  node::v1::FromNode message;
  if (!edge::Decode(bytes, &message)) {
    return Refuse({ErrorCode::kInvalidRequest, "not a weir.node.v1.FromNode"});
  }
  // What a newer node says beyond what is known here is not heard.
  message.DiscardUnknownFields();
  if (message.has_register_()) {
    if (node != kNoNode) return Refuse({ErrorCode::kInvalidRequest, "a session registers once"});
    sessions_->Registered(self, message.register_());
    return;
  }
  if (!admitted) return Refuse({ErrorCode::kInvalidRequest, "a session begins with Register"});
  if (message.has_heartbeat()) sessions_->Heard(*this, message.heartbeat());
  if (message.has_change_isr()) sessions_->ChangeIsr(self, message.change_isr());
  if (message.has_allocate_producer_ids()) sessions_->AllocateProducerIds(*this);
  if (message.has_stop()) sessions_->StopNode(self);
  if (message.has_fail_directory()) sessions_->FailDirectory(*this, message.fail_directory());
}

Sessions::Sessions(host::Host host, const ActiveController* active)
    : host_(host), active_(active), timer_(host.strand, [this] { TimeReached(); }) {}

Sessions::~Sessions() {
  for (auto& [node, session] : sessions_) session->Finish(CallStatus::Ok());
  for (auto& [number, stranger] : strangers_) {
    if (auto session = stranger.lock()) session->Finish(CallStatus::Ok());
  }
}

host::StreamMethod Sessions::Method() {
  return [this](const host::Caller&,
                std::shared_ptr<Stream> stream) -> std::shared_ptr<host::StreamEvents> {
    auto session = std::make_shared<Session>(this, ++last_session_, std::move(stream));
    strangers_[session->number()] = session;
    if (strangers_.size() > kStrangersMost) Dismiss(strangers_.begin()->first);
    host_.strand.RunAt(host_.clock.Now() + kRegisterPatience,
                       lifetime_.Bind([this, number = session->number()] { Dismiss(number); }));
    return session;
  };
}

void Sessions::Dismiss(uint64_t stranger) {
  auto found = strangers_.extract(stranger);
  auto session = found.empty() ? nullptr : found.mapped().lock();
  if (!session) return;
  session->Finish(CallStatus{StatusCode::kDeadlineExceeded,
                             "a session begins with Register, at once; none came", ""});
}

void Sessions::OnActive(int64_t epoch) {
  term_ = Term(epoch);
  LOG(INFO) << "active controller, term " << epoch;
  liveness_.Activate(machine_->committed(), host_.clock.Now());
  SetTimer();
}

void Sessions::OnInactive() {
  LOG(INFO) << "not the active controller any more";
  term_.reset();
  auto sessions = std::exchange(sessions_, {});
  for (auto& [node, session] : sessions) session->Finish(active_->Redirect());
  SetTimer();
}

void Sessions::OnRestored(const metadata::Image&, const metadata::Image&, machine::Position) {
  recent_.clear();
  recent_bytes_ = 0;
}

void Sessions::Registered(const std::shared_ptr<Session>& session,
                          const node::v1::Register& hello) {
  strangers_.erase(session->number());
  if (!term_) return session->Finish(active_->Redirect());
  if (hello.ByteSizeLong() > kRegisterBytesMost) {
    return session->Finish(edge::StatusOf(
        StatusCode::kInvalidArgument, "INVALID_REGISTRATION",
        "a registration of " + std::to_string(hello.ByteSizeLong()) + " bytes; it has at most " +
            std::to_string(kRegisterBytesMost) + ": give the node fewer or shorter names"));
  }
  const metadata::Image& image = machine_->committed();
  auto cluster = ClusterId::FromBytes(hello.cluster_id());
  if (!hello.cluster_id().empty() && cluster != image.cluster_id) {
    return session->Finish(edge::ToStatus(
        {ErrorCode::kInconsistentClusterId,
         "this is cluster " + image.cluster_id.ToString() + ", and the node's data folder is of " +
             (cluster ? cluster->ToString() : "no cluster at all") +
             ": start the node with its own cluster's controllers, or with an empty folder"}));
  }
  auto incarnation = Incarnation::FromBytes(hello.incarnation());
  bool has_directories = !hello.directories().empty() &&
                         std::ranges::all_of(hello.directories(), [](const std::string& bytes) {
                           return DirectoryId::FromBytes(bytes).has_value();
                         });
  if (!incarnation || hello.node_id() < 0 || !has_directories) {
    return session->Finish(edge::StatusOf(
        StatusCode::kInvalidArgument, "INVALID_REGISTRATION",
        "a registration needs a node id of 0 or more, an incarnation of 16 bytes and at least one "
        "directory, of 16 bytes each"));
  }
  NodeId node(hello.node_id());
  auto held = sessions_.find(node);
  if (held != sessions_.end() && held->second->incarnation != *incarnation &&
      liveness_.IsAlive(node, host_.clock.Now())) {
    return session->Finish(edge::ToStatus(
        {ErrorCode::kDuplicateBrokerRegistration,
         "node " + std::to_string(hello.node_id()) +
             " is alive in another process; give this one another --id, or stop the other"}));
  }
  session->node = node;
  session->incarnation = *incarnation;
  // A newer session supersedes the older one, whose end then means nothing.
  auto older = std::exchange(sessions_[node], session);
  if (older) {
    older->Finish(CallStatus{StatusCode::kAborted, "a newer session of this node is open", ""});
  }
  Register(session, CommandOf(hello, *incarnation), LogIndex(hello.applied_index()));
}

void Sessions::Register(const std::shared_ptr<Session>& session, decide::RegisterNode command,
                        LogIndex applied) {
  Ask(command, lifetime_.Bind([this, session, command, applied](MetadataDriver::Told told) mutable {
    auto current = sessions_.find(session->node);
    if (current == sessions_.end() || current->second != session) return;
    if (!told.answer) {
      sessions_.erase(current);
      session->Finish(edge::ToStatus(told.answer.error()));
      return;
    }
    // A node with very many partitions leaves its ISRs in several decisions.
    if (std::holds_alternative<decide::DecidedInPart>(*told.answer)) {
      return Register(session, std::move(command), applied);
    }
    Admitted(session, applied, std::get<decide::NodeRegistered>(*told.answer).epoch);
  }));
}

void Sessions::Admitted(const std::shared_ptr<Session>& session, LogIndex applied,
                        NodeEpoch epoch) {
  session->admitted = true;
  session->epoch = epoch;
  session->applied = applied;
  liveness_.Opened(session->node, session->number(), host_.clock.Now());
  node::v1::FromController registered;
  registered.mutable_registered()->set_cluster_id(machine_->committed().cluster_id.ToBytes());
  registered.mutable_registered()->set_term(term_->value());
  registered.mutable_registered()->set_node_epoch(epoch.value());
  registered.mutable_registered()->set_lease_ms(
      std::chrono::duration_cast<std::chrono::milliseconds>(liveness_.lease()).count());
  session->Send(registered);

  const metadata::Image& image = machine_->committed();
  if (HasSuffix(applied)) {
    for (const Recent& recent : recent_) {
      if (recent.position.index <= applied.value()) continue;
      if (PLANTED_BUG("sessions: the suffix lacks its first entry") &&
          recent.position.index == applied.value() + 1) {
        continue;
      }
      session->Send(PushedEntry(*term_, recent.position, recent.entry));
    }
  } else {
    // As of now, and no older one with what came after it: by its first image a node removes what
    // the cluster does not keep there.
    session->Send(PushedSnapshot(Bytes::FromString(metadata::WriteSnapshot(image))));
  }
  session->sent = image.index;
  SetTimer();
}

// All that committed after `index` is in memory.
bool Sessions::HasSuffix(LogIndex index) const {
  return index > LogIndex(0) && index <= machine_->committed().index && !recent_.empty() &&
         recent_.front().position.index <= index.value() + 1;
}

void Sessions::OnPublished(const metadata::Image& before, const metadata::Image& after,
                           machine::Position position, const Bytes& entry) {
  recent_.push_back({position, entry});
  recent_bytes_ += entry.size();
  while (recent_.size() > kRecentMost || recent_bytes_ > kRecentBytesMost) {
    recent_bytes_ -= recent_.front().entry.size();
    recent_.pop_front();
  }
  if (sessions_.empty()) return;
  Pieces encoded = PushedEntry(*term_, position, entry);
  std::vector<std::shared_ptr<Session>> clogged;
  for (auto& [node, session] : sessions_) {
    if (!session->admitted || session->sent >= after.index) continue;
    session->Send(encoded);
    session->sent = after.index;
    if (session->queued_bytes() > kQueuedMost) clogged.push_back(session);
  }
  if (after.nodes.size() < before.nodes.size()) EndRemoved(after);
  for (const auto& session : clogged) {
    LOG(WARNING) << "node " << session->node << " does not take what is pushed: its session ends";
    session->Finish(CallStatus{StatusCode::kResourceExhausted, "the node reads too slowly", ""});
    Ended(*session);
  }
}

// A node that was removed has no session; if its process runs after all, it registers anew.
void Sessions::EndRemoved(const metadata::Image& image) {
  std::vector<std::shared_ptr<Session>> removed;
  for (auto& [node, session] : sessions_) {
    if (session->admitted && !image.nodes.Contains(node)) removed.push_back(session);
  }
  for (const auto& session : removed) {
    session->Finish(CallStatus{StatusCode::kAborted, "the node was removed from the cluster", ""});
    Ended(*session);
  }
}

void Sessions::Heard(Session& session, const node::v1::Heartbeat& heartbeat) {
  if (!term_) return;
  LogIndex applied(heartbeat.applied_index());
  // Others wait for what a node has applied: what it was never sent it cannot have applied.
  if (applied < LogIndex(0) || applied > session.sent) {
    return session.Refuse({ErrorCode::kInvalidRequest,
                           "a heartbeat says that metadata is applied up to " +
                               std::to_string(applied.value()) + "; this session sent up to " +
                               std::to_string(session.sent.value())});
  }
  Instant now = host_.clock.Now();
  liveness_.Heard(session.node, session.number(), now);
  session.applied = applied;
  const metadata::Node* node = machine_->committed().nodes.Find(session.node);
  // A node is trusted again only once it has applied its own registration.
  if (heartbeat.ready() && node && node->state == metadata::NodeState::kFenced &&
      node->epoch == session.epoch && session.applied.value() >= session.epoch.value() &&
      !session.unfencing) {
    session.unfencing = true;
    Submit(decide::UnfenceNode{session.node, session.epoch, session.applied},
           [weak = session.weak_from_this()] {
             if (auto held = weak.lock()) held->unfencing = false;
           });
  }
  // Even where nothing has changed the node hears that its controller lives.
  node::v1::FromController alive;
  alive.mutable_entries()->set_term(term_->value());
  session.Send(alive);
  CheckStops();
  SetTimer();
}

void Sessions::ChangeIsr(const std::shared_ptr<Session>& session,
                         const node::v1::ChangeIsr& change) {
  auto topic = TopicId::FromBytes(change.topic_id());
  if (!topic) return;
  decide::ChangeIsr command;
  command.node = session->node;
  command.node_epoch = session->epoch;
  command.partition = {*topic, PartitionIndex(change.partition())};
  command.leader_epoch = LeaderEpoch(change.leader_epoch());
  command.partition_epoch = PartitionEpoch(change.partition_epoch());
  for (const auto& member : change.isr()) {
    command.isr.push_back({NodeId(member.node_id()), NodeEpoch(member.node_epoch())});
  }
  node::v1::FromController message;
  auto* refused = message.mutable_isr_refused();
  refused->set_topic_id(change.topic_id());
  refused->set_partition(change.partition());
  refused->set_partition_epoch(change.partition_epoch());
  Ask(command, [session, message](MetadataDriver::Told told) mutable {
    if (told.answer) return;
    message.mutable_isr_refused()->set_error_code(static_cast<int32_t>(told.answer.error().code));
    message.mutable_isr_refused()->set_message(told.answer.error().message);
    session->Send(message);
  });
}

void Sessions::AllocateProducerIds(Session& session) {
  Submit(decide::AllocateProducerIds{session.node, session.epoch});
}

void Sessions::FailDirectory(Session& session, const node::v1::FailDirectory& failed) {
  auto directory = DirectoryId::FromBytes(failed.directory_id());
  if (!directory) return;
  LOG(WARNING) << "node " << session.node << " has lost its directory " << *directory;
  Submit(decide::FailDirectory{session.node, session.epoch, *directory});
}

void Sessions::StopNode(const std::shared_ptr<Session>& session) {
  Ask(decide::StopNode{session->node, session->epoch},
      lifetime_.Bind([this, session](MetadataDriver::Told told) {
        if (!told.answer) {
          LOG(WARNING) << "node " << session->node
                       << " cannot be stopped in order yet: " << told.answer.error();
          return;
        }
        // More leaderships than one decision may move: the next part.
        if (std::holds_alternative<decide::DecidedInPart>(*told.answer)) return StopNode(session);
        session->stop_after = LogIndex(told.index);
        CheckStops();
      }));
}

void Sessions::CheckStops() {
  for (auto& [node, stopping] : sessions_) {
    if (!stopping->stop_after || stopping->may_stop_sent) continue;
    bool all_know = true;
    for (auto& [other, session] : sessions_) {
      const metadata::Node* known = machine_->committed().nodes.Find(other);
      if (known && known->state == metadata::NodeState::kActive &&
          session->applied < *stopping->stop_after) {
        all_know = false;
      }
    }
    if (!all_know) continue;
    stopping->may_stop_sent = true;
    node::v1::FromController message;
    message.mutable_may_stop();
    stopping->Send(message);
  }
}

void Sessions::Ended(Session& session) {
  strangers_.erase(session.number());
  auto held = sessions_.find(session.node);
  if (held == sessions_.end() || held->second.get() != &session) return;
  // Not before its grace is over: the node may only have lost its connection.
  liveness_.Broken(session.node, session.number(), host_.clock.Now());
  auto keep_alive = held->second;
  sessions_.erase(held);
  CheckStops();
  SetTimer();
}

void Sessions::SetTimer() {
  timer_.Set(term_ ? liveness_.NextDeadline() : Instant::Never());
}

void Sessions::TimeReached() {
  if (!term_) return;
  for (NodeId node : liveness_.Expire(host_.clock.Now())) {
    // A silent node may still hold its session; it begins anew if it wakes.
    if (auto silent = sessions_.extract(node); !silent.empty()) {
      silent.mapped()->Finish(
          CallStatus{StatusCode::kDeadlineExceeded, "the node was silent for a lease", ""});
    }
    Fence(node);
  }
  SetTimer();
}

void Sessions::Fence(NodeId node) {
  const metadata::Node* known = machine_->committed().nodes.Find(node);
  if (!known) return;
  LOG(WARNING) << "node " << node << " is gone: fencing it";
  Ask(decide::FenceNode{node, known->epoch},
      lifetime_.Bind([this, node](MetadataDriver::Told told) {
        if (!told.answer) {
          LOG(WARNING) << "node " << node << " is not fenced: " << told.answer.error();
          if (told.answer.error().code == ErrorCode::kThrottlingQuotaExceeded) FenceLater(node);
        } else if (std::holds_alternative<decide::DecidedInPart>(*told.answer)) {
          Fence(node);
        }
      }));
}

void Sessions::FenceLater(NodeId node) {
  host_.strand.RunAt(host_.clock.Now() + kFenceAgain, lifetime_.Bind([this, node] {
    // Meanwhile it may have come back, or another controller may see to it.
    if (term_ && !sessions_.contains(node)) Fence(node);
  }));
}

void Sessions::Ask(const decide::Command& command, MetadataDriver::Done done) {
  machine_->Submit(command, {host_.clock.Now(), host_.clock.WallNow()}, std::move(done));
}

void Sessions::Submit(const decide::Command& command, Callback<void()> then) {
  Ask(command,
      lifetime_.Bind([this, command, then = std::move(then)](MetadataDriver::Told told) mutable {
        if (!told.answer) {
          LOG(WARNING) << "not decided: " << told.answer.error();
        } else if (std::holds_alternative<decide::DecidedInPart>(*told.answer)) {
          return Submit(command, std::move(then));
        }
        if (then) then();
      }));
}

}  // namespace weir::service
