// SPDX-License-Identifier: Apache-2.0
// Runs testdata/*.txt: commands, and what the metadata machine makes of them. Identities are words.
//
//   register node=N [incarnation=WORD] [directories=(WORD ...)] [previous=EPOCH] [alive]
//   unfence N... [applied=INDEX]            each with its present epoch, if no epoch=E is given
//   fence N... [epoch=E], stop N... [epoch=E]
//   nodes N [racks=(RACK ...)]              registers and unfences nodes 1 to N
//   create NAME partitions=N replicas=N [configs=(k=v ...)] [id=REQUEST] [validate]
//   create NAME on=(N ...) [configs=...]    one partition, its replicas in this order
//   delete NAME [id=REQUEST]
//   change-isr T/P by=N isr=(N[@EPOCH] ...) [leader-epoch=E] [partition-epoch=E] [node-epoch=E]
//   configs [NAME] [set=(k=v ...)] [reset=(k ...)] [id=REQUEST] [validate]
//                                           without NAME: of the cluster
//   configs-of-node N set=(k=v ...)
//   allocate N [epoch=E]                    producer ids
//   add-partitions NAME partitions=N [id=REQUEST] [validate]
//   elect T/P ... [by=unclean] [id=REQUEST], balance T/P ...
//   reassign T/P:N,N,... ... [id=REQUEST] [validate], cancel T/P ...
//   drain N..., decommission N..., undrain N..., remove N...
//   drain-step [moving=N]
//   fail-directory N DIRECTORY [epoch=E]
//   upgrade NAME level=N [supported=N]      the level, and the controllers' highest
//   add-voter N DIRECTORY endpoint=E [id=REQUEST], promote N DIRECTORY, remove-voter N [DIRECTORY]
//   image                                   nodes, then partitions
//   voters
//   show replicas                           in each image from here on
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "common/metadata/records.h"
#include "common/metadata/snapshot.h"
#include "controller/decide/metadata_machine.h"
#include "controller/decide/move.h"
#include "tests/datadriven/datadriven.h"

namespace weir::decide {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

uint64_t Hash(const std::string& word) {
  uint64_t hash = 1469598103934665603u;
  for (char c : word) hash = (hash ^ static_cast<uint8_t>(c)) * 1099511628211u;
  return hash;
}

template <class Id>
Id Named(const std::string& word) {
  return Id(Uuid::FromRandom(Hash(word), Hash(word + "'")));
}

std::vector<std::string> WordsOf(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

Pairs PairsOf(const std::string& text) {
  Pairs pairs;
  for (const std::string& word : WordsOf(text)) {
    size_t equals = word.find('=');
    pairs.emplace_back(word.substr(0, equals), word.substr(equals + 1));
  }
  return pairs;
}

template <class List>
std::string Listed(const List& list) {
  std::ostringstream out;
  for (const auto& item : list) out << (out.tellp() > 0 ? " " : "") << item;
  return "(" + out.str() + ")";
}

std::string Show(const Outcome& outcome) {
  struct Shower {
    std::string operator()(const Decided&) const { return "decided"; }
    std::string operator()(const DecidedInPart&) const { return "decided in part"; }
    std::string operator()(const NodeRegistered& o) const {
      return "registered with epoch " + std::to_string(o.epoch.value());
    }
    std::string operator()(const TopicCreated& o) const {
      return "created " + o.topic.name + " with " + std::to_string(o.partition_count) +
             " partitions of " + std::to_string(o.replication_factor) + " replicas";
    }
    std::string operator()(const TopicDeleted&) const { return "deleted"; }
    std::string operator()(const IsrChanged& o) const {
      return "changed to partition epoch " + std::to_string(o.partition_epoch.value());
    }
    std::string operator()(const ProducerIdsAllocated& o) const {
      return "producer ids " + std::to_string(o.first.value()) + " to " +
             std::to_string(o.next.value() - 1);
    }
    std::string operator()(const PartitionsAdded& o) const {
      return std::to_string(o.partition_count) + " partitions in all";
    }
    std::string operator()(const LeadersElected& o) const {
      std::ostringstream out;
      for (const auto& election : o.elections) {
        out << (out.tellp() > 0 ? "\n" : "") << election.partition << ": ";
        if (election.code != ErrorCode::kNone) {
          out << Refusal{election.code, election.message};
          continue;
        }
        out << "node " << election.leader << " leads";
        if (election.is_unclean) out << ", uncleanly";
        if (!election.message.empty()) out << ": " << election.message;
      }
      return out.str();
    }
    std::string operator()(const DrainStepped& o) const {
      std::ostringstream out;
      out << o.replicas_left << " replicas left, " << o.moving << " moving, " << o.stuck
          << " stuck";
      if (!o.why_stuck.empty()) out << ", as " << o.why_stuck;
      return out.str();
    }
  };
  return std::visit(Shower(), outcome);
}

class Scenario {
 public:
  using Words = datadriven::Command;

  datadriven::Handlers Handlers() {
    return {
        {"register", [this](const Words& c) { return Register(c); }},
        {"unfence", [this](const Words& c) { return Each(c, &Scenario::Unfence); }},
        {"fence", [this](const Words& c) { return Each(c, &Scenario::Fence); }},
        {"stop", [this](const Words& c) { return Each(c, &Scenario::Stop); }},
        {"nodes", [this](const Words& c) { return Nodes(c); }},
        {"create", [this](const Words& c) { return Create(c); }},
        {"delete", [this](const Words& c) { return Delete(c); }},
        {"change-isr", [this](const Words& c) { return ChangeIsrOf(c); }},
        {"configs", [this](const Words& c) { return Configs(c); }},
        {"configs-of-node", [this](const Words& c) { return ConfigsOfNode(c); }},
        {"allocate", [this](const Words& c) { return Allocate(c); }},
        {"add-partitions", [this](const Words& c) { return AddPartitionsTo(c); }},
        {"elect", [this](const Words& c) { return Elect(c); }},
        {"balance", [this](const Words& c) { return Balance(c); }},
        {"show", [this](const Words&) { return shows_replicas_ = true, ""; }},
        {"reassign", [this](const Words& c) { return ReassignAll(c); }},
        {"cancel",
         [this](const Words& c) { return Run(CancelReassign{NamesIn(c), RequestIn(c)}); }},
        {"drain", [this](const Words& c) { return Each(c, &Scenario::Drain); }},
        {"decommission", [this](const Words& c) { return Each(c, &Scenario::Decommission); }},
        {"undrain", [this](const Words& c) { return Each(c, &Scenario::Undrain); }},
        {"remove", [this](const Words& c) { return Each(c, &Scenario::Remove); }},
        {"drain-step", [this](const Words& c) { return DrainOnce(c); }},
        {"fail-directory", [this](const Words& c) { return FailDirectoryOf(c); }},
        {"upgrade", [this](const Words& c) { return Upgrade(c); }},
        {"add-voter", [this](const Words& c) { return AddVoter(c); }},
        {"promote", [this](const Words& c) { return Promote(c); }},
        {"remove-voter", [this](const Words& c) { return RemoveOneVoter(c); }},
        {"image", [this](const Words&) { return ShowImage(); }},
        {"voters", [this](const Words&) { return ShowVoters(); }},
    };
  }

 private:
  void Write(const metadata::v1::Entry& entry) {
    machine::Position position{image_.index.value() + 1, 1};
    image_ = machine_.Apply(image_, machine_.Decode(machine_.Encode(entry)), position);
    for (const std::string& words : metadata::Violations(image_)) ADD_FAILURE() << words;
  }

  std::string Run(const Command& command) {
    Decision decision = machine_.Decide(image_, command, {});
    if (!decision.answer) {
      if (decision.entry) {
        EXPECT_EQ(decision.entry->records_size(), 1) << "a refusal changes nothing";
        Write(*decision.entry);
      }
      std::ostringstream out;
      out << decision.answer.error();
      return out.str() + '\n';
    }
    std::string shown = Show(*decision.answer);
    if (!decision.entry) return shown + ", and wrote nothing\n";
    Write(*decision.entry);
    return shown + '\n';
  }

  NodeEpoch EpochOf(NodeId id) const {
    const metadata::Node* node = image_.nodes.Find(id);
    return node == nullptr ? NodeEpoch(0) : node->epoch;
  }
  NodeEpoch EpochIn(const Words& c, NodeId id, const std::string& key = "epoch") const {
    return NodeEpoch(c.NumberOf(key, EpochOf(id).value()));
  }
  static std::optional<RequestId> RequestIn(const Words& c) {
    if (!c.Has("id")) return std::nullopt;
    return Named<RequestId>(c.Value("id"));
  }
  static bool Says(const Words& c, const std::string& word) {
    return std::ranges::count(c.words, word) > 0;
  }

  std::string Register(const Words& c) {
    RegisterNode command;
    command.node = NodeId(static_cast<int32_t>(c.NumberOf("node")));
    command.incarnation = Named<Incarnation>(c.Value("incarnation", "first"));
    command.previous_epoch = NodeEpoch(c.NumberOf("previous", 0));
    std::string own = "d" + std::to_string(command.node.value());
    for (const std::string& word : WordsOf(c.Value("directories", own))) {
      command.directories.push_back(Named<DirectoryId>(word));
    }
    for (const auto& [name, level] : PairsOf(c.Value("features", ""))) {
      command.features.push_back({name, 1, std::stoi(level)});
    }
    command.is_session_alive = Says(c, "alive");
    return Run(command);
  }

  using ForNode = Command (Scenario::*)(const Words&, NodeId) const;
  std::string Each(const Words& c, ForNode make) {
    std::string shown;
    for (size_t i = 0; i < c.words.size(); ++i) {
      shown += Run((this->*make)(c, NodeId(static_cast<int32_t>(c.Number(i)))));
    }
    return shown;
  }
  Command Unfence(const Words& c, NodeId node) const {
    NodeEpoch epoch = EpochIn(c, node);
    return UnfenceNode{node, epoch, LogIndex(c.NumberOf("applied", image_.index.value()))};
  }
  Command Fence(const Words& c, NodeId node) const { return FenceNode{node, EpochIn(c, node)}; }
  Command Stop(const Words& c, NodeId node) const { return StopNode{node, EpochIn(c, node)}; }

  std::string Nodes(const Words& c) {
    std::vector<std::string> racks = WordsOf(c.Value("racks", ""));
    metadata::v1::Entry born;
    *born.add_records() = metadata::ToFeatureRecord("metadata", 1);
    Write(born);
    for (int32_t i = 1; i <= c.Number(0); ++i) {
      RegisterNode command{.node = NodeId(i), .incarnation = Named<Incarnation>("first")};
      command.directories = {Named<DirectoryId>("d" + std::to_string(i))};
      command.features = {{"metadata", 1, 1}};
      if (!racks.empty()) command.rack = racks[static_cast<size_t>(i - 1) % racks.size()];
      Run(command);
      Run(UnfenceNode{NodeId(i), EpochOf(NodeId(i)), image_.index});
    }
    return "";
  }

  std::string Create(const Words& c) {
    CreateTopic command;
    command.name = c.Word(0);
    command.configs = PairsOf(c.Value("configs", ""));
    command.request_id = RequestIn(c);
    command.validate_only = Says(c, "validate");
    // As chance gives another id to each attempt.
    command.new_id = Named<TopicId>(std::to_string(++created_));
    if (c.Has("on")) return CreateOn(c, command);
    command.partition_count = static_cast<int32_t>(c.NumberOf("partitions"));
    command.replication_factor = static_cast<int32_t>(c.NumberOf("replicas"));
    return Run(command);
  }

  // As a decision would, but for the places.
  std::string CreateOn(const Words& c, const CreateTopic& command) {
    metadata::v1::Entry entry;
    *entry.add_records() = metadata::ToRecord(metadata::Topic{command.new_id, command.name, {}});
    for (const auto& [key, value] : command.configs) {
      *entry.add_records() = metadata::ToRecord(
          {metadata::ConfigScope::kTopic, command.new_id.ToString(), key}, &value);
    }
    metadata::Partition partition;
    for (const std::string& word : WordsOf(c.Value("on"))) {
      NodeId node(std::stoi(word));
      partition.replicas.push_back({node, image_.nodes.Find(node)->directories.front()});
      partition.isr.push_back(node);
    }
    partition.leader = partition.isr.front();
    std::ranges::sort(partition.isr);
    *entry.add_records() = metadata::ToRecord({command.new_id, PartitionIndex(0)}, partition);
    Write(entry);
    return "";
  }

  std::string Delete(const Words& c) { return Run(DeleteTopic{c.Word(0), RequestIn(c)}); }

  std::string ChangeIsrOf(const Words& c) {
    size_t slash = c.Word(0).find('/');
    const metadata::Topic* topic = image_.TopicNamed(c.Word(0).substr(0, slash));
    ChangeIsr command;
    command.partition.topic = topic == nullptr ? Named<TopicId>("none") : topic->id;
    command.partition.index = PartitionIndex(std::stoi(c.Word(0).substr(slash + 1)));
    const metadata::Partition* known = image_.partitions.Find(command.partition);
    command.node = NodeId(static_cast<int32_t>(c.NumberOf("by")));
    command.node_epoch = EpochIn(c, command.node, "node-epoch");
    command.leader_epoch = LeaderEpoch(static_cast<int32_t>(
        c.NumberOf("leader-epoch", known == nullptr ? 0 : known->leader_epoch.value())));
    command.partition_epoch = PartitionEpoch(static_cast<int32_t>(
        c.NumberOf("partition-epoch", known == nullptr ? 0 : known->partition_epoch.value())));
    for (const std::string& word : WordsOf(c.Value("isr"))) {
      size_t at = word.find('@');
      NodeId node(std::stoi(word.substr(0, at)));
      NodeEpoch epoch =
          at == std::string::npos ? EpochOf(node) : NodeEpoch(std::stoll(word.substr(at + 1)));
      command.isr.push_back({node, epoch});
    }
    return Run(command);
  }

  std::string Configs(const Words& c) {
    UpdateConfigs command;
    command.scope = metadata::ConfigScope::kCluster;
    if (!c.words.empty() && c.words[0] != "validate") {
      command.scope = metadata::ConfigScope::kTopic;
      command.resource = c.words[0];
    }
    command.set = PairsOf(c.Value("set", ""));
    command.reset = WordsOf(c.Value("reset", ""));
    command.validate_only = Says(c, "validate");
    command.request_id = RequestIn(c);
    return Run(command);
  }

  std::string Allocate(const Words& c) {
    NodeId node(static_cast<int32_t>(c.Number(0)));
    return Run(AllocateProducerIds{node, EpochIn(c, node)});
  }

  std::string ConfigsOfNode(const Words& c) {
    UpdateConfigs command{.scope = metadata::ConfigScope::kNode, .resource = c.Word(0)};
    command.set = PairsOf(c.Value("set", ""));
    return Run(command);
  }

  std::string AddPartitionsTo(const Words& c) {
    AddPartitions command{.topic = c.Word(0)};
    command.partition_count = static_cast<int32_t>(c.NumberOf("partitions"));
    command.validate_only = Says(c, "validate");
    command.request_id = RequestIn(c);
    return Run(command);
  }

  static PartitionName NameIn(const std::string& word) {
    size_t slash = word.find('/');
    return {word.substr(0, slash), PartitionIndex(std::stoi(word.substr(slash + 1)))};
  }
  static std::vector<PartitionName> NamesIn(const Words& c) {
    std::vector<PartitionName> names;
    for (const std::string& word : c.words) names.push_back(NameIn(word));
    return names;
  }

  std::string Elect(const Words& c) {
    return Run(ElectLeaders{NamesIn(c), c.Value("by", "") == "unclean", RequestIn(c)});
  }

  std::string Balance(const Words& c) {
    BalanceLeaders command;
    for (const PartitionName& name : NamesIn(c)) {
      command.partitions.push_back({image_.TopicNamed(name.topic)->id, name.index});
    }
    return Run(command);
  }

  std::string ReassignAll(const Words& c) {
    Reassign command{.validate_only = Says(c, "validate"), .request_id = RequestIn(c)};
    for (const std::string& word : c.words) {
      if (word == "validate") continue;
      size_t colon = word.find(':');
      Reassign::Move move{NameIn(word.substr(0, colon)), {}};
      std::istringstream nodes(word.substr(colon + 1));
      for (std::string node; std::getline(nodes, node, ',');) {
        move.replicas.push_back(NodeId(std::stoi(node)));
      }
      command.moves.push_back(std::move(move));
    }
    return Run(command);
  }

  Command Drain(const Words& c, NodeId node) const { return DrainNode{node, false, RequestIn(c)}; }
  Command Decommission(const Words& c, NodeId node) const {
    return DrainNode{node, true, RequestIn(c)};
  }
  Command Undrain(const Words& c, NodeId node) const { return UndrainNode{node, RequestIn(c)}; }
  Command Remove(const Words& c, NodeId node) const { return RemoveNode{node, RequestIn(c)}; }

  std::string DrainOnce(const Words& c) {
    return Run(DrainStep{static_cast<int32_t>(c.NumberOf("moving", 10))});
  }

  std::string FailDirectoryOf(const Words& c) {
    NodeId node(static_cast<int32_t>(c.Number(0)));
    return Run(FailDirectory{node, EpochIn(c, node), Named<DirectoryId>(c.Word(1))});
  }

  std::string Upgrade(const Words& c) {
    UpgradeFeature command{.name = c.Word(0), .level = static_cast<int32_t>(c.NumberOf("level"))};
    command.supported = {{"metadata", 1, static_cast<int32_t>(c.NumberOf("supported", 1))}};
    command.validate_only = Says(c, "validate");
    return Run(command);
  }

  std::string AddVoter(const Words& c) {
    AddLearner command{{.id = ControllerId(static_cast<int32_t>(c.Number(0))),
                        .directory = Named<DirectoryId>(c.Word(1)),
                        .endpoint = c.Has("endpoint") ? c.Value("endpoint") : ""},
                       std::nullopt};
    if (c.Has("id")) command.request_id = Named<RequestId>(c.Value("id"));
    return Run(command);
  }
  std::string Promote(const Words& c) {
    return Run(PromoteLearner{ControllerId(static_cast<int32_t>(c.Number(0))),
                              Named<DirectoryId>(c.Word(1))});
  }
  std::string RemoveOneVoter(const Words& c) {
    RemoveVoter command{.id = ControllerId(static_cast<int32_t>(c.Number(0)))};
    if (c.words.size() > 1) command.directory = Named<DirectoryId>(c.Word(1));
    return Run(command);
  }
  std::string ShowVoters() const {
    std::ostringstream out;
    for (const metadata::Voter& voter : image_.voters) {
      out << (voter.is_learner ? "learner " : "voter ") << voter.id << " at " << voter.endpoint
          << '\n';
    }
    return out.str();
  }

  std::string ShowImage() const {
    std::ostringstream out;
    for (const auto& [id, node] : image_.nodes) {
      out << "node " << id << ' ' << NameOf(node.state) << " epoch " << node.epoch;
      if (node.is_draining()) out << ' ' << NameOf(node.duty);
      if (!node.failed_directories.empty()) {
        out << " without " << node.failed_directories.size() << " directory";
      }
      out << '\n';
    }
    for (const auto& [name, level] : image_.features) {
      if (level > 1) out << "feature " << name << " at level " << level << '\n';
    }
    for (const auto& [name, topic] : image_.topic_ids) {
      image_.ForEachPartition(topic, [&](const PartitionId& id, const metadata::Partition& p) {
        out << name << '/' << id.index << " leader ";
        if (p.leader == kNoNode) {
          out << "none";
        } else {
          out << p.leader;
        }
        out << " epoch " << p.leader_epoch << '.' << p.partition_epoch << " isr " << Listed(p.isr);
        if (!p.eligible_leaders.empty()) out << " eligible " << Listed(p.eligible_leaders);
        if (p.last_known_leader != kNoNode) out << " last " << p.last_known_leader;
        if (p.recovering) out << " recovering";
        if (shows_replicas_) out << " on " << ListOf(p.replicas);
        if (!p.adding.empty()) out << " adding " << Listed(p.adding);
        if (!p.removing.empty()) out << " removing " << Listed(p.removing);
        out << '\n';
      });
      image_.ForEachConfig(metadata::ConfigScope::kTopic, topic.ToString(),
                           [&](const std::string& key, const std::string& value) {
                             out << name << ' ' << key << '=' << value << '\n';
                           });
    }
    return out.str();
  }

  MetadataMachine machine_{ControllerId(1)};
  metadata::Image image_;
  int created_ = 0;
  // They are worth a word where they can change.
  bool shows_replicas_ = false;
};

class Decisions : public testing::TestWithParam<std::string> {};

TEST_P(Decisions, AreAsWritten) {
  Scenario scenario;
  datadriven::Run(GetParam(), scenario.Handlers());
}

INSTANTIATE_TEST_SUITE_P(Files, Decisions,
                         testing::ValuesIn(datadriven::FilesIn("controller/decide/testdata")),
                         [](const auto& tested) {
                           size_t slash = tested.param.rfind('/') + 1;
                           return tested.param.substr(slash, tested.param.size() - slash - 4);
                         });

}  // namespace
}  // namespace weir::decide
