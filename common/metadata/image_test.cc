// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <set>

#include "common/metadata/apply.h"
#include "common/metadata/diff.h"
#include "common/metadata/placement.h"
#include "common/metadata/records.h"
#include "common/metadata/snapshot.h"
#include "common/metadata/topic_config.h"
#include "common/metadata/topic_name.h"

namespace weir::metadata {
namespace {

template <class Id>
Id Made(uint64_t number) {
  return Id(Uuid::FromRandom(number, number * 31 + 7));
}

Node MadeNode(int32_t id, const std::string& rack) {
  Node node;
  node.id = NodeId(id);
  node.epoch = NodeEpoch(id);
  node.incarnation = Made<Incarnation>(static_cast<uint64_t>(100 + id));
  node.listeners = {{"client", "host", 1000 + id}};
  node.rack = rack;
  node.directories = {Made<DirectoryId>(static_cast<uint64_t>(200 + id))};
  node.state = NodeState::kActive;
  return node;
}

Partition MadePartition(const Image& image, std::vector<int32_t> nodes) {
  Partition partition;
  for (int32_t id : nodes) {
    partition.replicas.push_back({NodeId(id), image.nodes.Find(NodeId(id))->directories[0]});
    partition.isr.push_back(NodeId(id));
  }
  std::ranges::sort(partition.isr);
  partition.leader = NodeId(nodes[0]);
  return partition;
}

// A cluster's life: every kind of record, and things that come and go.
std::vector<v1::Record> Life() {
  Image image;
  std::vector<v1::Record> records;
  auto add = [&](const v1::Record& record) {
    records.push_back(record);
    image = Apply(std::move(image), record);
  };
  add(ToClusterRecord(Made<ClusterId>(1), WallTime{5}));
  add(ToRecord(std::vector<Voter>{{ControllerId(1), Made<DirectoryId>(9), "c:1"}}));
  add(ToFeatureRecord("metadata", 1));
  add(ToTermRecord(Term(2), ControllerId(1)));
  for (int32_t id : {1, 2, 3}) add(ToRecord(MadeNode(id, id == 3 ? "b" : "a")));
  for (uint64_t t : {50, 51}) {
    auto topic = Made<TopicId>(t);
    add(ToRecord(Topic{topic, "topic-" + std::to_string(t), WallTime{6}}));
    std::string value = "2";
    add(ToRecord(ConfigKey{ConfigScope::kTopic, topic.ToString(), "min.insync.replicas"}, &value));
    add(ToRecord({topic, PartitionIndex(0)}, MadePartition(image, {1, 2, 3})));
    add(ToRecord({topic, PartitionIndex(1)}, MadePartition(image, {2, 3, 1})));
  }
  PartitionId first{Made<TopicId>(50), PartitionIndex(0)};
  Partition moved = *image.partitions.Find(first);
  moved.isr = {NodeId(2)};
  moved.eligible_leaders = {NodeId(1)};
  moved.leader = NodeId(2);
  ++moved.leader_epoch;
  ++moved.partition_epoch;
  add(ToRecord(first, moved));
  add(ToRecord(ProducerIds{NodeId(1), NodeEpoch(1), ProducerId(0), ProducerId(1000)}));
  add(ToRecord(RecentRequests::Request{Made<RequestId>(70), "answer"}));
  add(ToRemoveTopicRecord(Made<TopicId>(51)));
  return records;
}

v1::Entry EntryOf(const std::vector<v1::Record>& records, size_t from, size_t to) {
  v1::Entry entry;
  for (size_t i = from; i < to; ++i) *entry.add_records() = records[i];
  return entry;
}

Image Folded(const std::vector<v1::Record>& records) {
  return Apply(Image(), EntryOf(records, 0, records.size()), LogIndex(2), Term(2));
}

TEST(Image, EverySplitOfAStreamFoldsToTheSame) {
  auto records = Life();
  Image whole = Folded(records);
  for (size_t split = 1; split < records.size(); ++split) {
    Image parts = Apply(Image(), EntryOf(records, 0, split), LogIndex(1), Term(1));
    parts = Apply(parts, EntryOf(records, split, records.size()), LogIndex(2), Term(2));
    EXPECT_EQ(parts, whole) << "split at " << split;
  }
}

TEST(Image, ARemovedTopicLeavesNothingBehind) {
  Image image = Folded(Life());
  EXPECT_EQ(image.TopicNamed("topic-51"), nullptr);
  EXPECT_EQ(image.PartitionCount(Made<TopicId>(51)), 0);
  EXPECT_EQ(image.PartitionCount(Made<TopicId>(50)), 2);
  EXPECT_EQ(image.configs.size(), 1u);
}

TEST(Image, AnOlderCopyNeverChanges) {
  auto records = Life();
  Image before = Apply(Image(), EntryOf(records, 0, 8), LogIndex(1), Term(1));
  std::string bytes = SerializeDeterministically(ToSnapshot(before));
  Image after = Apply(before, EntryOf(records, 8, records.size()), LogIndex(2), Term(2));
  EXPECT_EQ(SerializeDeterministically(ToSnapshot(before)), bytes);
  EXPECT_FALSE(before == after);
}

TEST(Snapshot, RoundTripsToEqualImagesAndBytes) {
  Image image = Folded(Life());
  v1::Snapshot snapshot = ToSnapshot(image);
  Image again = FromSnapshot(snapshot);
  EXPECT_EQ(again, image);
  EXPECT_EQ(SerializeDeterministically(ToSnapshot(again)), SerializeDeterministically(snapshot));
}

TEST(Snapshot, IsWrittenAndReadRecordByRecord) {
  Image image = Folded(Life());
  std::string bytes = WriteSnapshot(image);
  EXPECT_EQ(bytes, SerializeDeterministically(ToSnapshot(image)));
  EXPECT_EQ(*ReadSnapshot(bytes), image);
  EXPECT_EQ(*ReadSnapshot(WriteSnapshot(Image())), Image());
}

TEST(Snapshot, IsTheSameInPieces) {
  Image image = Folded(Life());
  SnapshotWriter writer(image);
  std::string all;
  int pieces = 0;
  for (std::string piece = writer.Next(60); !piece.empty(); piece = writer.Next(60)) {
    all += piece;
    ++pieces;
  }
  EXPECT_GT(pieces, 3);
  EXPECT_EQ(all, WriteSnapshot(image));
}

TEST(Snapshot, BytesThatEndWithinARecordAreRefused) {
  std::string bytes = WriteSnapshot(Folded(Life()));
  EXPECT_FALSE(ReadSnapshot(std::string_view(bytes).substr(0, bytes.size() - 1)));
  bytes.back() = '\0';
  bytes += '\0';
  EXPECT_FALSE(ReadSnapshot(bytes));
  EXPECT_FALSE(ReadSnapshot("\x1a\xff\xff\xff\xff\x7f"));
}

TEST(Diff, NamesWhatChangedAndNothingElse) {
  auto records = Life();
  Image before = Apply(Image(), EntryOf(records, 0, records.size() - 4), LogIndex(1), Term(1));
  Image after = Folded(records);
  Changes changes = Diff(before, after);
  // Topic 51 went, with two partitions; a partition of topic 50 changed its leader.
  ASSERT_EQ(changes.topics.size(), 1u);
  EXPECT_TRUE(changes.topics[0].is_removed());
  ASSERT_EQ(changes.partitions.size(), 3u);
  EXPECT_EQ(std::ranges::count_if(changes.partitions, [](auto& c) { return c.is_removed(); }), 2);
  EXPECT_TRUE(changes.nodes.empty());
  EXPECT_EQ(changes.configs.size(), 1u);
  EXPECT_TRUE(changes.producer_ids.has_value());
  EXPECT_EQ(Diff(after, after), Changes());
}

TEST(Placement, SpreadsLeadersAndReplicas) {
  Image image;
  for (int32_t id = 1; id <= 6; ++id) {
    image.nodes.Set(NodeId(id), MadeNode(id, std::string(1, static_cast<char>('a' + id % 3))));
  }
  for (uint64_t seed = 0; seed < 50; ++seed) {
    auto places = Place(image, 24, 3, seed);
    ASSERT_EQ(places.size(), 24u);
    std::map<NodeId, int> leaders;
    std::map<NodeId, int> replicas;
    for (const auto& place : places) {
      std::set<std::string> racks;
      for (const Replica& replica : place) {
        racks.insert(image.nodes.Find(replica.node)->rack);
        ++replicas[replica.node];
      }
      EXPECT_EQ(racks.size(), 3u) << "three racks hold one replica each";
      ++leaders[place.front().node];
    }
    for (int32_t id = 1; id <= 6; ++id) {
      EXPECT_EQ(leaders[NodeId(id)], 4) << "seed " << seed;
      EXPECT_NEAR(replicas[NodeId(id)], 12, 1) << "seed " << seed;
    }
    EXPECT_EQ(places, Place(image, 24, 3, seed));
  }
}

TEST(Placement, FillsTheDirectoryThatHasLeast) {
  Node node = MadeNode(1, "");
  for (uint64_t d : {301, 302, 303}) node.directories.push_back(Made<DirectoryId>(d));
  node.failed_directories = {node.directories[2]};
  Image image;
  image.nodes.Set(node.id, node);
  for (uint64_t seed = 0; seed < 20; ++seed) {
    // The first holds five already, the third does not work.
    Image now = image;
    for (int32_t i = 0; i < 5; ++i) {
      now.partitions.Set({Made<TopicId>(50), PartitionIndex(i)}, MadePartition(now, {1}));
    }
    std::map<DirectoryId, int> placed;
    for (const auto& place : Place(now, 13, 1, seed)) ++placed[place[0].directory];
    EXPECT_EQ(placed,
              (std::map<DirectoryId, int>{
                  {node.directories[0], 1}, {node.directories[1], 6}, {node.directories[3], 6}}))
        << "seed " << seed;
  }
}

TEST(Placement, SpreadsLeadersOverTheDirectoriesOfANode) {
  Image image;
  for (int32_t id : {1, 2}) {
    Node node = MadeNode(id, "");
    node.directories.push_back(Made<DirectoryId>(static_cast<uint64_t>(300 + id)));
    image.nodes.Set(node.id, node);
  }
  for (uint64_t seed = 0; seed < 20; ++seed) {
    std::map<DirectoryId, int> leaders;
    std::map<DirectoryId, int> replicas;
    for (const auto& place : Place(image, 8, 2, seed)) {
      ++leaders[place[0].directory];
      for (const Replica& replica : place) ++replicas[replica.directory];
    }
    for (const auto& [id, node] : image.nodes) {
      for (const DirectoryId& directory : node.directories) {
        EXPECT_EQ(leaders[directory], 2) << "seed " << seed;
        EXPECT_EQ(replicas[directory], 4) << "seed " << seed;
      }
    }
  }
}

TEST(Placement, LeavesOutWhoIsNotActive) {
  Image image;
  for (int32_t id = 1; id <= 3; ++id) image.nodes.Set(NodeId(id), MadeNode(id, ""));
  Node fenced = MadeNode(2, "");
  fenced.state = NodeState::kFenced;
  image.nodes.Set(NodeId(2), fenced);
  EXPECT_EQ(PlaceableNodes(image), (std::vector<NodeId>{NodeId(1), NodeId(3)}));
}

TEST(TopicConfig, RefusesInWordsThatHelp) {
  struct Case {
    const char* key;
    const char* value;
    const char* words;  // Null: it is right.
  };
  for (const Case& c :
       {Case{"min.insync.replicas", "2", nullptr}, Case{"min.insync.replicas", "0", "1"},
        Case{"min.insync.replica", "2", "min.insync.replicas"}, Case{"retention.ms", "-1", nullptr},
        Case{"retention.ms", "soon", "retention.ms"}, Case{"segment.bytes", "1000", "1048576"},
        Case{"internal.segment.bytes", "1000", nullptr}, Case{"weir.durability", "flush", nullptr},
        Case{"weir.durability", "disk", "flush"}, Case{"cleanup.policy", "delete,compact", nullptr},
        Case{"cleanup.policy", "shred", "compact"},
        Case{"unclean.leader.election.enable", "maybe", "true"}}) {
    auto answer = ValidateTopicConfig(c.key, c.value);
    EXPECT_EQ(answer.has_value(), c.words == nullptr) << c.key << "=" << c.value;
    if (c.words && !answer) {
      EXPECT_NE(answer.error().message.find(c.words), std::string::npos) << answer.error();
    }
  }
}

TEST(TopicName, IsKafkas) {
  for (const char* good : {"a", "A.b_c-9", "..."}) EXPECT_TRUE(ValidateTopicName(good)) << good;
  for (const char* bad : {"", ".", "..", "a b", "a/b", "ä"}) {
    EXPECT_FALSE(ValidateTopicName(bad)) << bad;
  }
  EXPECT_TRUE(ValidateTopicName(std::string(249, 'a')));
  EXPECT_FALSE(ValidateTopicName(std::string(250, 'a')));
}

}  // namespace
}  // namespace weir::metadata
