// SPDX-License-Identifier: Apache-2.0
#include "common/metadata/apply.h"

#include <glog/logging.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "common/metadata/records.h"

namespace weir::metadata {
namespace {

// One record on its way into an image. After a fault the image is no more than a part of one.
class Application {
 public:
  Application(Image& image, const v1::Record& record) : image_(image), record_(record) {}

  // What did not fit; nothing if all did.
  std::optional<std::string> Run() {
    if (Fits(IsWellFormed(record_), "its kind and fields are known to this version")) Fold();
    return std::move(fault_);
  }

 private:
  void Fold() {
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
        CHECK(false) << "a record of no kind is not well-formed";
    }
  }

  // Remembers the first claim that does not hold.
  bool Fits(bool holds, const char* claim) {
    if (!holds && !fault_) {
      fault_ = "a metadata record does not fit the image at index " +
               std::to_string(image_.index.value()) + ": expected that " + claim +
               "; the record: " + record_.ShortDebugString();
    }
    return holds;
  }

  void Apply(const v1::ClusterRecord& record) {
    if (!Fits(image_.cluster_id.is_nil(), "the cluster is not born yet")) return;
    image_.cluster_id = ClusterId(UuidOf(record.cluster_id()));
    image_.created_at = WallTime{record.created_at_ms()};
  }

  void Apply(const v1::FeatureLevelRecord& record) {
    if (!Fits(record.level() >= 1, "levels begin at 1")) return;
    image_.features.Set(record.name(), record.level());
  }

  void Apply(const v1::NodeRecord& record) {
    Node node = FromRecord(record);
    if (!Fits(node.id.value() >= 0, "node ids are not negative")) return;
    if (const Node* known = image_.nodes.Find(node.id)) {
      if (!Fits(node.epoch >= known->epoch, "node epochs do not fall")) return;
      if (!Fits(node.epoch > known->epoch || node.incarnation == known->incarnation,
                "one node epoch is one incarnation"))
        return;
    }
    image_.nodes.Set(node.id, std::move(node));
  }

  void Apply(const v1::RemoveNodeRecord& record) {
    if (!Fits(image_.nodes.Erase(NodeId(record.node_id())), "the node is there")) return;
  }

  void Apply(const v1::TopicRecord& record) {
    Topic topic = FromRecord(record);
    if (!Fits(!image_.topics.Contains(topic.id), "the topic's id is new")) return;
    if (!Fits(!image_.topic_ids.Contains(topic.name), "the topic's name is free")) return;
    image_.topic_ids.Set(topic.name, topic.id);
    image_.topics.Set(topic.id, std::move(topic));
  }

  void Apply(const v1::RemoveTopicRecord& record) {
    TopicId id(UuidOf(record.topic_id()));
    const Topic* topic = image_.topics.Find(id);
    if (!Fits(topic != nullptr, "the topic is there")) return;
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
    if (!Fits(image_.topics.Contains(id.topic), "the topic is there")) return;
    if (!HasShape(partition)) return;
    if (const Partition* known = image_.partitions.Find(id)) {
      if (!Fits(partition.partition_epoch > known->partition_epoch, "the partition epoch grows"))
        return;
      if (!Fits(partition.leader_epoch >= known->leader_epoch, "the leader epoch does not fall"))
        return;
      if (!Fits(partition.leader == known->leader || partition.leader_epoch > known->leader_epoch,
                "another leader has another epoch"))
        return;
    } else {
      if (!Fits(id.index.value() == image_.PartitionCount(id.topic),
                "partitions are numbered without gaps"))
        return;
    }
    image_.partitions.Set(id, std::move(partition));
  }

  bool HasShape(const Partition& partition) {
    std::set<NodeId> nodes;
    for (const Replica& replica : partition.replicas) nodes.insert(replica.node);
    bool fits = Fits(!partition.replicas.empty(), "a partition has a replica") &&
                Fits(nodes.size() == partition.replicas.size(), "a node has one replica at most");
    for (const auto* list :
         {&partition.isr, &partition.eligible_leaders, &partition.adding, &partition.removing}) {
      fits = fits &&
             Fits(std::ranges::adjacent_find(*list, std::ranges::greater_equal()) == list->end(),
                  "in-sync, eligible, joining and leaving nodes ascend");
      for (NodeId node : *list) {
        fits = fits && Fits(nodes.contains(node), "all these nodes are replicas");
      }
    }
    for (NodeId node : partition.isr) {
      fits = fits && Fits(!partition.IsEligible(node), "an in-sync node is not merely eligible");
    }
    return fits && Fits(partition.leader == kNoNode || partition.IsInSync(partition.leader),
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
    if (!Fits(ids.next > ids.first, "a block is not empty")) return;
    if (!Fits(ids.first >= image_.producer_ids.next, "producer ids are given out once")) return;
    image_.producer_ids = ids;
  }

  void Apply(const v1::RequestRecord& record) {
    RequestId id(UuidOf(record.request_id()));
    if (!Fits(image_.requests.Find(id) == nullptr, "a request is decided once")) return;
    image_.requests.Add(id, record.answer());
  }

  void Apply(const v1::TermRecord& record) {
    if (!Fits(Term(record.term()) > image_.opened_term, "terms grow")) return;
    image_.opened_term = Term(record.term());
    image_.opened_by = ControllerId(record.controller_id());
  }

  Image& image_;
  const v1::Record& record_;
  std::optional<std::string> fault_;
};

}  // namespace

Image Apply(Image image, const v1::Record& record) {
  auto fault = Application(image, record).Run();
  CHECK(!fault) << *fault;
  return image;
}

Result<Image> Judge(Image image, const v1::Record& record) {
  auto fault = Application(image, record).Run();
  if (fault) return Fail(Error::Kind::kInvalid, std::move(*fault));
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

Result<Image> Judge(Image image, const v1::Entry& entry, LogIndex index, Term term) {
  const std::string name = "metadata entry " + std::to_string(index.value());
  if (!IsKnown(entry)) {
    return Fail(Error::Kind::kInvalid, name + " has a field that this version does not know");
  }
  if (index <= image.index || term < image.term) {
    return Fail(Error::Kind::kInvalid, name + " of term " + std::to_string(term.value()) +
                                           " does not follow upon entry " +
                                           std::to_string(image.index.value()) + " of term " +
                                           std::to_string(image.term.value()));
  }
  for (const v1::Record& record : entry.records()) {
    auto judged = Judge(std::move(image), record);
    if (!judged) return std::unexpected(judged.error().While("judging " + name));
    image = std::move(*judged);
  }
  image.index = index;
  image.term = term;
  return image;
}

}  // namespace weir::metadata
