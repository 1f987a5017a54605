// SPDX-License-Identifier: Apache-2.0
#include "common/metadata/apply.h"

#include <glog/logging.h>

#include <algorithm>
#include <set>

#include "common/metadata/records.h"

namespace weir::metadata {
namespace {

// One record on its way into an image.
class Application {
 public:
  Application(Image& image, const v1::Record& record) : image_(image), record_(record) {}

  void Run() {
    Fits(IsKnown(record_), "its kind is known to this version");
    switch (record_.record_case()) {
      case v1::Record::kCluster:
        return Apply(record_.cluster());
      case v1::Record::kFeatureLevel:
        return Apply(record_.feature_level());
      case v1::Record::kNode:
        return Apply(record_.node());
      case v1::Record::kRemoveNode:
        return Apply(record_.remove_node());
      case v1::Record::kTopic:
        return Apply(record_.topic());
      case v1::Record::kRemoveTopic:
        return Apply(record_.remove_topic());
      case v1::Record::kPartition:
        return Apply(record_.partition());
      case v1::Record::kConfig:
        return Apply(record_.config());
      case v1::Record::kProducerIds:
        return Apply(record_.producer_ids());
      case v1::Record::kRequest:
        return Apply(record_.request());
      case v1::Record::kTerm:
        return Apply(record_.term());
      case v1::Record::kVoters:
        image_.voters = FromRecord(record_.voters());
        return;
      case v1::Record::RECORD_NOT_SET:
        break;
    }
    Fits(false, "its kind is known to this version");
  }

 private:
  void Fits(bool holds, const char* claim) const {
    CHECK(holds) << "a metadata record does not fit the image at index " << image_.index
                 << ": expected that " << claim << "; the record: " << record_.ShortDebugString();
  }

  void Apply(const v1::ClusterRecord& record) {
    Fits(IsKnown(record), "its fields are known");
    Fits(image_.cluster_id.is_nil(), "the cluster is not born yet");
    image_.cluster_id = ClusterId(UuidOf(record.cluster_id()));
    image_.created_at = WallTime{record.created_at_ms()};
  }

  void Apply(const v1::FeatureLevelRecord& record) {
    Fits(IsKnown(record), "its fields are known");
    Fits(record.level() >= 1, "levels begin at 1");
    image_.features.Set(record.name(), record.level());
  }

  void Apply(const v1::NodeRecord& record) {
    Node node = FromRecord(record);
    Fits(node.id.value() >= 0, "node ids are not negative");
    if (const Node* known = image_.nodes.Find(node.id)) {
      Fits(node.epoch >= known->epoch, "node epochs do not fall");
      Fits(node.epoch > known->epoch || node.incarnation == known->incarnation,
           "one node epoch is one incarnation");
    }
    image_.nodes.Set(node.id, std::move(node));
  }

  void Apply(const v1::RemoveNodeRecord& record) {
    Fits(IsKnown(record), "its fields are known");
    Fits(image_.nodes.Erase(NodeId(record.node_id())), "the node is there");
  }

  void Apply(const v1::TopicRecord& record) {
    Topic topic = FromRecord(record);
    Fits(!image_.topics.Contains(topic.id), "the topic's id is new");
    Fits(!image_.topic_ids.Contains(topic.name), "the topic's name is free");
    image_.topic_ids.Set(topic.name, topic.id);
    image_.topics.Set(topic.id, std::move(topic));
  }

  void Apply(const v1::RemoveTopicRecord& record) {
    Fits(IsKnown(record), "its fields are known");
    TopicId id(UuidOf(record.topic_id()));
    const Topic* topic = image_.topics.Find(id);
    Fits(topic != nullptr, "the topic is there");
    image_.topic_ids.Erase(std::string(topic->name));
    image_.topics.Erase(id);
    for (int32_t i = image_.PartitionCount(id); i-- > 0;) {
      image_.partitions.Erase({id, PartitionIndex(i)});
    }
    std::vector<std::string> keys;
    image_.ForEachConfig(ConfigScope::kTopic, id.ToString(),
                         [&](const std::string& key, const std::string&) { keys.push_back(key); });
    for (const std::string& key : keys) {
      image_.configs.Erase({ConfigScope::kTopic, id.ToString(), key});
    }
  }

  void Apply(const v1::PartitionRecord& record) {
    PartitionId id = IdOf(record);
    Partition partition = FromRecord(record);
    Fits(image_.topics.Contains(id.topic), "the topic is there");
    CheckShape(partition);
    if (const Partition* known = image_.partitions.Find(id)) {
      Fits(partition.partition_epoch > known->partition_epoch, "the partition epoch grows");
      Fits(partition.leader_epoch >= known->leader_epoch, "the leader epoch does not fall");
      Fits(partition.leader == known->leader || partition.leader_epoch > known->leader_epoch,
           "another leader has another epoch");
    } else {
      Fits(id.index.value() == image_.PartitionCount(id.topic),
           "partitions are numbered without gaps");
    }
    image_.partitions.Set(id, std::move(partition));
  }

  void CheckShape(const Partition& partition) const {
    Fits(!partition.replicas.empty(), "a partition has a replica");
    std::set<NodeId> nodes;
    for (const Replica& replica : partition.replicas) nodes.insert(replica.node);
    Fits(nodes.size() == partition.replicas.size(), "a node has one replica at most");
    for (const auto* list :
         {&partition.isr, &partition.eligible_leaders, &partition.adding, &partition.removing}) {
      Fits(std::ranges::adjacent_find(*list, std::ranges::greater_equal()) == list->end(),
           "in-sync, eligible, joining and leaving nodes ascend");
      for (NodeId node : *list) {
        Fits(nodes.contains(node), "in-sync, eligible, joining and leaving nodes are replicas");
      }
    }
    for (NodeId node : partition.isr) {
      Fits(!partition.IsEligible(node), "an in-sync node is not merely eligible");
    }
    Fits(partition.leader == kNoNode || partition.IsInSync(partition.leader),
         "the leader is in sync");
  }

  void Apply(const v1::ConfigRecord& record) {
    ConfigKey key = KeyOf(record);
    if (record.has_value()) {
      image_.configs.Set(std::move(key), record.value());
    } else {
      image_.configs.Erase(key);
    }
  }

  void Apply(const v1::ProducerIdsRecord& record) {
    ProducerIds ids = FromRecord(record);
    Fits(ids.next > ids.first, "a block is not empty");
    Fits(ids.first >= image_.producer_ids.next, "producer ids are given out once");
    image_.producer_ids = ids;
  }

  void Apply(const v1::RequestRecord& record) {
    Fits(IsKnown(record), "its fields are known");
    RequestId id(UuidOf(record.request_id()));
    Fits(image_.requests.Find(id) == nullptr, "a request is decided once");
    image_.requests.Add(id, record.answer());
  }

  void Apply(const v1::TermRecord& record) {
    Fits(IsKnown(record), "its fields are known");
    Fits(Term(record.term()) > image_.opened_term, "terms grow");
    image_.opened_term = Term(record.term());
    image_.opened_by = ControllerId(record.controller_id());
  }

  Image& image_;
  const v1::Record& record_;
};

}  // namespace

Image Apply(Image image, const v1::Record& record) {
  Application(image, record).Run();
  return image;
}

Image Apply(Image image, const v1::Entry& entry, LogIndex index, Term term) {
  CHECK(IsKnown(entry)) << "entry " << index << " has a field that this version does not know";
  CHECK_GT(index.value(), image.index.value()) << "an entry was applied twice";
  CHECK_GE(term.value(), image.term.value()) << "the term of entry " << index << " is lower";
  for (const v1::Record& record : entry.records()) image = Apply(std::move(image), record);
  image.index = index;
  image.term = term;
  return image;
}

}  // namespace weir::metadata
