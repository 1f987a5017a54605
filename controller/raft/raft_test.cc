// SPDX-License-Identifier: Apache-2.0
// Runs testdata/*.txt: scenarios of several voters, and all that they then do.
//
//   voters N [in-flight=N] [per-append=N]   a new world; nobody leads
//   log V terms=(1 1 2)                     V restarts with this log (the first is the snapshot)
//   campaign V                              time passes until V stands for election
//   advance MS                              time passes, and nothing is delivered meanwhile
//   propose V [N]                           N entries
//   deliver [from=V] [to=V]                 what is on the network now, in order, once
//   drop [from=V] [to=V]                    loses what is on the network now
//   save V                                  V's oldest write is done
//   stabilize [quiet]                       all writes and messages, until nothing is left
//   lost V peer=V                           V's stream from or to a peer broke
//   transfer V                              V hands leadership over
//   cut V, heal                             what V sends or is sent is lost; no more
//   crash V, start V                        what was not saved is gone
//   stranger V to=V                         V's other disk grants a vote
//   add V                                   an empty controller, that knows of no cluster
//   change V voters=(1 2 3) [learners=(4)]  V proposes who takes part
//   compact V [behind=N]                    V takes a snapshot; its log keeps N entries
//   fetch V                                 the snapshot that V was offered has arrived
//   read V                                  a read begins
//   state                                   all voters
//   members                                 who takes part, in the eyes of each
#include "controller/raft/raft.h"

#include <gtest/gtest.h>

#include "controller/raft/raft_world.h"
#include "tests/datadriven/datadriven.h"

namespace weir::raft {
namespace {

using datadriven::Command;

class Scenario {
 public:
  datadriven::Handlers Handlers() {
    return {
        {"voters", [this](const Command& c) { return Voters(c); }},
        {"log", [this](const Command& c) { return Log(c); }},
        {"campaign", [this](const Command& c) { return Campaign(c); }},
        {"advance", [this](const Command& c) { return Advance(c); }},
        {"propose", [this](const Command& c) { return Propose(c); }},
        {"deliver", [this](const Command& c) { return Deliver(c); }},
        {"drop", [this](const Command& c) { return Drop(c); }},
        {"save", [this](const Command& c) { return SaveOne(c); }},
        {"stabilize", [this](const Command& c) { return Stabilize(c); }},
        {"lost", [this](const Command& c) { return Lost(c); }},
        {"transfer", [this](const Command& c) { return Transfer(c); }},
        {"cut", [this](const Command& c) { return Cut(c); }},
        {"heal", [this](const Command&) { return Heal(); }},
        {"crash", [this](const Command& c) { return Crash(c); }},
        {"start", [this](const Command& c) { return Start(c); }},
        {"stranger", [this](const Command& c) { return GrantAsStranger(c); }},
        {"add", [this](const Command& c) { return Add(c); }},
        {"change", [this](const Command& c) { return Change(c); }},
        {"compact", [this](const Command& c) { return Compact(c); }},
        {"fetch", [this](const Command& c) { return Fetch(c); }},
        {"read", [this](const Command& c) { return Read(c); }},
        {"members", [this](const Command&) { return Members(); }},
        {"state", [this](const Command&) { return State(); }},
    };
  }

 private:
  static int Voter(const Command& c) { return static_cast<int>(c.Number(0)); }

  // Each line of what `node` does, under its number.
  static std::string Lines(int node, const std::string& effects) {
    std::istringstream in(effects);
    std::string lines;
    for (std::string line; std::getline(in, line);) {
      lines += std::to_string(node) + ": " + line + '\n';
    }
    return lines;
  }

  std::string Voters(const Command& c) {
    Config base;
    base.in_flight_max = static_cast<size_t>(c.NumberOf("in-flight", 64));
    base.entries_per_append_max = c.NumberOf("per-append", 256);
    world_ = std::make_unique<RaftWorld>(static_cast<int>(c.Number(0)), 1, base);
    return "";
  }
  std::string Log(const Command& c) {
    auto& node = world_->nodes.at(Voter(c));
    node.log.clear();
    std::istringstream terms(c.Value("terms"));
    for (int64_t term; terms >> term;) node.log.push_back(Term(term));
    node.hard_state = {Term(c.NumberOf("term", node.log.back().value())), std::nullopt};
    world_->Start(Voter(c));
    return "";
  }
  std::string Campaign(const Command& c) {
    Raft& core = world_->Core(Voter(c));
    world_->now = std::max(world_->now, core.NextDeadline());
    core.TimeReached(world_->now);
    return Lines(Voter(c), world_->Take(Voter(c)));
  }
  std::string Advance(const Command& c) {
    std::string shown;
    world_->AdvanceTo(world_->now + std::chrono::milliseconds(c.Number(0)),
                      [&](int node, std::string text) { shown += Lines(node, text); });
    return shown;
  }
  std::string Propose(const Command& c) {
    int64_t count = c.words.size() > 1 ? c.Number(1) : 1;
    if (!world_->Core(Voter(c)).Propose(count, world_->now)) return "refused";
    return Lines(Voter(c), world_->Take(Voter(c)));
  }

  bool Fits(const Command& c, const Message& message) {
    auto is = [&](const std::string& key, const VoterId& id) {
      return !c.Has(key) || c.NumberOf(key) == id.controller.value();
    };
    return is("from", message.from) && is("to", message.to);
  }
  std::string Deliver(const Command& c) {
    std::string shown;
    size_t skipped = 0;
    for (size_t left = world_->network.size(); left > 0; --left) {
      if (!Fits(c, world_->network[skipped])) {
        ++skipped;
        continue;
      }
      int to = world_->network[skipped].to.controller.value();
      shown += Lines(to, world_->Deliver(skipped));
    }
    return shown;
  }
  std::string Drop(const Command& c) {
    std::erase_if(world_->network, [&](const Message& message) { return Fits(c, message); });
    return "";
  }
  std::string SaveOne(const Command& c) {
    if (world_->nodes.at(Voter(c)).saves.empty()) return "nothing to save";
    return Lines(Voter(c), world_->SaveNext(Voter(c)));
  }
  std::string Stabilize(const Command& c) {
    std::string shown;
    bool is_quiet = false;
    for (int i = 0; i < 10000 && !is_quiet; ++i) {
      is_quiet = true;
      for (auto& [number, node] : world_->nodes) {
        while (!node.saves.empty()) {
          is_quiet = false;
          shown += Lines(number, world_->SaveNext(number));
        }
      }
      if (!world_->network.empty()) {
        is_quiet = false;
        int to = world_->network.front().to.controller.value();
        shown += Lines(to, world_->Deliver(0));
      }
    }
    world_->CheckLogMatching();
    return c.words.empty() ? shown : "";
  }
  std::string Lost(const Command& c) {
    world_->Core(Voter(c)).PeerLost(RaftWorld::Id(static_cast<int>(c.NumberOf("peer"))),
                                    world_->now);
    return Lines(Voter(c), world_->Take(Voter(c)));
  }
  std::string Transfer(const Command& c) {
    if (!world_->Core(Voter(c)).TransferLeadership(world_->now)) return "nobody to hand to";
    return Lines(Voter(c), world_->Take(Voter(c)));
  }
  std::string Cut(const Command& c) {
    world_->cut.insert(Voter(c));
    return "";
  }
  std::string Heal() {
    world_->cut.clear();
    return "";
  }
  std::string Crash(const Command& c) {
    world_->Crash(Voter(c));
    return "";
  }
  std::string Start(const Command& c) {
    world_->Start(Voter(c));
    return "";
  }
  std::string Add(const Command& c) {
    world_->Add(Voter(c));
    return "";
  }
  static std::set<VoterId> Ids(const std::string& text) {
    std::set<VoterId> ids;
    std::istringstream numbers(text);
    for (int number; numbers >> number;) ids.insert(RaftWorld::Id(number));
    return ids;
  }
  std::string Change(const Command& c) {
    Membership membership{Ids(c.Value("voters")), {}};
    if (c.Has("learners")) membership.learners = Ids(c.Value("learners"));
    if (!world_->Core(Voter(c)).ProposeMembership(membership, world_->now)) return "refused";
    return Lines(Voter(c), world_->Take(Voter(c)));
  }
  std::string Compact(const Command& c) {
    int64_t behind = c.Has("behind") ? c.NumberOf("behind") : 0;
    return world_->Compact(Voter(c), behind) ? "" : "nothing to compact";
  }
  std::string Fetch(const Command& c) {
    return Lines(Voter(c), world_->FinishFetch(Voter(c)));
  }
  std::string Read(const Command& c) {
    if (!world_->Read(Voter(c))) return "refused";
    return Lines(Voter(c), world_->Take(Voter(c)));
  }
  std::string Members() {
    std::ostringstream out;
    for (auto& [number, node] : world_->nodes) {
      if (node.core) out << number << ": " << node.core->membership() << '\n';
    }
    return out.str();
  }
  std::string GrantAsStranger(const Command& c) {
    int to = static_cast<int>(c.NumberOf("to"));
    VoterId stranger = RaftWorld::Id(Voter(c));
    stranger.directory = DirectoryId(Uuid::FromRandom(66, 66));
    Message message{stranger, RaftWorld::Id(to), world_->Core(to).term(),
                    VoteResponse{.granted = true}};
    world_->Core(to).Step(message, world_->now);
    return Lines(to, world_->Take(to));
  }
  std::string State() {
    std::ostringstream out;
    for (auto& [number, node] : world_->nodes) {
      out << number << ": ";
      if (node.core) {
        out << node.core->role() << " term " << node.core->term() << " commit "
            << node.core->commit() << " last " << node.core->last() << " saved "
            << node.core->saved() << " terms " << node.core->terms();
      } else {
        out << "down";
      }
      out << '\n';
    }
    return out.str();
  }

  std::unique_ptr<RaftWorld> world_;
};

class RaftFile : public testing::TestWithParam<std::string> {};

TEST_P(RaftFile, ShowsWhatIsWritten) {
  Scenario scenario;
  datadriven::Run(GetParam(), scenario.Handlers());
}

std::string NameOf(const testing::TestParamInfo<std::string>& file) {
  size_t from = file.param.rfind('/') + 1;
  return file.param.substr(from, file.param.rfind('.') - from);
}

INSTANTIATE_TEST_SUITE_P(Testdata, RaftFile,
                         testing::ValuesIn(datadriven::FilesIn("controller/raft/testdata")),
                         NameOf);

TEST(Raft, GivesUpALostLeaderFasterThanASilentOne) {
  auto elected_after = [](bool is_lost) {
    RaftWorld world(3, 5);
    auto settle = [&] {
      for (bool busy = true; busy;) {
        busy = !world.network.empty();
        if (busy) world.Deliver(0);
        for (auto& [number, node] : world.nodes) {
          if (!node.saves.empty()) world.SaveNext(number), busy = true;
        }
      }
    };
    auto pass_until = [&](auto done) {
      Instant start = world.now;
      while (!done()) {
        world.AdvanceTo(world.now + std::chrono::milliseconds(1));
        settle();
      }
      return world.now - start;
    };
    pass_until([&] { return !world.leaders.empty(); });
    int leader = world.leaders.begin()->second;
    world.Crash(leader);
    world.network.clear();
    for (int node = 1; node <= 3 && is_lost; ++node) {
      if (node == leader) continue;
      world.Core(node).PeerLost(RaftWorld::Id(leader), world.now);
      world.Take(node);
    }
    return pass_until([&] { return world.leaders.size() > 1; });
  };
  EXPECT_LE(elected_after(true), std::chrono::milliseconds(45));
  EXPECT_GE(elected_after(false), std::chrono::milliseconds(500));
}

}  // namespace
}  // namespace weir::raft
