// SPDX-License-Identifier: Apache-2.0
// Several cores in one process, for tests: a network that a test may hold, lose or reorder, disks
// that forget what was not saved, and after every step the promises of Raft (figure 3.2).
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "controller/raft/raft.h"

namespace weir::raft {

class RaftWorld {
 public:
  struct PendingSave {
    Save save;
    std::vector<Term> terms;
    std::vector<Message> then_send;
  };
  struct Node {
    Config config;
    std::unique_ptr<Raft> core;
    // On disk: the terms of entries 1.., the first being the founding snapshot.
    std::vector<Term> log{Term(1)};
    HardState hard_state;
    std::deque<PendingSave> saves;
    LogIndex told_commit{1};
  };

  static VoterId Id(int number) {
    return {ControllerId(number), DirectoryId(Uuid::FromRandom(1, static_cast<uint64_t>(number)))};
  }

  explicit RaftWorld(int voters, uint64_t seed = 0, Config base = {}) {
    for (int i = 1; i <= voters; ++i) base.voters.push_back(Id(i));
    for (int i = 1; i <= voters; ++i) {
      base.self = Id(i);
      base.seed = seed * 100 + static_cast<uint64_t>(i);
      nodes[i].config = base;
      Start(i);
    }
  }

  Raft& Core(int node) { return *nodes.at(node).core; }
  bool IsUp(int node) { return nodes.at(node).core != nullptr; }

  void Start(int number) {
    Node& node = nodes.at(number);
    Origin origin{.hard_state = node.hard_state,
                  .snapshot = {LogIndex(1), node.log.front()},
                  .last = LogIndex(static_cast<int64_t>(node.log.size()))};
    for (size_t i = 0; i < node.log.size(); ++i) {
      origin.terms.Assign(node.log[i], LogIndex(static_cast<int64_t>(i) + 1));
    }
    node.core = std::make_unique<Raft>(node.config, origin, now);
  }

  // What was not saved is gone; so are the messages that waited for it.
  void Crash(int number) {
    nodes.at(number).core.reset();
    nodes.at(number).saves.clear();
  }

  // Carries out the effects of the last input, and returns them as text.
  std::string Take(int number) {
    Node& node = nodes.at(number);
    Effects effects = node.core->TakeEffects();
    std::ostringstream text;
    text << effects;
    if (effects.save) {
      PendingSave pending{.save = *effects.save};
      if (auto range = effects.save->append) {
        for (LogIndex i = range->first; i <= range->last; ++i) {
          pending.terms.push_back(*node.core->TermAt(i));
        }
      }
      node.saves.push_back(std::move(pending));
    }
    for (Message& message : effects.send) network.push_back(std::move(message));
    for (Message& message : effects.send_when_saved) {
      if (node.saves.empty()) {
        network.push_back(std::move(message));
      } else {
        node.saves.back().then_send.push_back(std::move(message));
      }
    }
    if (effects.role && effects.role->role == RoleName::kLeader) CheckNewLeader(number);
    if (effects.commit_to) CheckCommitted(number, *effects.commit_to);
    return text.str();
  }

  // Finishes the oldest write of this node.
  std::string SaveNext(int number) {
    Node& node = nodes.at(number);
    PendingSave pending = std::move(node.saves.front());
    node.saves.pop_front();
    const Save& save = pending.save;
    if (save.hard_state) node.hard_state = *save.hard_state;
    if (save.truncate_from) node.log.resize(static_cast<size_t>(save.truncate_from->value() - 1));
    if (save.append) {
      EXPECT_EQ(save.append->first.value(), static_cast<int64_t>(node.log.size()) + 1);
      node.log.insert(node.log.end(), pending.terms.begin(), pending.terms.end());
    }
    for (Message& message : pending.then_send) network.push_back(std::move(message));
    node.core->Saved(save.number, now);
    return Take(number);
  }

  // Delivers the message at this place of the network.
  std::string Deliver(size_t place) {
    Message message = std::move(network[place]);
    network.erase(network.begin() + static_cast<ptrdiff_t>(place));
    int to = message.to.controller.value();
    if (!IsUp(to) || cut.contains(to) || cut.contains(message.from.controller.value())) return "";
    Core(to).Step(message, now);
    return Take(to);
  }

  // Lets time pass to `to`; timers fire in their order.
  void AdvanceTo(Instant to, const std::function<void(int, std::string)>& shown = {}) {
    while (true) {
      int first = 0;
      for (auto& [number, node] : nodes) {
        if (!node.core || node.core->NextDeadline() > to) continue;
        if (first == 0 || node.core->NextDeadline() < Core(first).NextDeadline()) first = number;
      }
      if (first == 0) break;
      now = std::max(now, Core(first).NextDeadline());
      Core(first).TimeReached(now);
      std::string text = Take(first);
      if (shown) shown(first, std::move(text));
    }
    now = to;
  }

  // Same index and term in two logs: same logs up to there.
  void CheckLogMatching() {
    for (auto& [a, one] : nodes) {
      for (auto& [b, two] : nodes) {
        if (a >= b || !one.core || !two.core) continue;
        bool equal = false;
        for (LogIndex i = std::min(one.core->last(), two.core->last()); i >= LogIndex(1);
             i = i - 1) {
          bool same = one.core->TermAt(i) == two.core->TermAt(i);
          EXPECT_TRUE(same || !equal) << "logs of " << a << " and " << b << " part below " << i;
          equal = equal || same;
        }
      }
    }
  }

  std::map<int, Node> nodes;
  std::deque<Message> network;
  std::set<int> cut;
  Instant now{0};
  struct Committed {
    Term term;
    Term in;
  };
  std::map<LogIndex, Committed> committed;
  std::map<Term, int> leaders;

 private:
  // One leader in a term, and it has all that was committed in the terms before.
  void CheckNewLeader(int number) {
    Term term = Core(number).term();
    auto [leader, is_first] = leaders.emplace(term, number);
    EXPECT_TRUE(is_first || leader->second == number)
        << number << " and " << leader->second << " both lead in term " << term;
    for (const auto& [index, entry] : committed) {
      if (entry.in >= term) continue;
      EXPECT_EQ(Core(number).TermAt(index), entry.term)
          << "the leader of term " << term << " lacks entry " << index;
    }
  }

  // What is committed is the same everywhere, and for ever.
  void CheckCommitted(int number, LogIndex to) {
    Node& node = nodes.at(number);
    for (LogIndex i = node.told_commit + 1; i <= to; ++i) {
      Term term = *node.core->TermAt(i);
      auto [entry, is_new] = committed.emplace(i, Committed{term, node.core->term()});
      EXPECT_EQ(entry->second.term, term) << "entry " << i << " was committed twice";
    }
    node.told_commit = std::max(node.told_commit, to);
  }
};

}  // namespace weir::raft
