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
    std::vector<MembershipAt> memberships;
    Membership installed;
    std::vector<Message> then_send;
  };
  struct Node {
    Config config;
    std::unique_ptr<Raft> core;
    // On disk: where the log begins, the terms from there on (the first being that position's),
    // and the memberships that its entries bring, with the one in force at its begin.
    LogIndex begin{1};
    std::vector<Term> log{Term(1)};
    std::map<LogIndex, Membership> memberships;
    LogIndex snapshot{1};
    HardState hard_state;
    std::deque<PendingSave> saves;
    LogIndex told_commit{1};
  };

  static VoterId Id(int number) {
    return {ControllerId(number), DirectoryId(Uuid::FromRandom(1, static_cast<uint64_t>(number)))};
  }

  explicit RaftWorld(int voters, uint64_t seed = 0, Config base = {}) {
    for (int i = 1; i <= voters; ++i) founding.voters.insert(Id(i));
    for (int i = 1; i <= voters; ++i) {
      base.self = Id(i);
      base.seed = seed * 100 + static_cast<uint64_t>(i);
      nodes[i].config = base;
      nodes[i].memberships[LogIndex(1)] = founding;
      Start(i);
    }
  }

  // An empty controller, that knows of no cluster.
  void Add(int number) {
    Node& node = nodes[number];
    node.config = nodes.begin()->second.config;
    node.config.self = Id(number);
    node.config.seed += static_cast<uint64_t>(number) * 1000;
    node.begin = node.snapshot = node.told_commit = LogIndex(0);
    node.log = {Term(0)};
    Start(number);
  }

  Raft& Core(int node) { return *nodes.at(node).core; }
  bool IsUp(int node) { return nodes.at(node).core != nullptr; }

  void Start(int number) {
    Node& node = nodes.at(number);
    Origin origin{.hard_state = node.hard_state,
                  .begin = {node.begin, node.log.front()},
                  .snapshot = {node.snapshot, SavedTerm(node, node.snapshot)},
                  .last = LastSaved(node)};
    for (LogIndex i = node.begin; i <= origin.last; ++i) origin.terms.Assign(SavedTerm(node, i), i);
    for (const auto& [index, membership] : node.memberships) {
      origin.memberships.push_back({index, membership});
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
        pending.memberships = MembershipsOf(number, *range);
      }
      if (effects.save->install) pending.installed = node.core->membership();
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
    if (effects.fetch) Fetch(number, *effects.fetch);
    for (const ReadReady& ready : effects.reads) CheckRead(number, ready);
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
    if (save.truncate_from) {
      node.log.resize(static_cast<size_t>(*save.truncate_from - node.begin));
      node.memberships.erase(node.memberships.lower_bound(*save.truncate_from),
                             node.memberships.end());
    }
    if (save.install) {
      node.begin = node.snapshot = save.install->index;
      node.log = {save.install->term};
      node.memberships = {{save.install->index, pending.installed}};
    }
    if (save.append) {
      EXPECT_EQ(save.append->first, LastSaved(node) + 1);
      node.log.insert(node.log.end(), pending.terms.begin(), pending.terms.end());
      for (MembershipAt& at : pending.memberships) node.memberships[at.index] = at.membership;
    }
    for (Message& message : pending.then_send) network.push_back(std::move(message));
    node.core->Saved(save.number, now);
    return Take(number);
  }

  // Takes a snapshot of what this node has committed and saved; the log keeps `behind` entries.
  bool Compact(int number, int64_t behind = 0) {
    Node& node = nodes.at(number);
    LogIndex to = std::min(node.core->commit(), LastSaved(node));
    // What is being written may be about other positions by now.
    if (!node.saves.empty() || to <= node.snapshot) return false;
    LogIndex begin = std::max(node.begin, to - behind);
    auto in_force = std::prev(node.memberships.upper_bound(begin));
    node.memberships.erase(node.memberships.begin(), in_force);
    node.log.erase(node.log.begin(), node.log.begin() + (begin - node.begin));
    node.begin = begin;
    node.snapshot = to;
    node.core->Compacted({to, SavedTerm(node, to)}, begin);
    Take(number);
    return true;
  }

  // The snapshot that `number` was last offered has arrived, if there is one.
  std::string FinishFetch(int number) {
    auto found = fetches.find(number);
    if (found == fetches.end()) return "";
    auto [last, membership] = found->second;
    fetches.erase(found);
    Core(number).InstallSnapshot(last, membership, now);
    nodes.at(number).told_commit = std::max(nodes.at(number).told_commit, Core(number).commit());
    return Take(number);
  }

  // Begins a read; CheckRead judges what comes of it.
  bool Read(int number) {
    auto read = Core(number).Read(now);
    if (!read) return false;
    reads[{number, *read}] = committed.empty() ? LogIndex(1) : committed.rbegin()->first;
    return true;
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
        LogIndex begin = std::max(one.core->begin().index, two.core->begin().index);
        for (LogIndex i = std::min(one.core->last(), two.core->last()); i >= begin; i = i - 1) {
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
  Membership founding;
  // What is being fetched, and by whom; what was committed when a read began.
  std::map<int, std::pair<LogPosition, Membership>> fetches;
  std::map<std::pair<int, uint64_t>, LogIndex> reads;
  size_t reads_answered = 0;

 private:
  static LogIndex LastSaved(const Node& node) {
    return node.begin + static_cast<int64_t>(node.log.size()) - 1;
  }
  static Term SavedTerm(const Node& node, LogIndex index) {
    return node.log.at(static_cast<size_t>(index - node.begin));
  }

  std::vector<MembershipAt> MembershipsOf(int number, const Range& range) {
    return nodes.at(number).core->memberships().Within(range.first, range.last);
  }

  // The snapshot is read where it is offered, as it is now: it is committed, and so the same later.
  void Fetch(int number, const raft::Fetch& fetch) {
    const Node& source = nodes.at(fetch.from.controller.value());
    if (source.snapshot != fetch.last.index) return;
    fetches[number] = {fetch.last, std::prev(source.memberships.upper_bound(fetch.last.index))
                                       ->second};
  }

  // Who reads sees all that was committed, by anybody, before it asked.
  void CheckRead(int number, const ReadReady& ready) {
    auto begun = reads.extract({number, ready.read});
    ASSERT_FALSE(begun.empty());
    EXPECT_GE(ready.index, begun.mapped()) << "a stale read on " << number;
    EXPECT_LE(ready.index, Core(number).commit());
    ++reads_answered;
  }

  // One leader in a term, and it has all that was committed in the terms before.
  void CheckNewLeader(int number) {
    Term term = Core(number).term();
    auto [leader, is_first] = leaders.emplace(term, number);
    EXPECT_TRUE(is_first || leader->second == number)
        << number << " and " << leader->second << " both lead in term " << term;
    for (const auto& [index, entry] : committed) {
      if (entry.in >= term || index < Core(number).begin().index) continue;
      EXPECT_EQ(Core(number).TermAt(index), entry.term)
          << "the leader of term " << term << " lacks entry " << index;
    }
  }

  // What is committed is the same everywhere, and for ever.
  void CheckCommitted(int number, LogIndex to) {
    Node& node = nodes.at(number);
    for (LogIndex i = std::max(node.told_commit + 1, node.core->begin().index); i <= to; ++i) {
      Term term = *node.core->TermAt(i);
      auto [entry, is_new] = committed.emplace(i, Committed{term, node.core->term()});
      EXPECT_EQ(entry->second.term, term) << "entry " << i << " was committed twice";
    }
    node.told_commit = std::max(node.told_commit, to);
  }
};

}  // namespace weir::raft
