// SPDX-License-Identifier: Apache-2.0
// Random commands over a small cluster: whatever is asked, in whatever order, each decision leaves
// a lawful image, and nobody leads who lacks what was committed, unless the partition says so.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "common/metadata/apply.h"
#include "common/metadata/records.h"
#include "common/metadata/snapshot.h"
#include "common/metadata/topic_config.h"
#include "controller/decide/metadata_machine.h"

namespace weir::decide {
namespace {

using metadata::Image;
using metadata::Partition;
using metadata::Replica;

constexpr int32_t kNodes = 6;
constexpr int kTopics = 4;

template <class Id>
Id Made(uint64_t number) {
  return Id(Uuid::FromRandom(number * 0x9e3779b97f4a7c15u, number));
}

// Which copies have all that was committed, kept by the dumbest rules there are: whoever is in sync
// has it; while enough are in sync to commit more, nobody else has.
class Copies {
 public:
  // "" or what is wrong.
  std::string Follow(const Image& before, const Image& after) {
    for (const auto& [id, partition] : after.partitions) {
      std::string wrong = Follow(before, after, id, partition);
      if (!wrong.empty()) return wrong;
    }
    std::erase_if(complete_, [&](const auto& each) { return !after.partitions.Find(each.first); });
    return "";
  }

  // A leader says so: they have caught up.
  void CaughtUp(const Image& image, const ChangeIsr& change) {
    const Partition& partition = *image.partitions.Find(change.partition);
    for (const auto& member : change.isr) {
      complete_[change.partition].emplace(member.node, partition.ReplicaOn(member.node)->directory);
    }
  }

  // The page cache of `node` is gone.
  void Forget(const Image& image, NodeId node) {
    for (auto& [id, copies] : complete_) {
      if (metadata::TopicConfigOf(image, id.topic).durability == metadata::Durability::kFlush) {
        continue;
      }
      std::erase_if(copies, [&](const auto& copy) { return copy.first == node; });
    }
  }

 private:
  using Copy = std::pair<NodeId, DirectoryId>;

  std::string Follow(const Image& before, const Image& after, const PartitionId& id,
                     const Partition& partition) {
    std::set<Copy>& complete = complete_[id];
    const Partition* known = before.partitions.Find(id);
    if (known && known->leader != partition.leader && partition.leader != kNoNode) {
      const Replica& leader = *partition.ReplicaOn(partition.leader);
      if (partition.recovering) {
        complete.clear();
      } else if (!complete.contains({leader.node, leader.directory})) {
        std::ostringstream words;
        words << "node " << leader.node << " leads " << id << " and lacks what was committed";
        return words.str();
      }
    }
    bool commits =
        partition.leader != kNoNode && static_cast<int32_t>(partition.isr.size()) >=
                                           metadata::EffectiveMinInsync(after, id, partition);
    if (commits) complete.clear();
    for (NodeId node : partition.isr) complete.emplace(node, partition.ReplicaOn(node)->directory);
    // Whoever holds no replica has its folder removed.
    std::erase_if(complete, [&](const Copy& copy) { return !partition.ReplicaOn(copy.first); });
    return "";
  }

  std::map<PartitionId, std::set<Copy>> complete_;
};

class World {
 public:
  explicit World(uint64_t seed) : random_(seed) {}

  void Run(int steps) {
    metadata::v1::Entry born;
    *born.add_records() = metadata::ToFeatureRecord("metadata", 1);
    Write(born);
    for (int32_t i = 1; i <= kNodes; ++i) Do(Registration(NodeId(i), true));
    for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) Do(Next());
    EXPECT_EQ(Replayed(), image_);
    Heal();
    ExpectWhole();
    EXPECT_GT(decided_, steps / 10) << "too little of what was asked was decided";
  }

  const Image& image() const { return image_; }
  const std::map<size_t, int>& kinds() const { return kinds_; }

 private:
  uint64_t Draw(uint64_t below) { return random_() % below; }
  bool Chance(int percent) { return Draw(100) < static_cast<uint64_t>(percent); }
  NodeId AnyNode() { return NodeId(static_cast<int32_t>(1 + Draw(kNodes))); }
  std::string AnyTopic() { return std::string(1, static_cast<char>('a' + Draw(kTopics))); }
  NodeEpoch EpochOf(NodeId id) const {
    const metadata::Node* node = image_.nodes.Find(id);
    return node ? node->epoch : NodeEpoch(0);
  }
  std::optional<RequestId> AnyRequest() {
    if (Chance(50)) return std::nullopt;
    return Made<RequestId>(++drawn_);
  }

  PartitionName AnyPartition() {
    std::string name = AnyTopic();
    const metadata::Topic* topic = image_.TopicNamed(name);
    int32_t count = topic ? image_.PartitionCount(topic->id) : 1;
    return {name, PartitionIndex(static_cast<int32_t>(Draw(static_cast<uint64_t>(count))))};
  }
  std::vector<PartitionName> SomePartitions() {
    std::vector<PartitionName> names;
    for (uint64_t i = 0; i <= Draw(3); ++i) names.push_back(AnyPartition());
    return names;
  }

  RegisterNode Registration(NodeId node, bool keeps_disk) {
    RegisterNode command{.node = node, .incarnation = Made<Incarnation>(++drawn_)};
    command.rack = std::string(1, static_cast<char>('a' + node.value() % 3));
    auto own = static_cast<uint64_t>(1000 + node.value());
    command.directories = {Made<DirectoryId>(keeps_disk ? own : own + 1000 * (1 + Draw(3)))};
    if (Chance(30)) command.directories.push_back(Made<DirectoryId>(own + 500));
    command.features = {{"metadata", 1, Chance(90) ? 2 : 1}};
    if (Chance(50)) command.previous_epoch = EpochOf(node);
    if (Chance(5)) command.previous_epoch = NodeEpoch(static_cast<int64_t>(Draw(10'000)));
    return command;
  }

  Command NextOfNodes() {
    NodeId node = AnyNode();
    switch (Draw(12)) {
      case 0:
      case 1:
        return Registration(node, Chance(80));
      case 2:
      case 3:
      case 4:
      case 5:
        return UnfenceNode{node, EpochOf(node), image_.index};
      case 6:
      case 7:
        return FenceNode{node, EpochOf(node)};
      case 8:
        return StopNode{node, EpochOf(node)};
      case 9:
        return AllocateProducerIds{node, EpochOf(node)};
      case 10:
        return RemoveNode{node, AnyRequest()};
      default: {
        const metadata::Node* known = image_.nodes.Find(node);
        if (!known || Chance(50)) return FenceNode{node, NodeEpoch(1)};
        return FailDirectory{node, known->epoch, known->directories.front()};
      }
    }
  }

  Command NextOfTopics() {
    switch (Draw(8)) {
      case 0:
      case 1:
      case 2: {
        CreateTopic command{.name = AnyTopic(), .request_id = AnyRequest(), .seed = Draw(1000)};
        command.partition_count = static_cast<int32_t>(Draw(5));
        command.replication_factor = static_cast<int32_t>(Draw(4));
        command.new_id = Made<TopicId>(++drawn_);
        command.configs = {{"min.insync.replicas", std::to_string(1 + Draw(2))},
                           {"weir.durability", Chance(50) ? "flush" : "cache"}};
        return command;
      }
      case 3:
        if (Chance(70)) return UndrainNode{AnyNode(), AnyRequest()};
        return DeleteTopic{AnyTopic(), AnyRequest()};
      case 4:
      case 5: {
        AddPartitions command{.topic = AnyTopic(), .request_id = AnyRequest(), .seed = Draw(1000)};
        command.partition_count = static_cast<int32_t>(Draw(9));
        return command;
      }
      default: {
        UpdateConfigs command{.resource = AnyTopic(), .request_id = AnyRequest()};
        if (Chance(20)) {
          command.scope = metadata::ConfigScope::kCluster;
          command.resource = "";
        }
        command.set = {{"min.insync.replicas", std::to_string(1 + Draw(3))}};
        if (Chance(30)) command.set.emplace_back("weir.durability", Chance(50) ? "flush" : "cache");
        if (Chance(20)) {
          command.set.emplace_back("unclean.leader.election.enable", Chance(30) ? "true" : "false");
        }
        return command;
      }
    }
  }

  // What a leader asks for: those it says are in sync have caught up.
  Command NextIsr() {
    PartitionName name = AnyPartition();
    const metadata::Topic* topic = image_.TopicNamed(name.topic);
    if (!topic) return NextOfTopics();
    ChangeIsr command{.partition = {topic->id, name.index}};
    const Partition& known = *image_.partitions.Find(command.partition);
    command.node = known.leader == kNoNode || Chance(3) ? AnyNode() : known.leader;
    command.node_epoch = EpochOf(command.node);
    command.leader_epoch = known.leader_epoch;
    command.partition_epoch = known.partition_epoch;
    if (Chance(3)) ++command.partition_epoch;
    for (const Replica& replica : known.replicas) {
      const metadata::Node* node = image_.nodes.Find(replica.node);
      bool may_join = node && node->is_active() && node->Offers(replica.directory);
      bool is_named = known.IsInSync(replica.node) ? Chance(85) : may_join && Chance(80);
      if (is_named || replica.node == command.node) {
        command.isr.push_back({replica.node, EpochOf(replica.node)});
      }
    }
    return command;
  }

  Command NextOfPlaces() {
    switch (Draw(10)) {
      case 0:
      case 1:
      case 2: {
        Reassign command{.request_id = AnyRequest()};
        for (uint64_t i = 0; i <= Draw(2); ++i) {
          Reassign::Move move{AnyPartition(), {}};
          for (uint64_t n = 0; n <= Draw(3); ++n) move.replicas.push_back(AnyNode());
          command.moves.push_back(std::move(move));
        }
        return command;
      }
      case 3:
        return CancelReassign{{AnyPartition()}, AnyRequest()};
      case 4:
        return DrainNode{AnyNode(), Chance(30), AnyRequest()};
      case 5:
        return ElectLeaders{SomePartitions(), Chance(30), AnyRequest()};
      case 6: {
        BalanceLeaders command;
        for (const auto& [id, partition] : image_.partitions) command.partitions.push_back(id);
        return command;
      }
      case 7:
        return UpgradeFeature{.name = "metadata",
                              .level = static_cast<int32_t>(Draw(3)),
                              .supported = {{"metadata", 1, 2}},
                              .request_id = AnyRequest()};
      default:
        return DrainStep{static_cast<int32_t>(1 + Draw(3))};
    }
  }

  Command Next() {
    // A lost answer: the same request again.
    if (!requests_.empty() && Chance(3)) return requests_[Draw(requests_.size())];
    uint64_t kind = Draw(100);
    if (kind < 40) return NextIsr();
    if (kind < 65) return NextOfNodes();
    if (kind < 80) return NextOfTopics();
    return NextOfPlaces();
  }

  void Do(const Command& command) {
    Decision decision = machine_.Decide(image_, command, {});
    Decision again = machine_.Decide(image_, command, {});
    EXPECT_EQ(decision.answer, again.answer);
    ASSERT_EQ(decision.entry.has_value(), again.entry.has_value());
    if (!decision.answer) {
      EXPECT_FALSE(decision.answer.error().message.empty());
      if (decision.entry) Remember(command, decision);
      return;
    }
    if (!decision.entry) return;
    EXPECT_EQ(machine_.Encode(*decision.entry), machine_.Encode(*again.entry));
    ++decided_;
    ++kinds_[command.index()];
    if (const auto* registered = std::get_if<RegisterNode>(&command)) {
      bool is_clean = registered->previous_epoch == EpochOf(registered->node);
      if (!is_clean) copies_.Forget(image_, registered->node);
    }
    if (const auto* change = std::get_if<ChangeIsr>(&command)) copies_.CaughtUp(image_, *change);
    if (!decision.entry->request_id().empty()) requests_.push_back(command);
    Image before = image_;
    Write(*decision.entry);
    CheckSteps(before);
    CheckDrains(before);
    EXPECT_EQ(copies_.Follow(before, image_), "") << "after command of kind " << command.index();
    if (!decision.entry->request_id().empty()) {
      Decision repeated = machine_.Decide(image_, command, {});
      EXPECT_FALSE(repeated.entry) << "a repeated request writes nothing";
      EXPECT_TRUE(repeated.answer.has_value());
    }
  }

  // A refusal changes nothing but that it is known from now on.
  void Remember(const Command& command, const Decision& refused) {
    EXPECT_EQ(refused.entry->records_size(), 1);
    EXPECT_FALSE(refused.entry->request_id().empty());
    Write(*refused.entry);
    Decision repeated = machine_.Decide(image_, command, {});
    EXPECT_FALSE(repeated.entry) << "a repeated request writes nothing";
    EXPECT_EQ(repeated.answer, refused.answer);
  }

  void Write(const metadata::v1::Entry& entry) {
    entries_.push_back(entry);
    machine::Position position{image_.index.value() + 1, 1};
    image_ = machine_.Apply(image_, machine_.Decode(machine_.Encode(entry)), position);
    for (const std::string& words : metadata::Violations(image_)) ADD_FAILURE() << words;
    if (entries_.size() % 10 == 0) {
      EXPECT_EQ(metadata::FromSnapshot(metadata::ToSnapshot(image_)), image_);
    }
  }

  // All nodes are there, all of their disks work, everybody catches up.
  void Heal() {
    for (int32_t i = 1; i <= kNodes; ++i) {
      const metadata::Node* node = image_.nodes.Find(NodeId(i));
      if (!node || !node->failed_directories.empty()) {
        RegisterNode command = Registration(NodeId(i), true);
        command.features = {{"metadata", 1, 2}};
        Do(command);
      }
      node = image_.nodes.Find(NodeId(i));
      if (node && node->state == metadata::NodeState::kStopping) {
        Do(FenceNode{NodeId(i), node->epoch});
      }
    }
    size_t before = 0;
    for (int rounds = 0; entries_.size() != before; ++rounds) {
      ASSERT_LT(rounds, 100) << "it never comes to rest";
      before = entries_.size();
      for (int32_t i = 1; i <= kNodes; ++i) {
        if (const metadata::Node* node = image_.nodes.Find(NodeId(i))) {
          Do(UnfenceNode{NodeId(i), node->epoch, image_.index});
        }
      }
      for (const auto& [id, partition] : Image(image_).partitions) {
        if (partition.leader != kNoNode) Do(EverybodyCatchesUp(id, partition));
      }
      Do(DrainStep{100});
    }
  }

  ChangeIsr EverybodyCatchesUp(const PartitionId& id, const Partition& partition) {
    ChangeIsr command{.node = partition.leader, .node_epoch = EpochOf(partition.leader)};
    command.partition = id;
    command.leader_epoch = partition.leader_epoch;
    command.partition_epoch = partition.partition_epoch;
    for (const Replica& replica : partition.replicas) {
      const metadata::Node* node = image_.nodes.Find(replica.node);
      if (!node || !node->is_active() || !node->Offers(replica.directory)) continue;
      command.isr.push_back({replica.node, node->epoch});
    }
    return command;
  }

  // What somebody leads has arrived where it was going, and is in sync everywhere.
  void ExpectWhole() {
    for (const auto& [id, partition] : image_.partitions) {
      if (partition.leader == kNoNode) continue;
      EXPECT_FALSE(partition.is_moving()) << Shown(id, partition);
      EXPECT_EQ(partition.isr.size(), partition.replicas.size()) << Shown(id, partition);
      EXPECT_FALSE(partition.recovering) << id;
    }
    Decision step = machine_.Decide(image_, DrainStep{100}, {});
    const auto& drained = std::get<DrainStepped>(*step.answer);
    EXPECT_EQ(drained.moving, 0);
  }

  std::string Shown(const PartitionId& id, const Partition& partition) const {
    std::string words = metadata::ToRecord(id, partition).ShortDebugString();
    for (const Replica& replica : partition.replicas) {
      const metadata::Node* node = image_.nodes.Find(replica.node);
      words += '\n' + (node ? metadata::ToRecord(*node).ShortDebugString() : "no node");
    }
    return words;
  }

  // Epochs grow with what they count.
  void CheckSteps(const Image& before) {
    for (const auto& [id, partition] : image_.partitions) {
      const Partition* known = before.partitions.Find(id);
      if (!known || *known == partition) continue;
      EXPECT_GT(partition.partition_epoch, known->partition_epoch);
      EXPECT_GE(partition.leader_epoch, known->leader_epoch);
      bool loses = std::ranges::any_of(known->replicas, [&](const Replica& replica) {
        return known->leader != kNoNode && !partition.ReplicaOn(replica.node);
      });
      if (partition.leader != known->leader || loses) {
        EXPECT_GT(partition.leader_epoch, known->leader_epoch) << id;
      }
    }
  }

  // A node that drains gets nothing new.
  void CheckDrains(const Image& before) {
    for (const auto& [node_id, node] : image_.nodes) {
      const metadata::Node* was = before.nodes.Find(node_id);
      if (!was || !was->is_draining() || !node.is_draining()) continue;
      for (const auto& [id, partition] : image_.partitions) {
        const Partition* known = before.partitions.Find(id);
        EXPECT_TRUE(!partition.ReplicaOn(node_id) || (known && known->ReplicaOn(node_id)))
            << id << " came to node " << node_id << ", which drains";
      }
    }
  }

  // The records of all entries, cut into other entries: where one ends means nothing to the fold.
  Image Replayed() {
    Image image;
    metadata::v1::Entry entry;
    int64_t index = 0;
    for (const auto& written : entries_) {
      for (const auto& record : written.records()) {
        *entry.add_records() = record;
        if (!Chance(30)) continue;
        image = metadata::Apply(std::move(image), entry, LogIndex(++index), Term(1));
        entry.Clear();
        if (Chance(5)) image = metadata::FromSnapshot(metadata::ToSnapshot(image));
      }
    }
    image = metadata::Apply(std::move(image), entry, LogIndex(++index), Term(1));
    image.index = image_.index;
    return image;
  }

  std::mt19937_64 random_;
  MetadataMachine machine_{ControllerId(1)};
  Image image_;
  Copies copies_;
  std::vector<metadata::v1::Entry> entries_;
  std::vector<Command> requests_;
  std::map<size_t, int> kinds_;
  uint64_t drawn_ = 0;
  int decided_ = 0;
};

TEST(Decisions, OfAnyOrderLeaveLawfulImagesAndLeadersThatHaveEverything) {
  std::map<size_t, int> kinds;
  for (uint64_t seed = 1; seed <= 150 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World world(seed);
    world.Run(400);
    for (const auto& [kind, count] : world.kinds()) kinds[kind] += count;
  }
  // Those that follow change who votes: nothing of that is drawn here.
  const size_t last = Command(DrainStep()).index();
  for (size_t kind = 0; kind <= last; ++kind) {
    EXPECT_GT(kinds[kind], 0) << "no command of kind " << kind << " was ever decided";
  }
}

}  // namespace
}  // namespace weir::decide
