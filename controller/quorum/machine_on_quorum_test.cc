// SPDX-License-Identifier: Apache-2.0
// The toy machine, folded by three voters from the quorum's log, while voters die and are cut off.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/machine/machine_driver.h"
#include "common/machine/testing/toy_machine.h"
#include "controller/quorum/memory/memory_quorum_log.h"
#include "controller/quorum/quorum.h"
#include "controller/quorum/test_world.h"

namespace weir::quorum {
namespace {

using machine::Position;
using machine::ToyMachine;
using std::chrono::milliseconds;

using Driver = machine::MachineDriver<ToyMachine>;

const ClusterId kCluster(Uuid::FromRandom(7, 7));

// Everything that any voter was ever told is committed: they may not disagree, in no life.
class History {
 public:
  void Add(Position position, const std::string& entry) {
    auto [known, is_new] = entries.emplace(position.index, std::pair(position.epoch, entry));
    EXPECT_EQ(known->second, std::pair(position.epoch, entry)) << "at index " << position.index;
    if (is_new) Fold(position, entry);
  }

  std::map<int64_t, std::pair<int64_t, std::string>> entries;
  ToyMachine::State state;

 private:
  void Fold(Position position, const std::string& entry) {
    state = ToyMachine().Apply(std::move(state), ToyMachine().Decode(Bytes::FromString(entry)),
                               position);
  }
};

class Observer final : public Driver::Observer {
 public:
  explicit Observer(History& history) : history_(history) {}
  void OnPublished(const ToyMachine::State& before, const ToyMachine::State& after,
                   Position position, const Bytes& entry) override {
    EXPECT_EQ(after.last, position);
    EXPECT_EQ(before.last.index + 1, position.index);
    history_.Add(position, entry.ToString());
  }
  void OnRestored(const ToyMachine::State&, const ToyMachine::State&, Position) override {}
  void OnActive(int64_t) override { EXPECT_FALSE(std::exchange(is_active, true)); }
  void OnInactive() override { EXPECT_TRUE(std::exchange(is_active, false)); }

  bool is_active = false;

 private:
  History& history_;
};

Voter VoterNumber(int number) {
  return {{ControllerId(number), DirectoryId(Uuid::FromRandom(3, static_cast<uint64_t>(number)))},
          "c" + std::to_string(number) + ":1"};
}

// The log and the driver speak to each other: one of them has to be there first.
class LateEvents final : public machine::LogEvents {
 public:
  void OnLeading(int64_t epoch) override { to->OnLeading(epoch); }
  void OnFollowing() override { to->OnFollowing(); }
  void OnCommitted(Position position, Bytes entry) override {
    to->OnCommitted(position, std::move(entry));
  }
  std::unique_ptr<machine::SnapshotSource> TakeSnapshot() override { return to->TakeSnapshot(); }
  void OnSnapshot(Position last, Bytes snapshot) override {
    to->OnSnapshot(last, std::move(snapshot));
  }
  machine::LogEvents* to = nullptr;
};

class MachineOnQuorumTest : public testing::Test {
 protected:
  struct Process {
    Process(MachineOnQuorumTest& test, int number, uint64_t seed)
        : random(seed),
          network(test.wires_, VoterNumber(number).endpoint),
          log(test.strand_, test.strand_, test.disks_[number]),
          observer(test.history_) {}
    TestRandom random;
    TestNetwork network;
    NoDisk disk;
    PeerService service;
    MemoryQuorumLog log;
    Observer observer;
    LateEvents events;
    std::unique_ptr<Driver> driver;
    std::unique_ptr<Quorum> quorum;
  };

  void Found(uint64_t seed = 1) {
    seed_ = seed * 1000;
    history_.state.last = {kFoundingPosition.index.value(), kFoundingPosition.term.value()};
    for (int i = 1; i <= 3; ++i) voters_.push_back(VoterNumber(i));
    for (int i = 1; i <= 3; ++i) {
      disks_[i].Install({kFoundingPosition, ToyMachine().Snapshot({})});
      Start(i);
    }
  }

  void Start(int number) {
    auto process = std::make_unique<Process>(*this, number, ++seed_);
    Process* p = process.get();
    host::Host host{strand_, strand_, p->disk, p->network, p->random};
    QuorumConfig config{.cluster = kCluster, .self = VoterNumber(number).id};
    // The toy's state does not say who votes.
    config.voters_in = [this](std::string_view) -> Result<std::vector<Voter>> { return voters_; };
    config.compaction = {.after_entries = 20, .after_bytes = 2000, .kept_entries = 5};
    p->quorum = std::make_unique<Quorum>(host, p->log, config, p->events,
                                         [](Error error) { ADD_FAILURE() << error; });
    p->driver = std::make_unique<Driver>(ToyMachine(), *p->quorum, p->observer,
                                         [this](Task0 task) { strand_.Post(std::move(task)); });
    p->events.to = p->driver.get();
    ASSERT_TRUE(p->network.Listen(VoterNumber(number).endpoint, p->service.Methods()));
    p->service.Serve(p->quorum.get());
    processes_[number] = std::move(process);
    bool started = false;
    p->log.Load([&, p](Result<Remembered> remembered) {
      ASSERT_TRUE(remembered) << remembered.error();
      p->quorum->Start(*remembered, *disks_[number].snapshot);
      started = true;
    });
    ASSERT_TRUE(strand_.RunUntil([&] { return started; }));
  }

  void Kill(int number) {
    processes_.erase(number);
    wires_.Stop(VoterNumber(number).endpoint);
  }
  void CutOff(int number) {
    wires_.cut.insert(VoterNumber(number).endpoint);
    wires_.Break(VoterNumber(number).endpoint);
  }

  // The one of the latest epoch that takes commands; 0 if there is none.
  int Active() {
    int active = 0;
    for (auto& [number, p] : processes_) {
      if (!p->driver->is_active()) continue;
      if (active == 0 || p->driver->epoch() > processes_[active]->driver->epoch()) active = number;
    }
    return active;
  }
  int AwaitActive(int other_than = 0) {
    CHECK(strand_.RunUntil([&] { return Active() != 0 && Active() != other_than; },
                           std::chrono::seconds(5)))
        << "nobody takes commands";
    return Active();
  }
  bool AwaitSameEverywhere() {
    return strand_.RunUntil([&] {
      for (auto& [number, p] : processes_) {
        if (p->driver->position().index != history_.state.last.index) return false;
      }
      return Active() != 0;
    });
  }
  void ExpectSameEverywhere() {
    for (auto& [number, p] : processes_) {
      EXPECT_EQ(p->driver->committed(), history_.state) << number;
      EXPECT_EQ(p->driver->tip(), history_.state) << number;
    }
  }

  // The answer is there once the strand ran far enough; empty if the process died with it.
  std::shared_ptr<std::optional<Driver::Told>> Submit(int number, ToyMachine::Command command) {
    auto told = std::make_shared<std::optional<Driver::Told>>();
    processes_.at(number)->driver->Submit(
        command, {strand_.Now(), strand_.WallNow()},
        [told](Driver::Told answer) { *told = std::move(answer); });
    EXPECT_FALSE(*told) << "nothing is answered within Submit";
    return told;
  }

  TestStrand strand_;
  TestWires wires_{strand_};
  History history_;
  uint64_t seed_ = 0;
  std::vector<Voter> voters_;
  std::map<int, MemoryQuorumDisk> disks_;
  std::map<int, std::unique_ptr<Process>> processes_;
};

// Counts a register of its own and one of all, and asks again until it is told what became of it.
class Counter {
 public:
  Counter(uint64_t number, std::string shared)
      : number_(number), own_("own" + std::to_string(number)), shared_(std::move(shared)) {}

  // What to ask now.
  ToyMachine::Command Wanted() const {
    bool is_shared = asked_ % 2 == 1;
    int64_t holds = is_shared ? shared_holds_ : own_holds_;
    return {Request(), is_shared ? shared_ : own_, holds, holds + 1};
  }

  void Hear(const Driver::Told& heard, const ToyMachine::State& committed) {
    bool is_shared = asked_ % 2 == 1;
    if (heard.answer) {
      ASSERT_EQ(*heard.answer, Wanted().value);
      answered[Request()] = *heard.answer;
      (is_shared ? shared_holds_ : own_holds_) = *heard.answer;
      ++asked_;
    } else if (heard.answer.error().code == ErrorCode::kInvalidRequest) {
      ASSERT_TRUE(is_shared) << "nobody else writes it: " << heard.answer.error();
      // Somebody was faster. A new request, for this one was judged.
      auto held = committed.registers.find(shared_);
      shared_holds_ = held == committed.registers.end() ? 0 : held->second;
      asked_ += 2;
    } else {
      EXPECT_EQ(heard.answer.error().code, ErrorCode::kNotController) << heard.answer.error();
    }
  }

  std::map<uint64_t, int64_t> answered;
  std::shared_ptr<std::optional<Driver::Told>> told;
  int at = 0;

 private:
  uint64_t Request() const { return number_ * 1'000'000 + asked_; }

  const uint64_t number_;
  const std::string own_;
  const std::string shared_;
  uint64_t asked_ = 1;
  int64_t own_holds_ = 0;
  int64_t shared_holds_ = 0;
};

TEST_F(MachineOnQuorumTest, FoldsTheSameStateOnEveryVoter) {
  Found();
  int active = AwaitActive();
  auto first = Submit(active, {1, "a", 0, 5});
  auto second = Submit(active, {2, "a", 5, 6});
  auto refused = Submit(active, {3, "a", 5, 9});
  ASSERT_TRUE(strand_.RunUntil([&] { return refused->has_value(); }));
  ASSERT_TRUE(*first && *second);
  EXPECT_EQ((*first)->answer, 5);
  EXPECT_EQ((*second)->answer, 6);
  EXPECT_EQ((*refused)->answer.error().code, ErrorCode::kInvalidRequest);
  EXPECT_EQ((*refused)->index, (*second)->index) << "it rests on what was decided before";
  ASSERT_TRUE(AwaitSameEverywhere());
  ExpectSameEverywhere();
  auto follower = Submit(active % 3 + 1, {4, "a", 6, 7});
  ASSERT_TRUE(strand_.RunUntil([&] { return follower->has_value(); }));
  EXPECT_EQ((*follower)->answer.error().code, ErrorCode::kNotController);
}

TEST_F(MachineOnQuorumTest, KeepsEveryAnswerWhileLeadersAreKilled) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    for (int i = 1; i <= 3; ++i) Kill(i);
    disks_.clear();
    voters_.clear();
    history_ = {};
    Found(seed);
    std::vector<Counter> counters;
    for (uint64_t i = 1; i <= 4; ++i) counters.emplace_back(i, "shared");
    size_t lost = 0;
    auto work = [&] {
      int active = Active();
      for (Counter& counter : counters) {
        bool is_dead = counter.at != 0 && !processes_.contains(counter.at);
        if (counter.told && !*counter.told && !is_dead) continue;
        if (counter.told && *counter.told && !is_dead) {
          counter.Hear(**counter.told, processes_.at(counter.at)->driver->committed());
        } else if (is_dead) {
          ++lost;
        }
        counter.told.reset();
        counter.at = active;
        if (active != 0) counter.told = Submit(active, counter.Wanted());
      }
      return false;
    };
    int dead = 0;
    for (int round = 0; round < 6; ++round) {
      strand_.RunUntil(work, milliseconds(30 + 7 * round));
      if (dead != 0) Start(std::exchange(dead, 0));
      strand_.RunUntil([&] { return work() || Active() != 0; });
      strand_.RunUntil(work, milliseconds(30));
      dead = AwaitActive();
      Kill(dead);
      work();
    }
    Start(dead);
    strand_.RunUntil(work, milliseconds(100));
    ASSERT_TRUE(strand_.RunUntil([&] {
      for (Counter& counter : counters) {
        if (counter.told && !*counter.told) return false;
      }
      return true;
    }));
    ASSERT_TRUE(AwaitSameEverywhere());
    ExpectSameEverywhere();
    EXPECT_GE(history_.state.opened, 6) << "every leader opened a term of its own";
    EXPECT_GT(lost, 0u) << "no answer was ever lost: the test proves little";
    int64_t shared = 0;
    for (const Counter& counter : counters) {
      EXPECT_GT(counter.answered.size(), 50u);
      for (auto [request, value] : counter.answered) {
        EXPECT_EQ(history_.state.requests.at(request), value);
      }
    }
    // Each value of the shared register was somebody's, once.
    for (auto& [index, written] : history_.entries) {
      auto entry = ToyMachine().Decode(Bytes::FromString(written.second));
      if (entry.name == "shared") EXPECT_EQ(entry.value, ++shared);
    }
    EXPECT_EQ(history_.state.registers.at("shared"), shared);
    EXPECT_GT(shared, 50);
  }
}

TEST_F(MachineOnQuorumTest, ACutOffLeaderAnswersNothingThatItCannotCommit) {
  Found();
  int old = AwaitActive();
  auto before = Submit(old, {1, "a", 0, 5});
  ASSERT_TRUE(strand_.RunUntil([&] { return before->has_value(); }));
  CutOff(old);
  auto lost = Submit(old, {2, "a", 5, 6});
  auto rests = Submit(old, {3, "a", 0, {}});
  int next = AwaitActive(old);
  EXPECT_FALSE(*lost || *rests) << "it has nobody to commit with";
  auto other = Submit(next, {4, "a", 5, 7});
  ASSERT_TRUE(strand_.RunUntil([&] { return other->has_value(); }));
  EXPECT_EQ((*other)->answer, 7) << "what was not committed never was";
  ASSERT_TRUE(strand_.RunUntil([&] { return lost->has_value() && rests->has_value(); }));
  EXPECT_EQ((*lost)->answer.error().code, ErrorCode::kNotController);
  EXPECT_EQ((*rests)->answer.error().code, ErrorCode::kNotController);
  EXPECT_EQ(processes_.at(old)->driver->tip(), processes_.at(old)->driver->committed());
  wires_.cut.clear();
  ASSERT_TRUE(AwaitSameEverywhere());
  ExpectSameEverywhere();
  EXPECT_FALSE(history_.state.requests.contains(2));
  auto again = Submit(AwaitActive(), {2, "a", 5, 6});
  ASSERT_TRUE(strand_.RunUntil([&] { return again->has_value(); }));
  EXPECT_EQ((*again)->answer.error().code, ErrorCode::kInvalidRequest) << "it holds 7 by now";
}

TEST_F(MachineOnQuorumTest, FoldsItsLogAnewAfterAllWereKilled) {
  Found();
  int active = AwaitActive();
  std::shared_ptr<std::optional<Driver::Told>> last;
  for (int i = 1; i <= 50; ++i) last = Submit(active, {static_cast<uint64_t>(i), "a", i - 1, i});
  ASSERT_TRUE(strand_.RunUntil([&] { return last->has_value(); }));
  ASSERT_EQ((*last)->answer, 50);
  for (int i = 1; i <= 3; ++i) Kill(i);
  for (int i = 1; i <= 3; ++i) Start(i);
  auto repeated = Submit(AwaitActive(), {50, "a", 49, 50});
  ASSERT_TRUE(strand_.RunUntil([&] { return repeated->has_value(); }));
  EXPECT_EQ((*repeated)->answer, 50) << "the repetition is recognised";
  ASSERT_TRUE(AwaitSameEverywhere());
  ExpectSameEverywhere();
  EXPECT_EQ(history_.state.registers.at("a"), 50);
}

}  // namespace
}  // namespace weir::quorum
