// SPDX-License-Identifier: Apache-2.0
#include "storage/partition/cluster_fixture.h"

#include <glog/logging.h>

#include <algorithm>
#include <utility>

#include "common/records/batch.h"
#include "common/records/batch_builder.h"
#include "common/records/record_reader.h"

namespace weir::partition {
namespace {

using std::chrono::milliseconds;

// How often the controller looks who is well.
constexpr Duration kLook = milliseconds(100);

host::Endpoint EndpointOf(int id) { return PartitionCluster::NameOf(id) + ":9000"; }

}  // namespace

PartitionCluster::Node::Node(PartitionCluster* cluster, int id, host::Host host)
    : cluster(cluster),
      id(id),
      host(host),
      streams(
          host, [cluster] { return cluster->cluster_id; }, NodeId(id),
          [](NodeId node) { return EndpointOf(node.value()); }),
      partition(host, cluster->id_, NodeId(id), "partition", this, &streams,
                {.lag_max = cluster->options_.lag_max}, cluster->known_high_watermark),
      feeds(
          host, [cluster] { return cluster->cluster_id; },
          [this](const PartitionId& asked) {
            return asked == partition.id() ? &partition : nullptr;
          }),
      healer(
          host, [cluster] { return cluster->cluster_id; },
          [this](const PartitionId& asked) {
            return asked == partition.id() ? &partition : nullptr;
          },
          [](NodeId node) { return EndpointOf(node.value()); }) {
  CHECK(host.network.Listen(EndpointOf(id),
                            {{kFollowMethod, feeds.Method()}, {kCopyMethod, healer.Method()}}));
  feeds.SetThrottle(cluster->leader_rate_);
  streams.SetThrottle(cluster->follower_rate_);
  if (cluster->options_.listen) listener = cluster->options_.listen(host, &partition);
  cluster->nodes_[id] = this;
}

PartitionCluster::Node::~Node() { cluster->nodes_.erase(id); }

void PartitionCluster::Node::HighWatermarkRaised(const PartitionId& which, Offset to) {
  raised_to = to;
  if (listener) listener->HighWatermarkRaised(which, to);
}

void PartitionCluster::Node::LeadershipChanged(const PartitionId& which,
                                               std::optional<LeaderEpoch> leads) {
  leadership.push_back(leads);
  if (listener) listener->LeadershipChanged(which, leads);
}

void PartitionCluster::Node::AskIsr(const node::v1::ChangeIsr& ask) {
  ++asks;
  cluster->world_.After(milliseconds(1), [c = cluster, id = id, ask] { c->Decide(id, ask); });
}

PartitionCluster::PartitionCluster(Options options) : options_(options), world_(options.seed) {
  state_.assignment.leader = NodeId(1);
  state_.assignment.leader_epoch = LeaderEpoch(0);
  state_.assignment.partition_epoch = PartitionEpoch(0);
  state_.assignment.min_isr = options.min_isr;
  state_.assignment.flush = options.flush;
  state_.log = options.log;
  for (int id = 1; id <= options.nodes; ++id) {
    state_.assignment.replicas[NodeId(id)] = {};
    state_.assignment.isr.insert(NodeId(id));
    world_.AddProcess(NameOf(id));
  }
  for (int id = 1; id <= options.nodes; ++id) Start(id);
}

PartitionCluster::Node& PartitionCluster::node(int id) {
  CHECK(is_up(id)) << "node " << id << " is dead";
  return *nodes_.at(id);
}

void PartitionCluster::Start(int id) {
  // A new life of a node ends what the one before it led, noticed or not.
  const bool is_new = state_.assignment.replicas.at(NodeId(id)).epoch == kNoNodeEpoch;
  if (!is_new && !fenced_.contains(id)) Fence(id);
  process(id).Start([this, id](host::Host host) { return std::make_shared<Node>(this, id, host); });
  replica::Member& member = state_.assignment.replicas.at(NodeId(id));
  member.epoch = nodes_.at(id)->epoch = NodeEpoch(++last_node_epoch_);
  Unfence(id);
}

void PartitionCluster::Kill(int id, bool power_lost) {
  if (power_lost) {
    process(id).PowerLoss();
  } else {
    process(id).Kill();
  }
  Fence(id);
}

void PartitionCluster::Fence(int id) {
  fenced_.insert(id);
  replica::Assignment& record = state_.assignment;
  record.replicas.at(NodeId(id)).active = false;
  if (record.isr.size() > 1) record.isr.erase(NodeId(id));
  Elect();
  Publish();
}

void PartitionCluster::Unfence(int id) {
  fenced_.erase(id);
  state_.assignment.replicas.at(NodeId(id)).active = true;
  Elect();
  Publish();
}

void PartitionCluster::WatchFor(Duration time) {
  for (const auto& [node, member] : state_.assignment.replicas) {
    const int id = node.value();
    const bool is_well = is_up(id) && !process(id).paused();
    if (is_well == !fenced_.contains(id)) continue;
    if (is_well) {
      Unfence(id);
    } else {
      Fence(id);
    }
  }
  if (time > kLook) world_.After(kLook, [this, time] { WatchFor(time - kLook); });
}

void PartitionCluster::Lead(int id) {
  state_.assignment.leader = NodeId(id);
  state_.assignment.leader_epoch = state_.assignment.leader_epoch + 1;
  Publish();
}

void PartitionCluster::SetFlush(bool flush) {
  state_.assignment.flush = flush;
  Publish();
}

void PartitionCluster::SetThrottle(int64_t as_leader, int64_t as_follower) {
  leader_rate_ = as_leader;
  follower_rate_ = as_follower;
  state_.throttled_as_leader = as_leader != ByteRate::kUnlimited;
  state_.throttled_as_follower = as_follower != ByteRate::kUnlimited;
  for (auto& [id, node] : nodes_) {
    node->feeds.SetThrottle(as_leader);
    node->streams.SetThrottle(as_follower);
  }
  Publish();
}

void PartitionCluster::Elect() {
  replica::Assignment& record = state_.assignment;
  if (record.leader != kNoNode && record.replicas.at(record.leader).active) return;
  const NodeId before = std::exchange(record.leader, kNoNode);
  for (NodeId candidate : record.isr) {
    if (record.replicas.at(candidate).active && record.leader == kNoNode) {
      record.leader = candidate;
    }
  }
  if (record.leader != before) record.leader_epoch = record.leader_epoch + 1;
}

void PartitionCluster::Publish() {
  state_.assignment.partition_epoch = state_.assignment.partition_epoch + 1;
  for (const auto& [id, node] : nodes_) Tell(id);
}

void PartitionCluster::Tell(int id) {
  if (fenced_.contains(id)) return;
  const NodeEpoch epoch = nodes_.at(id)->epoch;
  world_.After(milliseconds(1), [this, id, epoch, state = state_] {
    if (!is_up(id) || node(id).epoch != epoch || fenced_.contains(id)) return;
    node(id).host.strand.Post([node = nodes_.at(id), state] { node->partition.Apply(state); });
  });
}

void PartitionCluster::Decide(int asker, const node::v1::ChangeIsr& ask) {
  if (!grants_ || !is_up(asker) || fenced_.contains(asker)) return;
  replica::Assignment& record = state_.assignment;
  std::optional<ErrorCode> refused;
  std::set<NodeId> isr;
  for (const auto& member : ask.isr()) {
    const NodeId id(member.node_id());
    const replica::Member& known = record.replicas.at(id);
    if (!known.active || known.epoch != NodeEpoch(member.node_epoch())) {
      refused = ErrorCode::kIneligibleReplica;
    }
    isr.insert(id);
  }
  if (ask.partition_epoch() != record.partition_epoch.value()) {
    refused = ErrorCode::kInvalidUpdateVersion;
  }
  if (ask.leader_epoch() != record.leader_epoch.value()) refused = ErrorCode::kFencedLeaderEpoch;
  if (!refused) {
    record.isr = std::move(isr);
    return Publish();
  }
  node(asker).host.strand.Post(
      [node = nodes_.at(asker), code = *refused, epoch = PartitionEpoch(ask.partition_epoch())] {
        node->partition.IsrRefused(epoch, code);
      });
}

Bytes PartitionCluster::BatchOf(std::string_view value) {
  records::BatchBuilder batch;
  batch.Add(WallTime{1}, std::nullopt, value);
  return batch.Build();
}

PartitionCluster::Appending PartitionCluster::Append(int id, std::string_view value, int acks,
                                                     Duration timeout) {
  auto answer = std::make_shared<std::optional<Answer<AppendOutcome>>>();
  node(id).host.strand.Post([node = &node(id), batch = BatchOf(value), acks, timeout, answer] {
    node->partition.Append(batch, acks, timeout, [answer](Answer<AppendOutcome> told) {
      CHECK(!answer->has_value()) << "answered twice";
      *answer = std::move(told);
    });
  });
  return answer;
}

Answer<AppendOutcome> PartitionCluster::Appended(int id, std::string_view value, int acks,
                                                 Duration timeout) {
  auto answer = Append(id, value, acks, timeout);
  CHECK(world_.RunUntil([&] { return answer->has_value(); })) << "never answered";
  return **answer;
}

PartitionCluster::Fetching PartitionCluster::Fetch(int id, int64_t offset, Duration max_wait,
                                                   size_t max_bytes, ReadFrom from) {
  auto answer = std::make_shared<std::optional<Answer<FetchOutcome>>>();
  node(id).host.strand.Post([node = &node(id), offset, max_wait, max_bytes, from, answer] {
    node->partition.Fetch(
        Offset(offset), max_bytes, max_wait,
        [answer](Answer<FetchOutcome> told) {
          CHECK(!answer->has_value()) << "answered twice";
          *answer = std::move(told);
        },
        nullptr, from);
  });
  return answer;
}

Answer<FetchOutcome> PartitionCluster::Fetched(int id, int64_t offset, Duration max_wait,
                                               ReadFrom from) {
  auto answer = Fetch(id, offset, max_wait, 1 << 20, from);
  CHECK(world_.RunUntil([&] { return answer->has_value(); })) << "never answered";
  return **answer;
}

bool PartitionCluster::IsSettled() const {
  if (std::ssize(nodes_) < options_.nodes || !fenced_.empty()) return false;
  if (std::ssize(record().isr) < options_.nodes) return false;
  auto leading = nodes_.find(leader());
  if (leading == nodes_.end() || !leading->second->partition.leads()) return false;
  const Offset end = leading->second->partition.log()->end();
  return std::all_of(nodes_.begin(), nodes_.end(), [&](const auto& entry) {
    const Partition& partition = entry.second->partition;
    return partition.is_open() && partition.log()->end() == end &&
           partition.high_watermark() == end && partition.state() == state_;
  });
}

std::string PartitionCluster::LogOf(int id) {
  Partition& partition = node(id).partition;
  std::string all;
  Offset from = partition.log()->start();
  while (from < partition.log()->written()) {
    std::optional<Result<Bytes>> read;
    // Only tests read a log that is not theirs to change.
    const_cast<log::Log*>(partition.log())
        ->Read(from, partition.log()->written(), 1 << 20,
               [&](Result<Bytes> bytes) { read = std::move(bytes); });
    CHECK(world_.RunUntil([&] { return read.has_value(); }));
    CHECK(read->has_value()) << read->error();
    all += (*read)->view();
    records::BatchRun run(**read);
    while (auto batch = *run.Next()) from = batch->header.end_offset();
  }
  return all;
}

std::vector<std::string> PartitionCluster::ValuesOf(Bytes batches) {
  std::vector<std::string> values;
  records::BatchRun run(std::move(batches));
  while (auto batch = *run.Next()) {
    records::RecordReader reader(batch->header, batch->bytes.view());
    while (auto record = *reader.Next()) values.emplace_back(record->value.value_or(""));
  }
  return values;
}

}  // namespace weir::partition
