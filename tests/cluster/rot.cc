// SPDX-License-Identifier: Apache-2.0
#include "tests/cluster/rot.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "client/driver/consumer.h"
#include "client/driver/failure.h"
#include "common/codec/payload.h"
#include "common/metadata/image.h"
#include "common/records/batch.h"
#include "proto/log/log.pb.h"
#include "storage/log/log.h"
#include "storage/partition/healer.h"
#include "tests/checker/history.h"
#include "tests/checker/replicas.h"
#include "tests/cluster/cluster.h"
#include "tests/workload/producing.h"

namespace weir::cluster {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kNodes = 3;
constexpr int kPartitions = 3;
constexpr int kFlips = 8;

class Run {
 public:
  explicit Run(uint64_t seed)
      : cluster_(seed, {.controllers = 3,
                        .nodes = kNodes,
                        .scrub = {.bytes_per_second = 1 << 20, .round_min = milliseconds(500)}}) {
    Expect(cluster_.Boot(), "the cluster is not healthy: " + cluster_.Ailments());
    Expect(cluster_.CreateTopic("orders", kPartitions, kNodes,
                                {{"min.insync.replicas", "2"}, {"internal.segment.bytes", "8192"}}),
           "the topic is not there");
    if (!wrong_.empty()) return;
    producing_ = std::make_unique<workload::Producing>(
        cluster_, cluster_.routing(), workload::ProducingShape{.topic = "orders"}, history_);
    producing_->Begin();
    world().RunFor(seconds(4));
  }

  std::vector<std::string> Rot() {
    if (!wrong_.empty()) return wrong_;
    const auto before = Isrs();
    std::vector<Flipped> flipped;
    for (const Place& place : ClosedFiles()) {
      if (std::ssize(flipped) == kFlips) break;
      if (chance().Below(3) == 0) flipped.push_back(Flip(place));
    }
    Expect(!flipped.empty(), "nothing was closed to be damaged");
    for (const Flipped& each : flipped) ExpectNothingWrongServed(each);
    Expect(world().RunUntil([&] { return IsWhole(flipped); }, seconds(60)),
           "what was damaged is not mended after a minute: " + Left(flipped));
    Expect(Isrs() == before, "somebody left an ISR, or lost the lead, for a flipped bit");
    Finish();
    return wrong_;
  }

  std::vector<std::string> Deletion() {
    if (!wrong_.empty()) return wrong_;
    std::map<PartitionId, int64_t> starts;
    for (int round = 0; round < 3; ++round) {
      const PartitionId id = Partitions()[chance().Below(kPartitions)];
      if (auto start = Delete(id)) {
        starts[id] = std::max(starts[id], *start);
        const std::string leader = LeaderOf(id);
        cluster_.Kill(leader);
        world().RunFor(chance().Between(milliseconds(100), seconds(3)));
        ExpectDeleted(id, *start);
        cluster_.Restart(leader);
      }
      Expect(cluster_.RunUntilHealthy(seconds(60)), "not healthy: " + cluster_.Ailments());
    }
    for (const auto& [id, start] : starts) ExpectDeleted(id, start);
    Expect(!starts.empty(), "nothing was deleted");
    producing_->End();
    Expect(world().RunUntil([this] { return producing_->idle(); }, seconds(130)), "never idle");
    for (std::string& words : checker::CompareReplicas(cluster_)) wrong_.push_back(words);
    return wrong_;
  }

 private:
  struct Place {
    std::string node;
    std::string file;
    PartitionId partition;
    int64_t base = 0;
    int64_t end = 0;
  };
  struct Flipped {
    Place place;
    std::string before;
  };

  sim::World& world() { return cluster_.world(); }
  sim::Chance& chance() { return world().chance(); }
  void Expect(bool holds, const std::string& words) {
    if (!holds) wrong_.push_back(words);
  }
  metadata::Image image() {
    Expect(world().RunUntil([this] { return cluster_.active() != nullptr; }, seconds(30)),
           "no controller is active");
    return cluster_.active()->machine().committed();
  }
  std::vector<PartitionId> Partitions() {
    std::vector<PartitionId> partitions;
    for (const auto& [id, record] : image().partitions) partitions.push_back(id);
    return partitions;
  }
  std::string LeaderOf(const PartitionId& id) {
    return "node-" + std::to_string(image().partitions.Find(id)->leader.value());
  }
  std::map<PartitionId, std::pair<NodeId, std::vector<NodeId>>> Isrs() {
    std::map<PartitionId, std::pair<NodeId, std::vector<NodeId>>> isrs;
    for (const auto& [id, record] : image().partitions) isrs[id] = {record.leader, record.isr};
    return isrs;
  }

  // Each file once, on a node by chance.
  std::vector<Place> ClosedFiles() {
    std::vector<Place> places;
    for (const PartitionId& id : Partitions()) {
      const std::string folder =
          "partitions/" + id.topic.ToString() + "-" + std::to_string(id.index.value()) + "/";
      std::map<int64_t, std::string> files;
      for (const std::string& file : world().process("node-1").disk().Files()) {
        if (!file.starts_with(folder) || !file.ends_with(".log")) continue;
        files[std::stoll(file.substr(folder.size(), 20))] = file;
      }
      for (auto at = files.begin(); at != files.end() && std::next(at) != files.end(); ++at) {
        const std::string node = "node-" + std::to_string(1 + chance().Below(kNodes));
        const auto there = world().process(node).disk().Files();
        // It must be closed there too.
        const bool has_next = std::ranges::count(there, std::next(at)->second) > 0;
        if (!has_next) continue;
        places.push_back({node, at->second, id, at->first, std::next(at)->first});
      }
    }
    return places;
  }

  Flipped Flip(const Place& place) {
    sim::SimDisk& disk = world().process(place.node).disk();
    const std::string before = disk.Contents(place.file);
    disk.CorruptByte(place.file, chance().Below(before.size()));
    return {place, before};
  }

  // Asks the leader for all that the file holds, as a client does.
  void ExpectNothingWrongServed(const Flipped& flipped) {
    int64_t next = flipped.place.base;
    while (next < flipped.place.end) {
      weir::log::v1::FetchRequest request;
      request.set_topic_id(flipped.place.partition.topic.ToBytes());
      request.set_partition(flipped.place.partition.index.value());
      request.set_offset(next);
      auto answer =
          Call<weir::log::v1::FetchResponse>(LeaderOf(flipped.place.partition), "Fetch", request);
      if (!answer) return;
      records::BatchRun run(answer->second);
      while (true) {
        auto batch = run.Next();
        if (!batch) return wrong_.push_back("served: " + batch.error().message);
        if (!*batch) break;
        const records::BatchHeader& header = (*batch)->header;
        if (header.base_offset > Offset(next) || header.end_offset() <= Offset(next)) {
          return wrong_.push_back("served: a batch of other offsets than asked for");
        }
        next = header.end_offset().value();
      }
      if (next != answer->first.next_offset()) {
        return wrong_.push_back("served: not what the answer says");
      }
    }
  }

  // Nothing: refused.
  template <class Response, class Request>
  std::optional<std::pair<Response, Bytes>> Call(const std::string& node, const std::string& method,
                                                 const Request& request) {
    std::optional<std::pair<host::CallStatus, Bytes>> answer;
    cluster_.client_process().host().network.Call(
        node + ":9292", "/weir.log.v1.Log/" + method,
        {Bytes::FromString(request.SerializeAsString())}, seconds(10),
        [&](host::CallStatus status, Bytes bytes) { answer.emplace(status, std::move(bytes)); });
    world().RunUntil([&] { return answer.has_value(); }, seconds(20));
    if (!answer || !answer->first.ok()) return std::nullopt;
    Response response;
    constexpr int kRecordsField = 15;
    auto payload = codec::SplitPayload(answer->second, kRecordsField, &response);
    if (!payload) return std::nullopt;
    return std::pair(std::move(response), std::move(*payload));
  }

  bool IsWhole(const std::vector<Flipped>& flipped) { return Left(flipped).empty(); }
  std::string Left(const std::vector<Flipped>& flipped) {
    for (const Flipped& each : flipped) {
      sim::SimDisk& disk = world().process(each.place.node).disk();
      if (disk.Contents(each.place.file) != each.before) {
        return each.place.file + " on " + each.place.node;
      }
    }
    for (const std::string& name : cluster_.node_names()) {
      storage::StorageNode* node = cluster_.node(name);
      if (node->healer()->ailing() > 0) return name + " is not done";
    }
    return "";
  }

  // Up to some offset that is committed; where the log begins then.
  std::optional<int64_t> Delete(const PartitionId& id) {
    weir::log::v1::OffsetsRequest whose;
    whose.set_topic_id(id.topic.ToBytes());
    whose.set_partition(id.index.value());
    auto offsets = Call<weir::log::v1::OffsetsResponse>(LeaderOf(id), "Offsets", whose);
    if (!offsets) return std::nullopt;
    const int64_t start = offsets->first.log_start();
    const int64_t end = offsets->first.high_watermark();
    if (end <= start) return std::nullopt;
    const int64_t before =
        start + 1 + static_cast<int64_t>(chance().Below(static_cast<uint64_t>(end - start)));
    weir::log::v1::DeleteRecordsRequest request;
    request.set_topic_id(id.topic.ToBytes());
    request.set_partition(id.index.value());
    request.set_before(before);
    auto deleted =
        Call<weir::log::v1::DeleteRecordsResponse>(LeaderOf(id), "DeleteRecords", request);
    if (!deleted) return std::nullopt;
    Expect(deleted->first.log_start() >= before, "the log begins before what was deleted");
    return before;
  }

  void ExpectDeleted(const PartitionId& id, int64_t start) {
    Expect(world().RunUntil(
               [&] {
                 if (LeaderOf(id) == "node--1") return false;
                 storage::StorageNode* node = cluster_.node(LeaderOf(id));
                 auto* partition = node ? node->partitions()->Find(id) : nullptr;
                 return partition != nullptr && partition->leads();
               },
               seconds(30)),
           "nobody leads after a kill");
    if (!wrong_.empty()) return;
    auto* partition = cluster_.node(LeaderOf(id))->partitions()->Find(id);
    Expect(partition->log()->start() >= Offset(start), "deleted records are back");
  }

  void Finish() {
    producing_->End();
    Expect(world().RunUntil([this] { return producing_->idle(); }, seconds(130)), "never idle");
    world().RunFor(seconds(2));
    std::optional<Answer<void>> ended;
    client::Consumer consumer(
        cluster_.client_process().host(), cluster_.routing(),
        {.topic = "orders", .until_end = true},
        {.records =
             [&](PartitionIndex partition, std::vector<client::ReadRecord> records) {
               for (const client::ReadRecord& record : records) {
                 history_.Found(partition, record.offset, record.key->ToString(),
                                record.value->ToString());
               }
             },
         .end = [&](Answer<void> how) { ended = std::move(how); }});
    consumer.Start();
    Expect(world().RunUntil([&] { return ended.has_value(); }) && ended && ended->has_value(),
           "it cannot be read to its end");
    for (std::string& words : history_.Judge()) wrong_.push_back(std::move(words));
    for (std::string& words : checker::CompareReplicas(cluster_))
      wrong_.push_back(std::move(words));
    for (const std::string& words : cluster_.failures()) wrong_.push_back(words);
  }

  std::vector<std::string> wrong_;
  Cluster cluster_;
  checker::History history_;
  std::unique_ptr<workload::Producing> producing_;
};

}  // namespace

std::vector<std::string> WrongAfterRot(uint64_t seed) { return Run(seed).Rot(); }

std::vector<std::string> WrongAfterDeletion(uint64_t seed) { return Run(seed).Deletion(); }

}  // namespace weir::cluster
