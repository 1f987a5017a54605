// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>
#include <sstream>

#include "common/metadata/image.h"

namespace weir::metadata {
namespace {

bool Ascends(const std::vector<NodeId>& nodes) {
  return std::ranges::adjacent_find(nodes, std::ranges::greater_equal()) == nodes.end();
}

template <class Range, class Projection>
bool HasNoTwin(const Range& range, Projection projection) {
  std::set<std::remove_cvref_t<std::invoke_result_t<Projection, decltype(*range.begin())>>> seen;
  return std::ranges::all_of(
      range, [&](const auto& item) { return seen.insert(projection(item)).second; });
}

// Goes over an image, and writes down what does not hold.
class Inspection {
 public:
  explicit Inspection(const Image& image) : image_(image) {}

  std::vector<std::string> Run() {
    InspectCluster();
    for (const auto& [id, node] : image_.nodes) Inspect(id, node);
    InspectNames();
    for (const auto& [key, value] : image_.configs) Inspect(key);
    PartitionIndex next(0);
    TopicId topic;
    for (const auto& [id, partition] : image_.partitions) {
      if (id.topic != topic) next = PartitionIndex(0);
      topic = id.topic;
      Inspect(id, partition, next);
      next = id.index + 1;
    }
    return std::move(found_);
  }

 private:
  template <class... Words>
  void Expect(bool holds, const Words&... words) {
    if (holds) return;
    std::ostringstream line;
    (line << ... << words);
    found_.push_back(line.str());
  }

  void InspectCluster() {
    Expect(image_.opened_term <= image_.term, "term ", image_.opened_term,
           " was opened and lies after the last entry's, ", image_.term);
    Expect(HasNoTwin(image_.voters, [](const Voter& voter) { return voter.id; }),
           "a controller votes twice");
    Expect(image_.producer_ids == ProducerIds{} ||
               image_.producer_ids.first < image_.producer_ids.next,
           "the latest block of producer ids is empty");
    for (const auto& [name, level] : image_.features) {
      Expect(level >= 1, "feature ", name, " is at level ", level, ", below 1");
    }
  }

  void Inspect(NodeId id, const Node& node) {
    Expect(node.id == id, "node ", id, " says it is ", node.id);
    Expect(node.epoch.value() >= 1 && node.epoch.value() <= image_.index.value(), "node ", id,
           " has epoch ", node.epoch, ", which is no index up to ", image_.index);
    Expect(node.previous_epoch < node.epoch, "node ", id, " had epoch ", node.previous_epoch,
           " before its epoch ", node.epoch);
    Expect(HasNoTwin(node.directories, std::identity()), "node ", id, " has a directory twice");
    Expect(HasNoTwin(node.listeners, [](const Listener& listener) { return listener.name; }),
           "node ", id, " has two listeners of one name");
  }

  void InspectNames() {
    for (const auto& [id, topic] : image_.topics) {
      const TopicId* named = image_.topic_ids.Find(topic.name);
      Expect(topic.id == id, "topic ", id, " says it is ", topic.id);
      Expect(named != nullptr && *named == id, "topic ", id, " is not found by its name, ",
             topic.name);
    }
    Expect(image_.topics.size() == image_.topic_ids.size(),
           "topics and their names are not one to one");
  }

  void Inspect(const ConfigKey& key) {
    if (key.scope != ConfigScope::kTopic) return;
    auto topic = TopicId::Parse(key.resource);
    Expect(topic && image_.topics.Contains(*topic), "config ", key.key, " is of a topic, ",
           key.resource, ", that is not there");
  }

  void Inspect(const PartitionId& id, const Partition& partition, PartitionIndex expected) {
    std::ostringstream prefix;
    prefix << "partition " << id << ": ";
    const std::string where = prefix.str();
    Expect(image_.topics.Contains(id.topic), where, "has no topic");
    Expect(id.index == expected, where, "is not number ", expected, ", which is missing");
    Expect(!partition.replicas.empty(), where, "has no replica");
    Expect(HasNoTwin(partition.replicas, [](const Replica& replica) { return replica.node; }),
           where, "has two replicas on one node");
    Expect(partition.leader_epoch.value() >= 0 && partition.partition_epoch.value() >= 0, where,
           "has a negative epoch");
    InspectLeader(where, partition);
    InspectLists(where, partition);
  }

  void InspectLeader(const std::string& where, const Partition& partition) {
    if (partition.leader == kNoNode) return;
    Expect(partition.IsInSync(partition.leader), where, "its leader, node ", partition.leader,
           ", is not in sync");
    Expect(partition.last_known_leader == kNoNode, where,
           "has a leader, and remembers who led last");
  }

  void InspectLists(const std::string& where, const Partition& partition) {
    for (const auto& [name, nodes] :
         {std::pair("in-sync", &partition.isr), std::pair("eligible", &partition.eligible_leaders),
          std::pair("joining", &partition.adding), std::pair("leaving", &partition.removing)}) {
      for (NodeId node : *nodes) {
        Expect(partition.ReplicaOn(node) != nullptr, where, name, " node ", node,
               " has no replica");
      }
    }
    Expect(Ascends(partition.isr), where, "its in-sync nodes do not ascend");
    Expect(Ascends(partition.eligible_leaders), where, "its eligible nodes do not ascend");
    Expect(Ascends(partition.adding), where, "its joining nodes do not ascend");
    Expect(Ascends(partition.removing), where, "its leaving nodes do not ascend");
    for (NodeId node : partition.adding) {
      Expect(!partition.IsLeaving(node), where, "node ", node, " is joining, and leaving as well");
    }
    Expect(partition.replicas.empty() || partition.removing.size() < partition.replicas.size(),
           where, "all of its replicas are leaving");
    Expect(partition.replicas.empty() || partition.adding.size() < partition.replicas.size(), where,
           "all of its replicas are joining");
    for (NodeId node : partition.eligible_leaders) {
      Expect(!std::ranges::count(partition.isr, node), where, "node ", node,
             " is in sync, and eligible as well");
    }
    // Whoever dies leaves the ISR, the last one too: it is an eligible leader from then on, and so
    // it stays known who has all that was committed.
    for (NodeId node : partition.isr) InspectInSync(where, partition, node);
  }

  void InspectInSync(const std::string& where, const Partition& partition, NodeId id) {
    const Node* node = image_.nodes.Find(id);
    Expect(node != nullptr && node->state != NodeState::kFenced, where, "node ", id,
           " is in sync, and fenced or unknown");
    const Replica* replica = partition.ReplicaOn(id);
    Expect(node == nullptr || replica == nullptr || node->Offers(replica->directory), where,
           "node ", id, " is in sync, and its directory is gone or failed");
  }

  const Image& image_;
  std::vector<std::string> found_;
};

}  // namespace

std::vector<std::string> Violations(const Image& image) { return Inspection(image).Run(); }

}  // namespace weir::metadata
