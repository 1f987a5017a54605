// SPDX-License-Identifier: Apache-2.0
// Any bytes as an entry, or as a snapshot, that came over a port: judged, and never believed.
#include <glog/logging.h>

#include "common/metadata/apply.h"
#include "common/metadata/diff.h"
#include "common/metadata/records.h"
#include "common/metadata/snapshot.h"
#include "tests/fuzz/target.h"

namespace weir::fuzz {
namespace {

using metadata::Image;
namespace v1 = metadata::v1;

template <class Id>
Id Made(uint64_t number) {
  return Id(Uuid::FromRandom(number, number * 31 + 7));
}

metadata::Node MadeNode(int32_t id) {
  metadata::Node node;
  node.id = NodeId(id);
  node.epoch = NodeEpoch(id);
  node.incarnation = Made<Incarnation>(static_cast<uint64_t>(100 + id));
  node.listeners = {{"client", "host", 1000 + id}};
  node.directories = {Made<DirectoryId>(static_cast<uint64_t>(200 + id))};
  node.features = {{"metadata", 1, 1}};
  node.state = metadata::NodeState::kActive;
  return node;
}

metadata::Partition MadePartition() {
  metadata::Partition partition;
  for (int32_t id : {1, 2}) {
    partition.replicas.push_back({NodeId(id), Made<DirectoryId>(static_cast<uint64_t>(200 + id))});
    partition.isr.push_back(NodeId(id));
  }
  partition.leader = NodeId(1);
  return partition;
}

const metadata::ConfigKey kConfig{metadata::ConfigScope::kCluster, "", "min.insync.replicas"};

// A small cluster: what an entry is judged upon.
std::vector<v1::Record> Cluster() {
  std::string value = "2";
  return {metadata::ToClusterRecord(Made<ClusterId>(1), WallTime{5}),
          metadata::ToRecord(
              std::vector<metadata::Voter>{{ControllerId(1), Made<DirectoryId>(9), "c:1"}}),
          metadata::ToFeatureRecord("metadata", 1),
          metadata::ToTermRecord(Term(2), ControllerId(1)),
          metadata::ToRecord(MadeNode(1)),
          metadata::ToRecord(MadeNode(2)),
          metadata::ToRecord(metadata::Topic{Made<TopicId>(50), "topic", WallTime{6}}),
          metadata::ToRecord({Made<TopicId>(50), PartitionIndex(0)}, MadePartition()),
          metadata::ToRecord(kConfig, &value)};
}

Image Folded() {
  v1::Entry entry;
  for (const v1::Record& record : Cluster()) *entry.add_records() = record;
  return metadata::Apply(Image(), entry, LogIndex(5), Term(2));
}

std::string Entry(std::vector<v1::Record> records) {
  v1::Entry entry;
  for (v1::Record& record : records) *entry.add_records() = std::move(record);
  return entry.SerializeAsString();
}

// What passed every check is an image like any other: it can be compared, written and read.
void Use(const Image& before, const Image& after) {
  metadata::Diff(before, after);
  metadata::Violations(after);
  auto again = metadata::JudgeSnapshot(metadata::WriteSnapshot(after));
  CHECK(again) << again.error();
  CHECK(*again == after);
}

void Feed(std::string_view bytes) {
  static const Image image = Folded();
  v1::Entry entry;
  if (entry.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    auto judged = metadata::Judge(image, entry, LogIndex(6), Term(2));
    if (judged) Use(image, *judged);
  }
  if (auto judged = metadata::JudgeSnapshot(bytes)) Use(Image(), *judged);
}

}  // namespace

Target MakeTarget() {
  metadata::Partition moved = MadePartition();
  moved.isr = {NodeId(2)};
  moved.eligible_leaders = {NodeId(1)};
  moved.leader = NodeId(2);
  moved.leader_epoch = LeaderEpoch(1);
  moved.partition_epoch = PartitionEpoch(1);
  metadata::Node again = MadeNode(2);
  again.epoch = NodeEpoch(6);
  return {.seeds = {metadata::ToSnapshot(Folded()).SerializeAsString(),
                    Entry({metadata::ToRecord({Made<TopicId>(50), PartitionIndex(0)}, moved),
                           metadata::ToRecord({Made<TopicId>(50), PartitionIndex(1)},
                                              MadePartition())}),
                    Entry({metadata::ToRecord(again), metadata::ToRecord(kConfig, nullptr)}),
                    Entry({metadata::ToRemoveTopicRecord(Made<TopicId>(50))}),
                    Entry({metadata::ToTermRecord(Term(3), ControllerId(1)),
                           metadata::ToRecord(metadata::ProducerIds{
                               NodeId(1), NodeEpoch(1), ProducerId(0), ProducerId(1000)}),
                           metadata::ToRecord(
                               metadata::RecentRequests::Request{Made<RequestId>(70), "answer"})})},
          .feed = Feed,
          // An empty record is 2 bytes on the wire, and a message of its own in memory.
          .bytes_per_byte_max = 400};
}

}  // namespace weir::fuzz
