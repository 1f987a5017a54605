// SPDX-License-Identifier: Apache-2.0
// Three replicas, a dumb controller and a world that crashes, cuts and delays, from a seed: what
// was once below a high watermark stays, and in the end all agree.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <sstream>

#include "storage/replica/replica.h"

namespace weir::replica {
namespace {

constexpr int kNodes = 3;

struct Record {
  int epoch;
  int value;
  bool operator==(const Record&) const = default;
};

struct Data {
  int64_t offset;
  std::vector<Record> records;
  int64_t high_watermark;
};
struct Told {
  int64_t high_watermark;
};
// From the leader, of one Follow.
struct Down {
  LeaderEpoch epoch;
  int64_t follow_id;
  std::variant<Data, Told, Diverging, Refused> body;
};
struct Follow {
  int64_t follow_id;
  FollowRequest request;
};
struct Ack {
  LeaderEpoch epoch;
  Offset appended;
  Offset flushed;
};
using Up = std::variant<Follow, Ack>;

// What a leader's node knows of one follower's Follow.
struct Feed {
  LeaderEpoch epoch;
  int64_t follow_id;
  int64_t next;
};

struct Stream {
  std::deque<Up> up;
  std::deque<Down> down;
  std::optional<Feed> feed;
};

struct Node {
  bool is_up = true;
  std::vector<Record> log;
  int64_t written = 0;
  int64_t durable = 0;
  std::optional<Replica> replica;
  // Records that it has not heard yet.
  std::deque<Assignment> metadata;
  // The stream that it opened, by leader.
  std::map<int, Stream> streams;
  std::deque<AskIsr> asks;
};

class World {
 public:
  World(uint64_t seed, bool flush) : chance_(seed), flush_(flush) {
    record_.leader = NodeId(0);
    record_.leader_epoch = LeaderEpoch(0);
    record_.partition_epoch = PartitionEpoch(0);
    record_.min_isr = 2;
    record_.flush = flush;
    for (int n = 0; n < kNodes; ++n) {
      record_.replicas[NodeId(n)] = {NodeEpoch(++last_node_epoch_), true};
      record_.isr.insert(NodeId(n));
    }
    for (int n = 0; n < kNodes; ++n) Start(n);
  }

  void Run(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) {
      now_.ns += static_cast<int64_t>(Upto(200)) * 1'000'000;
      Step(static_cast<int>(Upto(100)), static_cast<int>(Upto(kNodes)));
    }
  }

  // Nothing fails any more: all that is under way arrives.
  void Settle() {
    for (int i = 0; i < 3000 && !testing::Test::HasFailure(); ++i) {
      now_.ns += 50'000'000;
      for (int n = 0; n < kNodes; ++n) {
        if (!nodes_[n].is_up) Restart(n);
        Unfence(n);
        for (int what : {20, 25, 30, 35, 40, 70, 90}) Step(what, n);
      }
    }
  }

  void CheckAgreement() {
    const Node& leader = nodes_[record_.leader.value()];
    for (int n = 0; n < kNodes; ++n) {
      EXPECT_EQ(nodes_[n].log, leader.log) << "node " << n;
      EXPECT_EQ(nodes_[n].replica->high_watermark().value(), std::ssize(leader.log)) << n;
    }
    EXPECT_EQ(record_.isr.size(), static_cast<size_t>(kNodes));
    EXPECT_EQ(committed_, leader.log);
  }

  size_t committed() const { return committed_.size(); }
  int elections() const { return record_.leader_epoch.value(); }
  int cuts() const { return cuts_; }

 private:
  uint64_t Upto(uint64_t n) { return chance_() % n; }

  void Step(int what, int n) {
    Node& node = nodes_[n];
    if (what < 20) return Append(n);
    if (what < 30) return Write(n);
    if (what < 40) return HearMetadata(n);
    if (what < 70) return Transmit(n);
    if (what < 90) return Decide(n);
    if (what < 93) return Tick(n);
    if (what < 95) return BreakStreams(n);
    if (what < 96) return Crash(n);
    if (what < 98 && !node.is_up) return Restart(n);
    if (what < 98) return Unfence(n);
    if (what < 99 && Upto(3) == 0) return Fence(n);
  }

  Positions PositionsOf(const Node& node) const {
    const int64_t durable = flush_ ? node.durable : 0;
    return {Offset(0), Offset(std::ssize(node.log)), Offset(node.written), Offset(durable),
            node.log.empty() ? kNoLeaderEpoch : LeaderEpoch(node.log.back().epoch)};
  }
  LeaderEpochs EpochsOf(const Node& node) const {
    LeaderEpochs epochs;
    for (int64_t i = 0; i < std::ssize(node.log); ++i) {
      epochs.Assign(LeaderEpoch(node.log[i].epoch), Offset(i));
    }
    return epochs;
  }

  void Start(int n) {
    Node& node = nodes_[n];
    node.is_up = true;
    node.replica.emplace(NodeId(n), ReplicaConfig{}, PositionsOf(node), now_);
    node.metadata = {record_};
  }

  void Append(int n) {
    Node& node = nodes_[n];
    if (!node.is_up || !node.replica->leads()) return;
    const int epoch = node.replica->assignment().leader_epoch.value();
    for (uint64_t i = 0; i <= Upto(3); ++i) node.log.push_back({epoch, ++last_value_});
    Moved(n);
  }

  void Write(int n) {
    Node& node = nodes_[n];
    if (!node.is_up) return;
    node.durable +=
        static_cast<int64_t>(Upto(static_cast<uint64_t>(node.written - node.durable) + 1));
    node.written = std::ssize(node.log);
    if (Upto(2)) node.durable = node.written;
    Moved(n);
  }

  void Moved(int n) {
    nodes_[n].replica->LocalMoved(PositionsOf(nodes_[n]), now_);
    CarryOut(n);
  }

  void HearMetadata(int n) {
    Node& node = nodes_[n];
    if (!node.is_up || node.metadata.empty()) return;
    node.replica->Apply(node.metadata.front(), now_);
    node.metadata.pop_front();
    // Whoever leads in another epoch, or not at all, feeds nobody of the epoch before.
    for (Node& other : nodes_) {
      auto stream = other.streams.find(n);
      if (stream == other.streams.end() || !stream->second.feed) continue;
      if (node.replica->leads() &&
          node.replica->assignment().leader_epoch == stream->second.feed->epoch) {
        continue;
      }
      const Feed feed = *std::exchange(stream->second.feed, std::nullopt);
      stream->second.down.push_back(
          {feed.epoch, feed.follow_id, Refused{ErrorCode::kNotLeaderOrFollower}});
    }
    CarryOut(n);
  }

  void Tick(int n) {
    if (!nodes_[n].is_up || nodes_[n].replica->NextDeadline() > now_) return;
    nodes_[n].replica->Tick(now_);
    CarryOut(n);
  }

  void CarryOut(int n) {
    Node& node = nodes_[n];
    while (node.replica->has_effects()) {
      for (const Effect& effect : node.replica->TakeEffects()) {
        std::visit([&](const auto& e) { Do(n, e); }, effect);
      }
    }
    const int64_t high = node.replica->high_watermark().value();
    CheckCommitted(node, high);
  }

  // What is shown once is shown by everybody ever after.
  void CheckCommitted(const Node& node, int64_t high) {
    ASSERT_LE(high, std::ssize(node.log));
    const size_t both = std::min(static_cast<size_t>(high), committed_.size());
    ASSERT_TRUE(std::equal(node.log.begin(), node.log.begin() + static_cast<ptrdiff_t>(both),
                           committed_.begin()));
    for (size_t i = both; i < static_cast<size_t>(high); ++i) committed_.push_back(node.log[i]);
  }

  void Do(int, const RaiseHighWatermark&) {}
  void Do(int n, const AskIsr& ask) { nodes_[n].asks.push_back(ask); }
  void Do(int n, const Connect& effect) {
    nodes_[n].streams[effect.leader.value()] = {};
    nodes_[n].replica->StreamOpened(now_);
  }
  void Do(int n, const Disconnect& effect) { EndStream(n, effect.leader.value()); }
  void Do(int n, const FollowFrom& effect) {
    nodes_[n].streams[effect.leader.value()].up.push_back(Follow{effect.follow_id, effect.request});
  }
  void Do(int n, const Acknowledge& effect) {
    nodes_[n].streams[effect.leader.value()].up.push_back(
        Ack{effect.leader_epoch, effect.appended, effect.flushed});
  }
  void Do(int n, const TruncateTo& effect) {
    Node& node = nodes_[n];
    ++cuts_;
    node.log.resize(static_cast<size_t>(effect.end.value()));
    node.written = std::min(node.written, effect.end.value());
    node.durable = std::min(node.durable, effect.end.value());
    node.replica->Cut(PositionsOf(node), now_);
  }
  void Do(int, const RestartAt&) { FAIL() << "no log here begins anywhere but at 0"; }

  void EndStream(int follower, int leader) {
    auto stream = nodes_[follower].streams.extract(leader);
    if (stream.empty() || !stream.mapped().feed || !nodes_[leader].is_up) return;
    nodes_[leader].replica->FollowerGone(NodeId(follower), now_);
    CarryOut(leader);
  }

  // One of what may happen on a stream of node n, or what it leads.
  void Transmit(int n) {
    for (auto& [leader, stream] : nodes_[n].streams) {
      if (!nodes_[n].is_up || !nodes_[leader].is_up) continue;
      const auto what = Upto(3);
      if (what == 0 && !stream.up.empty()) return HearUp(n, leader, stream);
      if (what == 1 && !stream.down.empty()) return HearDown(n, stream);
      if (what == 2 && stream.feed) return Push(leader, stream);
    }
  }

  void Push(int leader, Stream& stream) {
    const Node& node = nodes_[leader];
    Feed& feed = *stream.feed;
    const int64_t high = node.replica->high_watermark().value();
    const int64_t more =
        std::min<int64_t>(node.written - feed.next, 1 + static_cast<int64_t>(Upto(4)));
    if (more <= 0) {
      stream.down.push_back({feed.epoch, feed.follow_id, Told{high}});
      return;
    }
    std::vector<Record> records(node.log.begin() + feed.next, node.log.begin() + feed.next + more);
    stream.down.push_back({feed.epoch, feed.follow_id, Data{feed.next, std::move(records), high}});
    feed.next += more;
  }

  void HearUp(int follower, int leader, Stream& stream) {
    Node& node = nodes_[leader];
    const Up up = stream.up.front();
    stream.up.pop_front();
    if (auto* ack = std::get_if<Ack>(&up)) {
      if (stream.feed && stream.feed->epoch == ack->epoch) {
        node.replica->FollowerAcked(NodeId(follower), ack->appended, ack->flushed, now_);
      }
    } else {
      const Follow& follow = std::get<Follow>(up);
      const LeaderEpoch epoch = follow.request.leader_epoch;
      stream.feed.reset();
      const FollowAnswer answer =
          node.replica->FollowerFollows(follow.request, EpochsOf(node), now_);
      if (auto* diverging = std::get_if<Diverging>(&answer)) {
        stream.down.push_back({epoch, follow.follow_id, *diverging});
      } else if (auto* refused = std::get_if<Refused>(&answer)) {
        stream.down.push_back({epoch, follow.follow_id, *refused});
      } else {
        stream.feed = Feed{epoch, follow.follow_id, follow.request.offset.value()};
      }
    }
    CarryOut(leader);
  }

  void HearDown(int n, Stream& stream) {
    Node& node = nodes_[n];
    Replica& replica = *node.replica;
    const Down down = stream.down.front();
    stream.down.pop_front();
    if (auto* data = std::get_if<Data>(&down.body)) {
      if (replica.TakesData(down.epoch, down.follow_id, Offset(data->offset), now_)) {
        node.log.insert(node.log.end(), data->records.begin(), data->records.end());
        replica.LocalMoved(PositionsOf(node), now_);
        replica.LeaderHighWatermark(down.epoch, down.follow_id, Offset(data->high_watermark));
      }
    } else if (auto* told = std::get_if<Told>(&down.body)) {
      replica.LeaderHighWatermark(down.epoch, down.follow_id, Offset(told->high_watermark));
    } else if (auto* diverging = std::get_if<Diverging>(&down.body)) {
      replica.LeaderDiverges(down.epoch, down.follow_id, *diverging, EpochsOf(node), now_);
    } else {
      replica.LeaderRefuses(down.epoch, down.follow_id, std::get<Refused>(down.body).code,
                            Offset(0), now_);
    }
    CarryOut(n);
  }

  void BreakStreams(int n) {
    std::vector<int> leaders;
    for (auto& [leader, stream] : nodes_[n].streams) leaders.push_back(leader);
    for (int leader : leaders) {
      EndStream(n, leader);
      if (!nodes_[n].is_up) continue;
      nodes_[n].replica->StreamEnded(now_);
      nodes_[n].streams[leader] = {};
      nodes_[n].replica->StreamOpened(now_);
      CarryOut(n);
    }
  }

  void Crash(int n) {
    Node& node = nodes_[n];
    if (!node.is_up) return;
    node.is_up = false;
    // What is not on stable storage may go; without `flush`, only what is not written yet.
    const int64_t safe = flush_ ? node.durable : node.written;
    const auto left =
        safe + static_cast<int64_t>(Upto(static_cast<uint64_t>(std::ssize(node.log) - safe) + 1));
    node.log.resize(static_cast<size_t>(left));
    node.written = node.durable = left;
    node.asks.clear();
    BreakStreams(n);
    node.streams.clear();
    for (int other = 0; other < kNodes; ++other) {
      if (nodes_[other].streams.contains(n)) BreakStreams(other);
    }
  }

  void Restart(int n) {
    Fence(n);
    record_.replicas[NodeId(n)].epoch = NodeEpoch(++last_node_epoch_);
    Start(n);
    Publish();
  }

  // The controller.
  void Publish() {
    record_.partition_epoch = record_.partition_epoch + 1;
    for (Node& node : nodes_) {
      if (node.is_up) node.metadata.push_back(record_);
    }
  }

  void Elect() {
    if (record_.leader != kNoNode && record_.replicas[record_.leader].active) return;
    record_.leader = kNoNode;
    for (NodeId node : record_.isr) {
      if (record_.replicas[node].active) record_.leader = node;
    }
    record_.leader_epoch = record_.leader_epoch + 1;
  }

  void Fence(int n) {
    Member& member = record_.replicas[NodeId(n)];
    if (!member.active) return;
    member.active = false;
    if (record_.isr.size() > 1) record_.isr.erase(NodeId(n));
    Elect();
    Publish();
  }

  void Unfence(int n) {
    Member& member = record_.replicas[NodeId(n)];
    if (!nodes_[n].is_up || member.active || !nodes_[n].metadata.empty()) return;
    member.active = true;
    if (record_.leader == kNoNode) Elect();
    Publish();
  }

  void Decide(int n) {
    Node& node = nodes_[n];
    if (node.asks.empty() || !node.is_up) return;
    const AskIsr ask = node.asks.front();
    node.asks.pop_front();
    std::optional<ErrorCode> refused;
    if (ask.leader_epoch != record_.leader_epoch)
      refused = ErrorCode::kFencedLeaderEpoch;
    else if (ask.partition_epoch != record_.partition_epoch)
      refused = ErrorCode::kInvalidUpdateVersion;
    for (auto [id, epoch] : ask.isr) {
      const Member& member = record_.replicas[id];
      if (!refused && (!member.active || member.epoch != epoch))
        refused = ErrorCode::kIneligibleReplica;
    }
    if (refused) {
      node.replica->IsrRefused(ask.partition_epoch, *refused, now_);
      return CarryOut(n);
    }
    record_.isr.clear();
    for (auto [id, epoch] : ask.isr) record_.isr.insert(id);
    Publish();
  }

  std::mt19937_64 chance_;
  const bool flush_;
  Instant now_{1'000'000'000};
  Node nodes_[kNodes];
  Assignment record_;
  int64_t last_node_epoch_ = 0;
  int last_value_ = 0;
  int cuts_ = 0;
  std::vector<Record> committed_;
};

TEST(ReplicaProperty, WhatWasShownStaysAndAllAgreeInTheEnd) {
  size_t committed = 0;
  int elections = 0;
  int cuts = 0;
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    World world(seed, seed % 4 != 0);
    world.Run(2000);
    world.Settle();
    if (!HasFailure()) world.CheckAgreement();
    ASSERT_FALSE(HasFailure());
    committed += world.committed();
    elections += world.elections();
    cuts += world.cuts();
  }
  // The world was neither idle nor kind.
  EXPECT_GT(committed, 10'000u);
  EXPECT_GT(elections, 2000);
  EXPECT_GT(cuts, 100);
}

}  // namespace
}  // namespace weir::replica
