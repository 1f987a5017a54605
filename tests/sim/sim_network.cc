// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/sim_network.h"

#include <glog/logging.h>

#include <algorithm>
#include <utility>

#include "tests/sim/connection.h"

namespace weir::sim {

using host::CallStatus;
using host::Endpoint;
using host::StatusCode;

namespace {

// The process of an endpoint "name:port".
std::string NameIn(const Endpoint& endpoint) { return endpoint.substr(0, endpoint.rfind(':')); }

// What a second arrival comes later than the first, at most.
constexpr Duration kDuplicateLatest = std::chrono::seconds(2);

Bytes Copy(const Pieces& pieces) {
  std::string copy;
  copy.reserve(SizeOf(pieces));
  for (const Bytes& piece : pieces) copy.append(piece.view());
  return Bytes::FromString(std::move(copy));
}

}  // namespace

// Answers one call, once; dropped, it answers that it was dropped.
class ReplyTicket {
 public:
  ReplyTicket(SimNetwork* network, uint64_t id, std::shared_ptr<Life> server)
      : network_(network), id_(id), server_(std::move(server)) {}
  ReplyTicket(ReplyTicket&& other) noexcept
      : network_(std::exchange(other.network_, nullptr)),
        id_(other.id_),
        server_(std::move(other.server_)) {}
  ReplyTicket& operator=(ReplyTicket&&) = delete;
  ~ReplyTicket() {
    if (network_ != nullptr) Answer({StatusCode::kUnavailable, "the call was not answered"}, {});
  }
  void Answer(CallStatus status, Bytes answer) {
    SimNetwork* network = std::exchange(network_, nullptr);
    CHECK(network != nullptr) << "a call is answered once";
    if (server_->alive) network->SendReply(id_, *server_, std::move(status), std::move(answer));
  }

 private:
  SimNetwork* network_;
  uint64_t id_;
  std::shared_ptr<Life> server_;
};

// The network as one life sees it.
class NetworkPort final : public host::Network {
 public:
  NetworkPort(SimNetwork& network, std::shared_ptr<Life> life)
      : network_(network), life_(std::move(life)) {}

  void Call(const Endpoint& to, const std::string& method, Pieces request, Duration timeout,
            Callback<void(CallStatus, Bytes)> done) override {
    if (!life_->alive) return network_.timeline_.Discard([done = std::move(done)] {});
    std::string server_name = NameIn(to);
    Bytes copy = Copy(request);
    network_.timeline_.trace().Add(HashOf(copy.view()));
    uint64_t id = network_.BeginCall(life_, server_name, timeout, std::move(done));
    if (network_.Broken(life_->process, server_name)) {
      return network_.FailCallAfter(network_.DrawDetection(), id, "cannot connect to " + to);
    }
    if (network_.IsLost(life_->process, server_name)) {
      return network_.FailCallAfter(network_.DrawDetection(), id, "the connection broke");
    }
    if (network_.IsDoubled(life_->process, server_name)) ArriveAgain(to, method, copy);
    size_t size = copy.size();
    auto arrive = [&network = network_, id, to, method, caller = AsCaller(),
                   copy = std::move(copy)] {
      network.RequestArrives(id, to, method, caller, copy);
    };
    network_.Carry(life_->process, server_name, nullptr, size, "request", std::move(arrive));
  }

  std::shared_ptr<host::Stream> Open(const Endpoint& to, const std::string& method,
                                     std::shared_ptr<host::StreamEvents> events) override {
    auto connection = std::make_shared<Connection>(network_, life_, NameIn(to), std::move(events));
    if (!life_->alive) return std::make_shared<SimStream>(connection, Connection::kClient, life_);
    network_.Register(connection);
    return connection->Open(to, method, AsCaller());
  }

  Result<Endpoint> Listen(const Endpoint& at, host::Methods methods) override {
    std::string host = NameIn(at);
    bool any = host.empty() || host == "0.0.0.0" || host == "[::]" || host == "localhost" ||
               host == "127.0.0.1";
    if (at.rfind(':') == std::string::npos || (!any && host != life_->process)) {
      return Fail(Error::Kind::kInvalid, "cannot listen at " + at + ": " + life_->process +
                                             " listens at \"" + life_->process + ":port\"");
    }
    if (!life_->alive) return Fail(Error::Kind::kUnavailable, "the process has ended");
    std::string port = at.substr(at.rfind(':') + 1);
    Endpoint chosen = life_->process + ':' + port;
    for (int free = 49152; port == "0"; ++free) {
      chosen = life_->process + ':' + std::to_string(free);
      if (network_.listeners_.count(chosen) == 0) break;
    }
    auto shared = std::make_shared<host::Methods>(std::move(methods));
    auto [place, added] =
        network_.listeners_.try_emplace(chosen, SimNetwork::Listener{life_, std::move(shared)});
    if (!added) return Fail(Error::Kind::kInUse, "cannot listen at " + chosen + ": in use");
    return chosen;
  }

  void SetServing(bool serving) override { network_.serving_[life_->number] = serving; }

 private:
  host::Caller AsCaller() const {
    return {life_->process + ':' + std::to_string(32768 + life_->number % 10000), ""};
  }

  // As a retry does of which nobody waits for the answer any more.
  void ArriveAgain(const Endpoint& to, const std::string& method, const Bytes& request) {
    Duration late = network_.timeline_.chance().Between(Duration(0), kDuplicateLatest);
    auto arrive = [&network = network_, id = ++network_.last_id_, to, method, caller = AsCaller(),
                   request] { network.RequestArrives(id, to, method, caller, request); };
    auto carry = [&network = network_, from = life_->process, to = NameIn(to),
                  arrive = std::move(arrive), size = request.size()]() mutable {
      network.Carry(from, to, nullptr, size, "again", std::move(arrive));
    };
    network_.timeline_.After(late, nullptr, "again", std::move(carry));
  }

  SimNetwork& network_;
  std::shared_ptr<Life> life_;
};

std::unique_ptr<host::Network> SimNetwork::Attach(std::shared_ptr<Life> life) {
  for (const auto& [id, weak] : std::map(connections_)) {
    auto connection = weak.lock();
    if (connection == nullptr || !connection->silent()) continue;
    if (connection->name(Connection::kClient) == life->process ||
        connection->name(Connection::kServer) == life->process) {
      connection->PeerReturned();
    }
  }
  return std::make_unique<NetworkPort>(*this, std::move(life));
}

bool SimNetwork::serving(const Life& life) const {
  auto found = serving_.find(life.number);
  return found != serving_.end() && found->second;
}

void SimNetwork::Register(const std::shared_ptr<Connection>& connection) {
  connections_[++last_id_] = connection;
  // Now and then, so that what is gone does not pile up.
  if (last_id_ % 256 == 0) {
    std::erase_if(connections_, [](const auto& entry) { return entry.second.expired(); });
  }
}

const SimNetwork::Listener* SimNetwork::ListenerAt(const Endpoint& at) const {
  auto found = listeners_.find(at);
  return found == listeners_.end() ? nullptr : &found->second;
}

// ---- Links

Duration SimNetwork::DrawDetection() {
  return timeline_.chance().Between(speed_.detection_min, speed_.detection_max);
}

Duration SimNetwork::DrawLatency(const Link& link, size_t size) {
  Duration drawn = timeline_.chance().Between(speed_.latency_min, speed_.latency_max);
  if (link.delay_max > Duration(0)) {
    drawn += timeline_.chance().Between(link.delay_min, link.delay_max);
  }
  return drawn + Duration(static_cast<int64_t>(size) * 1'000'000'000 / speed_.bytes_per_second);
}

void SimNetwork::Carry(const std::string& from, const std::string& to, const Order& order,
                       size_t size, std::string_view kind, Task0 arrive) {
  Link& link = LinkFrom(from, to);
  if (link.cut == CutKind::kBreaks) return timeline_.Discard(std::move(arrive));
  if (link.cut == CutKind::kStalls) {
    link.held.push_back({order, size, kind, std::move(arrive)});
    return;
  }
  Instant when = timeline_.now() + DrawLatency(link, size);
  if (order != nullptr) {
    when = std::max(when, *order + Duration(1));
    *order = when;
  }
  timeline_.At(when, nullptr, kind, std::move(arrive));
}

bool SimNetwork::Broken(const std::string& a, const std::string& b) const {
  auto breaks = [&](const std::string& from, const std::string& to) {
    auto link = links_.find({from, to});
    return link != links_.end() && link->second.cut == CutKind::kBreaks;
  };
  return breaks(a, b) || breaks(b, a);
}

void SimNetwork::CutOneWay(const std::string& from, const std::string& to, CutKind kind) {
  Link& link = LinkFrom(from, to);
  link.cut = kind;
  if (kind == CutKind::kStalls) return;
  for (Held& held : std::exchange(link.held, {})) timeline_.Discard(std::move(held.arrive));
  BreakStreams(from, to);
  for (const auto& [id, call] : calls_) {
    const std::string& client = call.client->process;
    bool between =
        (client == from && call.server_name == to) || (client == to && call.server_name == from);
    if (between) FailCallAfter(DrawDetection(), id, "the connection to " + to + " broke");
  }
}

void SimNetwork::Cut(const std::string& a, const std::string& b, CutKind kind) {
  CutOneWay(a, b, kind);
  CutOneWay(b, a, kind);
}

void SimNetwork::HealOneWay(const std::string& from, const std::string& to) {
  Link& link = LinkFrom(from, to);
  link.cut.reset();
  for (Held& held : std::exchange(link.held, {})) {
    Carry(from, to, held.order, held.size, held.kind, std::move(held.arrive));
  }
}

void SimNetwork::Heal(const std::string& a, const std::string& b) {
  HealOneWay(a, b);
  HealOneWay(b, a);
}

void SimNetwork::HealAll() {
  for (const auto& [ends, link] : links_) HealOneWay(ends.first, ends.second);
}

void SimNetwork::SetDelay(const std::string& from, const std::string& to, Duration min,
                          Duration max) {
  CHECK(min <= max);
  LinkFrom(from, to).delay_min = min;
  LinkFrom(from, to).delay_max = max;
}

void SimNetwork::SetLoss(const std::string& from, const std::string& to, double probability) {
  LinkFrom(from, to).loss = probability;
}

void SimNetwork::SetDuplicates(const std::string& from, const std::string& to, double probability) {
  LinkFrom(from, to).duplicates = probability;
}

bool SimNetwork::IsLost(const std::string& from, const std::string& to) {
  return timeline_.chance().Happens(LinkFrom(from, to).loss);
}

bool SimNetwork::IsDoubled(const std::string& from, const std::string& to) {
  return timeline_.chance().Happens(LinkFrom(from, to).duplicates);
}

void SimNetwork::BreakStreams(const std::string& a, const std::string& b) {
  for (const auto& [id, weak] : std::map(connections_)) {
    auto connection = weak.lock();
    if (connection != nullptr && connection->IsBetween(a, b)) connection->Break("connection reset");
  }
}

// ---- Calls

uint64_t SimNetwork::BeginCall(std::shared_ptr<Life> client, const std::string& server_name,
                               Duration timeout, Callback<void(CallStatus, Bytes)> done) {
  ++call_count_;
  uint64_t id = ++last_id_;
  Life* life = client.get();
  PendingCall& call = calls_[id];
  call.client = std::move(client);
  call.server_name = server_name;
  call.done = std::move(done);
  if (timeout < std::chrono::hours(24 * 365)) {
    call.timeout = timeline_.After(timeout, life, "timeout", [this, id] {
      EndCall(id, {StatusCode::kDeadlineExceeded, "no answer in time"}, {});
    });
  }
  return id;
}

void SimNetwork::RequestArrives(uint64_t id, const Endpoint& to, const std::string& method,
                                const host::Caller& caller, Bytes request) {
  const Listener* listener = ListenerAt(to);
  auto pending = calls_.find(id);
  if (listener == nullptr) {
    if (pending == calls_.end()) return;
    auto arrive = [this, id, to, client = pending->second.client] {
      timeline_.RunIn(*client, "refused", [this, id, to] {
        EndCall(id, {StatusCode::kUnavailable, "nobody listens at " + to}, {});
      });
    };
    return Carry(NameIn(to), pending->second.client->process, nullptr, 0, "refused", arrive);
  }
  // A call that its client has given up may still be served, as it was on its way.
  if (pending != calls_.end()) pending->second.server = listener->life;
  auto serve = [this, id, method, caller, request = std::move(request), life = listener->life,
                methods = listener->methods] {
    ReplyTicket ticket(this, id, life);
    auto found = methods->find(method);
    if (found == methods->end() || !std::holds_alternative<host::UnaryMethod>(found->second)) {
      return ticket.Answer({StatusCode::kUnimplemented, "no such method: " + method}, {});
    }
    auto reply = [ticket = std::move(ticket)](CallStatus status, Pieces answer) mutable {
      ticket.Answer(std::move(status), Copy(answer));
    };
    std::get<host::UnaryMethod>(found->second)(caller, request, std::move(reply));
  };
  timeline_.RunIn(*listener->life, "call", std::move(serve));
}

void SimNetwork::SendReply(uint64_t id, const Life& server, CallStatus status, Bytes answer) {
  auto pending = calls_.find(id);
  if (pending == calls_.end()) return;
  timeline_.trace().Add(HashOf(answer.view()) + static_cast<uint64_t>(status.code));
  const std::string client_name = pending->second.client->process;
  if (IsLost(server.process, client_name)) {
    return FailCallAfter(DrawDetection(), id, "the connection broke");
  }
  size_t size = answer.size();
  auto arrive = [this, id, client = pending->second.client, status = std::move(status),
                 answer = std::move(answer)] {
    timeline_.RunIn(*client, "reply", [this, id, status, answer] { EndCall(id, status, answer); });
  };
  Carry(server.process, client_name, nullptr, size, "answer", std::move(arrive));
}

void SimNetwork::EndCall(uint64_t id, CallStatus status, Bytes answer) {
  auto pending = calls_.find(id);
  if (pending == calls_.end()) return;
  PendingCall call = std::move(pending->second);
  calls_.erase(pending);
  timeline_.Cancel(call.timeout);
  if (!status.ok()) answer = {};
  call.done(std::move(status), std::move(answer));
}

void SimNetwork::FailCallAfter(Duration delay, uint64_t id, const std::string& why) {
  timeline_.After(delay, calls_.at(id).client.get(), "lost",
                  [this, id, why] { EndCall(id, {StatusCode::kUnavailable, why}, {}); });
}

void SimNetwork::LifeEnded(const Life& life, bool power_lost) {
  for (auto at = listeners_.begin(); at != listeners_.end();) {
    if (at->second.life.get() != &life) {
      ++at;
      continue;
    }
    timeline_.Discard([methods = std::move(at->second.methods)] {});
    at = listeners_.erase(at);
  }
  serving_.erase(life.number);
  for (auto at = calls_.begin(); at != calls_.end();) {
    auto& [id, call] = *at++;
    if (call.client.get() == &life) {
      timeline_.Discard([done = std::move(call.done)] {});
      calls_.erase(uint64_t{id});
    } else if (call.server.get() == &life) {
      std::string why = life.process + " is gone";
      FailCallAfter(power_lost ? speed_.keepalive : DrawLatency(Link{}, 0), id, why);
    }
  }
  for (const auto& [id, weak] : std::map(connections_)) {
    auto connection = weak.lock();
    if (connection == nullptr) continue;
    for (auto end : {Connection::kClient, Connection::kServer}) {
      if (connection->IsOf(end, life)) connection->LifeEnded(end, power_lost);
    }
  }
}

}  // namespace weir::sim
