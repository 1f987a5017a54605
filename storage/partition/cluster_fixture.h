// SPDX-License-Identifier: Apache-2.0
// For tests: one partition on a few simulated processes, with streams between them and a simple
// controller that elects, fences and grants what is lawful. One thread, virtual time, one seed.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "storage/partition/follower_streams.h"
#include "storage/partition/healer.h"
#include "storage/partition/leader_feeds.h"
#include "storage/partition/partition.h"
#include "tests/sim/world.h"

namespace weir::partition {

class PartitionCluster {
 public:
  struct Options {
    uint64_t seed = 1;
    int nodes = 3;
    int min_isr = 2;
    bool flush = true;
    Duration lag_max = std::chrono::seconds(2);
    log::LogOptions log;
    // Hears each node's partition as the node does; lives as long.
    std::function<std::unique_ptr<PartitionHooks>(host::Host, Partition*)> listen;
  };

  // A node's process, as long as it lives.
  class Node : public PartitionHooks {
   public:
    Node(PartitionCluster* cluster, int id, host::Host host);
    ~Node() override;

    void AskIsr(const node::v1::ChangeIsr& ask) override;
    void HighWatermarkRaised(const PartitionId& which, Offset to) override;
    void LeadershipChanged(const PartitionId& which, std::optional<LeaderEpoch> leads) override;
    void Failed(const PartitionId&, const Error& error) override { failure = error; }
    void Damaged(const PartitionId& which) override { healer.Heal(which); }

    PartitionCluster* const cluster;
    const int id;
    host::Host host;
    NodeEpoch epoch;
    Offset raised_to;
    int asks = 0;
    std::vector<std::optional<LeaderEpoch>> leadership;
    std::optional<Error> failure;
    FollowerStreams streams;
    Partition partition;
    LeaderFeeds feeds;
    Healer healer;
    std::unique_ptr<PartitionHooks> listener;
  };

  explicit PartitionCluster(Options options);
  PartitionCluster() : PartitionCluster(Options()) {}

  // The process must live.
  Node& node(int id);
  bool is_up(int id) const { return nodes_.contains(id); }
  sim::Process& process(int id) { return world_.process(NameOf(id)); }
  sim::World& world() { return world_; }
  static std::string NameOf(int id) { return "node-" + std::to_string(id); }

  // What the controller does.
  void Start(int id);
  void Kill(int id, bool power_lost = false);
  // The node's session is lost: another leads, if it led, and it hears nothing until Unfence.
  void Fence(int id);
  void Unfence(int id);
  // Fences whoever dies or stands still, and unfences it when it is well again.
  void WatchFor(Duration time);
  void Lead(int id);
  void SetFlush(bool flush);
  // Of every node, as leader and as follower; bytes a second.
  void SetThrottle(int64_t as_leader, int64_t as_follower);
  // The controller is away: nobody is granted anything.
  void SetGranting(bool grants) { grants_ = grants; }
  const replica::Assignment& record() const { return state_.assignment; }
  int leader() const { return state_.assignment.leader.value(); }

  // One record, appended at `id`; its answer, when it has come.
  using Appending = std::shared_ptr<std::optional<Answer<AppendOutcome>>>;
  Appending Append(int id, std::string_view value, int acks,
                   Duration timeout = std::chrono::seconds(30));
  // Runs until the answer is there.
  Answer<AppendOutcome> Appended(int id, std::string_view value, int acks,
                                 Duration timeout = std::chrono::seconds(30));
  using Fetching = std::shared_ptr<std::optional<Answer<FetchOutcome>>>;
  Fetching Fetch(int id, int64_t offset, Duration max_wait = {}, size_t max_bytes = 1 << 20,
                 ReadFrom from = ReadFrom::kLeader);
  Answer<FetchOutcome> Fetched(int id, int64_t offset, Duration max_wait = {},
                               ReadFrom from = ReadFrom::kLeader);

  // All nodes are up, unfenced, in sync, and have shown all that the leader has.
  bool IsSettled() const;
  bool Settle(Duration within = std::chrono::minutes(1)) {
    return world_.RunUntil([this] { return IsSettled(); }, within);
  }
  // The whole log of a node, as it was stamped.
  std::string LogOf(int id);
  // The values of the records in `batches`, in order.
  static std::vector<std::string> ValuesOf(Bytes batches);
  static Bytes BatchOf(std::string_view value);

  // What nodes that start from now on find written down.
  Offset known_high_watermark;
  ClusterId cluster_id{Uuid::FromRandom(1, 2)};

 private:
  void Publish();
  void Tell(int id);
  void Elect();
  void Decide(int asker, const node::v1::ChangeIsr& ask);

  const Options options_;
  const PartitionId id_{TopicId(Uuid::FromRandom(3, 4)), PartitionIndex(0)};
  PartitionState state_;
  int64_t leader_rate_ = ByteRate::kUnlimited;
  int64_t follower_rate_ = ByteRate::kUnlimited;
  bool grants_ = true;
  int64_t last_node_epoch_ = 0;
  std::set<int> fenced_;
  std::map<int, Node*> nodes_;
  // Declared last: its processes, and the nodes in them, go first.
  sim::World world_;
};

}  // namespace weir::partition
