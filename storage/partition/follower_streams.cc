// SPDX-License-Identifier: Apache-2.0
#include "storage/partition/follower_streams.h"

#include <glog/logging.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "common/codec/payload.h"
#include "storage/partition/leader_feeds.h"
#include "storage/partition/proto_ids.h"

namespace weir::partition {
namespace {

constexpr Duration kBackoff = std::chrono::milliseconds(20);
constexpr Duration kBackoffMax = std::chrono::milliseconds(250);
// What leaders may send that is not yet acknowledged: in all, and on one stream. A stream of which
// twice as much is held here is not read any more until it is less.
constexpr int64_t kCreditOfAll = 128 << 20;
constexpr int64_t kCreditMost = 32 << 20;
constexpr int64_t kCreditLeast = 4 << 20;

// Whom a message is for; nothing if it says nothing.
std::optional<PartitionId> AddresseeOf(const node::v1::FromLeader& message) {
  using node::v1::FromLeader;
  switch (message.body_case()) {
    case FromLeader::kData:
      return IdOf(message.data());
    case FromLeader::kHighWatermark:
      return IdOf(message.high_watermark());
    case FromLeader::kDiverging:
      return IdOf(message.diverging());
    case FromLeader::kRefused:
      return IdOf(message.refused());
    case FromLeader::BODY_NOT_SET:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

struct FollowerStreams::Connection {
  NodeId leader;
  // Each stream that is opened has one of its own; 0: none is open.
  uint64_t generation = 0;
  std::shared_ptr<host::Stream> stream;
  bool has_introduced = false;
  bool is_paused = false;
  int64_t held_bytes = 0;
  // As the leader was told on this stream.
  int64_t told_credit = 0;
  Duration backoff = kBackoff;
  host::Strand::TimerId timer = 0;
  std::map<PartitionId, Follower*> followers;
};

class FollowerStreams::Events : public host::StreamEvents {
 public:
  Events(Callback<void(Bytes)> message, Callback<void(host::CallStatus)> end)
      : message_(std::move(message)), end_(std::move(end)) {}
  void OnMessage(Bytes message) override { message_(std::move(message)); }
  void OnEnd(host::CallStatus status) override { end_(std::move(status)); }

 private:
  Callback<void(Bytes)> message_;
  Callback<void(host::CallStatus)> end_;
};

FollowerStreams::FollowerStreams(host::Host host, std::function<ClusterId()> cluster, NodeId self,
                                 std::function<std::optional<host::Endpoint>(NodeId)> endpoint_of)
    : host_(host),
      cluster_(std::move(cluster)),
      self_(self),
      endpoint_of_(std::move(endpoint_of)) {}

FollowerStreams::~FollowerStreams() {
  for (auto& [leader, connection] : connections_) host_.strand.Cancel(connection->timer);
}

void FollowerStreams::Subscribe(NodeId leader, const PartitionId& partition, Follower* follower) {
  std::unique_ptr<Connection>& connection = connections_[leader];
  if (!connection) {
    connection = std::make_unique<Connection>();
    connection->leader = leader;
    TellCredit();
  }
  CHECK(connection->followers.emplace(partition, follower).second) << partition;
  if (connection->generation != 0) {
    Tell(leader, connection->generation, {partition});
  } else if (connection->timer == 0) {
    Open(*connection);
  }
}

void FollowerStreams::Unsubscribe(NodeId leader, const PartitionId& partition) {
  auto found = connections_.find(leader);
  CHECK(found != connections_.end());
  Connection& connection = *found->second;
  CHECK_EQ(connection.followers.erase(partition), 1u);
  if (!connection.followers.empty()) {
    node::v1::FromFollower message;
    PutId(partition, message.mutable_unfollow());
    Send(leader, std::move(message));
    return;
  }
  host_.strand.Cancel(connection.timer);
  if (connection.stream) {
    connection.stream->Finish({host::StatusCode::kCancelled, "nothing is followed here", ""});
  }
  connections_.erase(found);
  TellCredit();
}

int64_t FollowerStreams::Credit() const {
  const int64_t streams = std::max<int64_t>(1, std::ssize(connections_));
  return std::clamp(kCreditOfAll / streams, kCreditLeast, kCreditMost);
}

// Who is already on a stream hears what it is since another came or went.
void FollowerStreams::TellCredit() {
  for (auto& [leader, connection] : connections_) {
    if (connection && connection->has_introduced && connection->told_credit != Credit()) {
      Send(leader, node::v1::FromFollower());
    }
  }
}

void FollowerStreams::Open(Connection& connection) {
  connection.timer = 0;
  auto endpoint = endpoint_of_(connection.leader);
  if (!endpoint || cluster_() == ClusterId()) return OpenLater(connection);
  const NodeId leader = connection.leader;
  const uint64_t generation = connection.generation = ++last_generation_;
  connection.has_introduced = false;
  connection.told_credit = 0;
  connection.is_paused = false;
  connection.stream = host_.network.Open(
      *endpoint, kFollowMethod,
      std::make_shared<Events>(
          lifetime_.Bind([this, leader, generation](Bytes message) {
            Received(leader, generation, std::move(message));
          }),
          lifetime_.Bind([this, leader, generation](const host::CallStatus& status) {
            Ended(leader, generation, status);
          })));
  Hold(leader, 0);
  std::vector<PartitionId> all;
  for (const auto& [id, follower] : connection.followers) all.push_back(id);
  Tell(leader, generation, std::move(all));
}

// A stream takes messages from its beginning, but followers are told of it only after the call.
void FollowerStreams::Tell(NodeId leader, uint64_t generation,
                           std::vector<PartitionId> partitions) {
  host_.strand.Post(lifetime_.Bind([this, leader, generation, partitions = std::move(partitions)] {
    for (const PartitionId& id : partitions) {
      Follower* follower = Find(leader, generation, id);
      if (follower) follower->OnStreamOpened();
    }
  }));
}

void FollowerStreams::OpenLater(Connection& connection) {
  const Instant at = host_.clock.Now() + connection.backoff;
  connection.backoff = std::min(connection.backoff * 2, kBackoffMax);
  connection.timer = host_.strand.RunAt(at, lifetime_.Bind([this, leader = connection.leader] {
    auto found = connections_.find(leader);
    if (found != connections_.end()) Open(*found->second);
  }));
}

FollowerStreams::Connection* FollowerStreams::Find(NodeId leader, uint64_t generation) {
  auto found = connections_.find(leader);
  if (found == connections_.end() || found->second->generation != generation) return nullptr;
  return found->second.get();
}

Follower* FollowerStreams::Find(NodeId leader, uint64_t generation, const PartitionId& partition) {
  Connection* connection = Find(leader, generation);
  if (!connection) return nullptr;
  auto follower = connection->followers.find(partition);
  return follower == connection->followers.end() ? nullptr : follower->second;
}

void FollowerStreams::Received(NodeId leader, uint64_t generation, Bytes message) {
  Connection* connection = Find(leader, generation);
  if (!connection) return;
  node::v1::FromLeader header;
  auto records = codec::SplitPayload(message, node::v1::FromLeader::kRecordsFieldNumber, &header);
  auto id = AddresseeOf(header);
  if (!records || !id) {
    LOG(WARNING) << "node " << leader << " sent what is no message of a leader";
    connection->stream->Finish({host::StatusCode::kInvalidArgument, "not a FromLeader", ""});
    return;
  }
  connection->backoff = kBackoff;
  Follower* follower = Find(leader, generation, *id);
  if (follower) follower->OnLeaderMessage(header, std::move(*records));
}

void FollowerStreams::Ended(NodeId leader, uint64_t generation, const host::CallStatus& status) {
  Connection* connection = Find(leader, generation);
  if (!connection) return;
  VLOG(1) << "the stream to node " << leader << " ended: " << status;
  connection->generation = 0;
  connection->stream.reset();
  OpenLater(*connection);
  std::vector<PartitionId> all;
  for (const auto& [id, follower] : connection->followers) all.push_back(id);
  for (const PartitionId& id : all) {
    Follower* follower = Find(leader, 0, id);
    if (follower) follower->OnStreamEnded();
  }
}

void FollowerStreams::Send(NodeId leader, node::v1::FromFollower message) {
  auto found = connections_.find(leader);
  if (found == connections_.end() || !found->second->stream) return;
  Connection& connection = *found->second;
  if (!std::exchange(connection.has_introduced, true)) {
    message.set_cluster_id(cluster_().ToBytes());
    message.set_node_id(self_.value());
  }
  if (std::exchange(connection.told_credit, Credit()) != Credit()) {
    message.set_credit_bytes(Credit());
  }
  connection.stream->Send({Bytes::FromString(message.SerializeAsString())});
}

void FollowerStreams::Hold(NodeId leader, int64_t bytes) {
  auto found = connections_.find(leader);
  if (found == connections_.end()) return;
  Connection& connection = *found->second;
  connection.held_bytes += bytes;
  if (!connection.stream) return;
  // A leader keeps to its credit; one that does not is held back whole.
  if (!connection.is_paused && connection.held_bytes > 2 * Credit()) {
    connection.is_paused = true;
    connection.stream->PauseReading();
  } else if (connection.is_paused && connection.held_bytes < Credit()) {
    connection.is_paused = false;
    connection.stream->ResumeReading();
  }
}

}  // namespace weir::partition
