// SPDX-License-Identifier: Apache-2.0
#include "storage/session/session.h"

#include <glog/logging.h>

#include <algorithm>
#include <set>

#include "common/edge/methods.h"
#include "common/edge/refusal_status.h"
#include "common/metadata/apply.h"
#include "common/metadata/features.h"
#include "common/metadata/records.h"
#include "common/metadata/snapshot.h"

namespace weir::session {
namespace {

using host::CallStatus;
using host::Endpoint;
using host::Stream;
using metadata::Image;

constexpr char kMethod[] = "/weir.node.v1.Sessions/Open";
constexpr Duration kBackOffFirst = std::chrono::milliseconds(20);
constexpr Duration kBackOffMost = std::chrono::milliseconds(250);
// A controller that does not answer a registration is given up for the next one.
constexpr Duration kRegisterTimeout = std::chrono::milliseconds(1000);
// Until Registered tells the lease.
constexpr Duration kDefaultLease = std::chrono::milliseconds(3000);
constexpr int kHeartbeatsPerLease = 8;
// A node looks for another controller long before its own lease ends: the one that takes over from
// a controller that stands still waits a moment only before it fences who has not come.
constexpr int kSilencesPerLease = 3;
constexpr int64_t kLeaseMostMs = 10 * 60 * 1000;
// Another incarnation of this node may still hold its session for a lease; longer is a mistake of
// whoever gave two nodes one id.
constexpr Duration kDuplicatePatience = std::chrono::seconds(10);

}  // namespace

class Session::State : public std::enable_shared_from_this<Session::State> {
 public:
  State(host::Host host, SessionConfig config, SessionEvents* events)
      : host_(host), config_(std::move(config)), events_(events) {
    CHECK(!config_.controllers.empty());
  }

  std::vector<Endpoint> Controllers() const;
  void Connect();
  void Close();
  void Send(const node::v1::FromNode& message);
  void SendHeartbeat();
  void SendStop();
  void SendFailures();

  // What the stream says, unless it is not the current one any more.
  void OnMessage(uint64_t attempt, const Bytes& bytes);
  void OnEnd(uint64_t attempt, const CallStatus& status);

  host::Host host_;
  SessionConfig config_;
  SessionEvents* events_;
  std::vector<metadata::v1::Listener> listeners_;
  Image image_;
  NodeEpoch epoch_ = kNoNodeEpoch;
  bool registered_ = false;
  bool ready_ = false;
  bool stopping_ = false;
  // Of config_.directories.
  std::set<DirectoryId> failed_;

 private:
  friend class Session;

  void Register();
  void Registered(const node::v1::Registered& registered);
  void TakeSnapshot(const std::string& snapshot);
  void TakeEntries(const node::v1::CommittedEntries& entries);
  void Distrust(const std::string& why);
  void Publish(Image after);
  bool TermIsStale(Term term);
  void Reconnect(const Endpoint& hint);
  void Disconnect();
  void ArmSilence(Duration allowed);
  void ArmHeartbeat();

  std::shared_ptr<Stream> stream_;
  Endpoint endpoint_;
  // Each stream is an attempt; what an older one still says is ignored.
  uint64_t attempt_ = 0;
  size_t next_controller_ = 0;
  Duration back_off_ = kBackOffFirst;
  Duration lease_ = kDefaultLease;
  // Did not answer in time, and is left out until another one has.
  Endpoint silent_;
  Term term_;
  // What the open session's controller belongs to.
  ClusterId session_cluster_;
  std::optional<Instant> duplicate_since_;
  bool closed_ = false;
  host::Strand::TimerId silence_timer_ = 0;
  host::Strand::TimerId heartbeat_timer_ = 0;
  host::Strand::TimerId connect_timer_ = 0;
  Lifetime lifetime_;
};

namespace {

template <class State>
class SessionStream : public host::StreamEvents {
 public:
  SessionStream(std::shared_ptr<State> state, uint64_t attempt)
      : state_(std::move(state)), attempt_(attempt) {}
  void OnMessage(Bytes message) override { state_->OnMessage(attempt_, message); }
  void OnEnd(CallStatus status) override { state_->OnEnd(attempt_, status); }

 private:
  std::shared_ptr<State> state_;
  uint64_t attempt_;
};

}  // namespace

// Those that the quorum has by the last image, and then those that this process was started with:
// all of these may have been replaced meanwhile.
std::vector<Endpoint> Session::State::Controllers() const {
  std::vector<Endpoint> controllers;
  for (const metadata::Voter& voter : image_.voters) controllers.push_back(voter.endpoint);
  for (const Endpoint& endpoint : config_.controllers) {
    if (std::ranges::count(controllers, endpoint) == 0) controllers.push_back(endpoint);
  }
  return controllers;
}

void Session::State::Connect() {
  if (closed_) return;
  connect_timer_ = 0;
  ++attempt_;
  if (endpoint_.empty()) {
    std::vector<Endpoint> controllers = Controllers();
    // One that stands still takes a connection, and never answers.
    if (controllers.size() > 1) std::erase(controllers, silent_);
    endpoint_ = controllers[next_controller_ % controllers.size()];
    ++next_controller_;
  }
  stream_ = host_.network.Open(
      endpoint_, kMethod, std::make_shared<SessionStream<State>>(shared_from_this(), attempt_));
  Register();
  ArmSilence(kRegisterTimeout);
}

void Session::State::Register() {
  node::v1::FromNode message;
  auto* hello = message.mutable_register_();
  if (!config_.cluster.is_nil()) hello->set_cluster_id(config_.cluster.ToBytes());
  hello->set_node_id(config_.node.value());
  hello->set_incarnation(config_.incarnation.ToBytes());
  hello->set_previous_epoch(config_.previous_epoch.value());
  for (const auto& listener : listeners_) *hello->add_listeners() = listener;
  hello->set_rack(config_.rack);
  for (const DirectoryId& directory : config_.directories) {
    hello->add_directories(directory.ToBytes());
  }
  for (const metadata::FeatureRange& feature : metadata::SupportedFeatures()) {
    *hello->add_features() = metadata::ToProto(feature);
  }
  hello->set_version(config_.version);
  hello->set_applied_index(image_.index.value());
  hello->set_applied_term(image_.term.value());
  Send(message);
}

void Session::State::Send(const node::v1::FromNode& message) {
  if (stream_) stream_->Send(edge::Encode(message));
}

void Session::State::SendHeartbeat() {
  if (!registered_) return;
  node::v1::FromNode message;
  message.mutable_heartbeat()->set_applied_index(image_.index.value());
  message.mutable_heartbeat()->set_ready(ready_);
  Send(message);
  SendFailures();
  ArmHeartbeat();
}

void Session::State::SendFailures() {
  const metadata::Node* self = image_.nodes.Find(config_.node);
  for (const DirectoryId& directory : failed_) {
    // The image may still be of before this registration: then its word means nothing.
    bool is_known = self && self->epoch == epoch_ && !self->Offers(directory);
    if (is_known) continue;
    node::v1::FromNode message;
    message.mutable_fail_directory()->set_directory_id(directory.ToBytes());
    Send(message);
  }
}

void Session::State::SendStop() {
  if (!registered_) return;
  node::v1::FromNode message;
  message.mutable_stop();
  Send(message);
}

void Session::State::ArmHeartbeat() {
  host_.strand.Cancel(heartbeat_timer_);
  heartbeat_timer_ = host_.strand.RunAt(host_.clock.Now() + lease_ / kHeartbeatsPerLease,
                                        lifetime_.Bind([this] { SendHeartbeat(); }));
}

void Session::State::ArmSilence(Duration allowed) {
  host_.strand.Cancel(silence_timer_);
  silence_timer_ = host_.strand.RunAt(host_.clock.Now() + allowed, lifetime_.Bind([this] {
    silence_timer_ = 0;
    LOG(WARNING) << "controller " << endpoint_ << " is silent";
    silent_ = endpoint_;
    Reconnect("");
  }));
}

void Session::State::OnMessage(uint64_t attempt, const Bytes& bytes) {
  if (closed_ || attempt != attempt_) return;
  node::v1::FromController message;
  if (!edge::Decode(bytes, &message)) {
    return Distrust("it sent what is no weir.node.v1.FromController");
  }
  bool is_first = !registered_;
  if (is_first != message.has_registered()) {
    return Distrust("a session begins with Registered, and has one");
  }
  switch (message.body_case()) {
    case node::v1::FromController::kRegistered:
      Registered(message.registered());
      break;
    case node::v1::FromController::kSnapshot:
      TakeSnapshot(message.snapshot());
      break;
    case node::v1::FromController::kEntries:
      TakeEntries(message.entries());
      break;
    case node::v1::FromController::kIsrRefused: {
      const auto& refused = message.isr_refused();
      auto topic = TopicId::FromBytes(refused.topic_id());
      if (!topic) break;
      events_->OnIsrRefused(
          PartitionId{*topic, PartitionIndex(refused.partition())},
          PartitionEpoch(refused.partition_epoch()),
          Refusal{static_cast<ErrorCode>(refused.error_code()), refused.message()});
      break;
    }
    case node::v1::FromController::kMayStop:
      events_->OnMayStop();
      break;
    case node::v1::FromController::BODY_NOT_SET:
      LOG(ERROR) << "controller " << endpoint_ << " sent a message that this version does not know";
      break;
  }
  if (!closed_ && attempt == attempt_ && registered_) ArmSilence(lease_ / kSilencesPerLease);
}

// Whoever answered is not, or not any more, a controller that this node can follow. What came over
// a port is judged, never believed: no words of a stranger end this process, or stay in its image.
void Session::State::Distrust(const std::string& why) {
  LOG(ERROR) << "the session with controller " << endpoint_ << " ends: " << why;
  Reconnect("");
}

bool Session::State::TermIsStale(Term term) {
  if (term < term_) {
    LOG(WARNING) << "controller " << endpoint_ << " speaks with term " << term << ", after "
                 << term_ << " was heard: refused";
    Reconnect("");
    return true;
  }
  term_ = term;
  return false;
}

void Session::State::Registered(const node::v1::Registered& registered) {
  // First of all: the term of another cluster would make this node deaf for its own.
  auto cluster = ClusterId::FromBytes(registered.cluster_id());
  if (!cluster || (!config_.cluster.is_nil() && *cluster != config_.cluster)) {
    return Distrust("this node belongs to cluster " + config_.cluster.ToString() +
                    ", the controller to " + (cluster ? cluster->ToString() : "no cluster"));
  }
  if (TermIsStale(Term(registered.term()))) return;
  registered_ = true;
  silent_.clear();
  session_cluster_ = *cluster;
  duplicate_since_.reset();
  epoch_ = NodeEpoch(registered.node_epoch());
  if (registered.lease_ms() > 0) {
    lease_ = std::chrono::milliseconds(std::min(registered.lease_ms(), kLeaseMostMs));
  }
  LOG(INFO) << "session with controller " << endpoint_ << ", term " << term_ << ", node epoch "
            << epoch_;
  events_->OnRegistered(epoch_);
  SendHeartbeat();
  if (stopping_) SendStop();
}

void Session::State::TakeSnapshot(const std::string& snapshot) {
  auto judged = metadata::JudgeSnapshot(snapshot);
  if (!judged) return Distrust(judged.error().message);
  Image image = std::move(*judged);
  if (image.cluster_id != session_cluster_) {
    return Distrust("its snapshot is of cluster " + image.cluster_id.ToString() +
                    ", and it said that it belongs to " + session_cluster_.ToString());
  }
  // By its first image a node removes what the cluster does not keep there: it must be no old one.
  if (image.index.value() < epoch_.value()) {
    return Distrust("its snapshot is older than this node's registration");
  }
  // A controller that knows less than this node is behind; what a node knows is committed.
  if (image.index < image_.index) {
    LOG(WARNING) << "controller " << endpoint_ << " knows metadata up to " << image.index
                 << ", and this node up to " << image_.index;
    Reconnect("");
    return;
  }
  Publish(std::move(image));
}

void Session::State::TakeEntries(const node::v1::CommittedEntries& entries) {
  if (TermIsStale(Term(entries.term()))) return;
  for (const auto& committed : entries.entries()) {
    LogIndex index(committed.index());
    if (index <= image_.index) continue;
    if (index != image_.index + 1) {
      return Distrust("it left out metadata between " + std::to_string(image_.index.value()) +
                      " and " + std::to_string(index.value()));
    }
    if (image_.cluster_id != session_cluster_) {
      return Distrust("a node that has no image yet is sent a snapshot first");
    }
    auto image = metadata::Judge(image_, committed.entry(), index, Term(committed.term()));
    if (!image) return Distrust(image.error().message);
    Publish(std::move(*image));
    if (closed_) return;
  }
}

void Session::State::Publish(Image after) {
  Image before = std::exchange(image_, std::move(after));
  if (config_.cluster.is_nil()) config_.cluster = image_.cluster_id;
  // A session is a good one only when it brings news.
  back_off_ = kBackOffFirst;
  events_->OnImage(before, image_);
  if (!closed_) SendHeartbeat();
}

void Session::State::OnEnd(uint64_t attempt, const CallStatus& status) {
  if (closed_ || attempt != attempt_) return;
  edge::Reason reason = edge::ReasonOf(status);
  if (reason.reason == "DUPLICATE_BROKER_REGISTRATION") {
    Instant now = host_.clock.Now();
    if (!duplicate_since_) duplicate_since_ = now;
    if (now - *duplicate_since_ > kDuplicatePatience) {
      closed_ = true;
      events_->OnRefused(edge::ToRefusal(status));
      return;
    }
  } else if (reason.reason == "INCONSISTENT_CLUSTER_ID" ||
             reason.reason == "INVALID_REGISTRATION") {
    closed_ = true;
    events_->OnRefused(edge::ToRefusal(status));
    return;
  } else if (registered_) {
    LOG(WARNING) << "session with controller " << endpoint_ << " broke: " << status;
  }
  auto hint = reason.hints.find("endpoint");
  Reconnect(hint == reason.hints.end() ? "" : hint->second);
}

void Session::State::Disconnect() {
  registered_ = false;
  // What this stream still says is of an attempt that is over.
  ++attempt_;
  if (stream_) {
    stream_->Finish(CallStatus{host::StatusCode::kCancelled, "the node turns elsewhere", ""});
    stream_.reset();
  }
  host_.strand.Cancel(std::exchange(silence_timer_, 0));
  host_.strand.Cancel(std::exchange(heartbeat_timer_, 0));
  host_.strand.Cancel(std::exchange(connect_timer_, 0));
}

void Session::State::Reconnect(const Endpoint& hint) {
  if (closed_) return;
  bool hint_is_news = !hint.empty() && hint != endpoint_;
  Disconnect();
  endpoint_ = hint_is_news ? hint : Endpoint();
  Duration wait = hint_is_news ? kBackOffFirst : back_off_;
  if (!hint_is_news) back_off_ = std::min(back_off_ * 2, kBackOffMost);
  // A little chance keeps a fleet of nodes from coming all at once.
  wait += Duration(host_.random.Next() % static_cast<uint64_t>(kBackOffFirst.count()));
  connect_timer_ =
      host_.strand.RunAt(host_.clock.Now() + wait, lifetime_.Bind([this] { Connect(); }));
}

void Session::State::Close() {
  closed_ = true;
  Disconnect();
}

Session::Session(host::Host host, SessionConfig config, SessionEvents* events)
    : state_(std::make_shared<State>(host, std::move(config), events)) {}

Session::~Session() { state_->Close(); }

void Session::Start(std::vector<metadata::v1::Listener> listeners) {
  state_->listeners_ = std::move(listeners);
  state_->host_.strand.Post(state_->lifetime_.Bind([state = state_.get()] { state->Connect(); }));
}

void Session::Close() { state_->Close(); }

const Image& Session::image() const { return state_->image_; }

NodeEpoch Session::epoch() const { return state_->epoch_; }

Endpoint Session::active_controller() const {
  return state_->registered_ ? state_->endpoint_ : Endpoint();
}

std::vector<Endpoint> Session::controllers() const { return state_->Controllers(); }

void Session::SetReady(bool ready) {
  if (ready == state_->ready_) return;
  state_->ready_ = ready;
  state_->SendHeartbeat();
}

void Session::ChangeIsr(node::v1::ChangeIsr change) {
  if (!state_->registered_) return;
  node::v1::FromNode message;
  *message.mutable_change_isr() = std::move(change);
  state_->Send(message);
}

void Session::AllocateProducerIds() {
  if (!state_->registered_) return;
  node::v1::FromNode message;
  message.mutable_allocate_producer_ids();
  state_->Send(message);
}

void Session::FailDirectory(const DirectoryId& directory) {
  state_->failed_.insert(directory);
  if (state_->registered_) state_->SendFailures();
}

void Session::Stop() {
  state_->stopping_ = true;
  state_->SendStop();
}

}  // namespace weir::session
