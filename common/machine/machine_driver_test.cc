// SPDX-License-Identifier: Apache-2.0
#include "common/machine/machine_driver.h"

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <vector>

#include "common/machine/testing/fake_machine_log.h"
#include "common/machine/testing/toy_machine.h"

namespace weir::machine {
namespace {

static_assert(Machine<ToyMachine>);

using Driver = MachineDriver<ToyMachine>;
using Lines = std::vector<std::string>;

std::string TextOf(Position position) {
  return std::to_string(position.index) + "/" + std::to_string(position.epoch);
}

// Writes down what it hears, and checks that the states it is shown are successive.
class Observer final : public Driver::Observer {
 public:
  void OnPublished(const ToyMachine::State& before, const ToyMachine::State& after,
                   Position position, const Bytes& entry) override {
    EXPECT_EQ(before, shown);
    EXPECT_EQ(after, ToyMachine().Apply(before, ToyMachine().Decode(entry), position));
    shown = after;
    heard.push_back("published " + TextOf(position) + ": " + entry.ToString());
    if (on_published) on_published();
  }
  void OnRestored(const ToyMachine::State& before, const ToyMachine::State& after,
                  Position position) override {
    EXPECT_EQ(before, shown);
    shown = after;
    heard.push_back("restored " + TextOf(position));
  }
  void OnActive(int64_t epoch) override {
    heard.push_back("active " + std::to_string(epoch));
    if (on_active) on_active();
  }
  void OnInactive() override {
    heard.push_back("inactive");
    if (on_inactive) on_inactive();
  }
  Lines Take() { return std::exchange(heard, {}); }

  ToyMachine::State shown;
  Lines heard;
  std::function<void()> on_published;
  std::function<void()> on_active;
  std::function<void()> on_inactive;
};

class MachineDriverTest : public testing::Test {
 protected:
  MachineDriverTest()
      : driver_(ToyMachine(), log_, observer_,
                [this](Task0 task) { posted_.push_back(std::move(task)); }) {
    log_.Serve(&driver_);
  }

  // The driver leads, with its opening entry at index 1 committed.
  void BecomeActive(int64_t epoch = 1) {
    log_.Lead(epoch);
    log_.CommitAll();
    ASSERT_TRUE(driver_.is_active());
    observer_.Take();
  }

  // Told as "r1: 5 @2": the answer to request 1, given when entry 2 had been committed.
  void Submit(ToyMachine::Command command) {
    uint64_t request = command.request;
    size_t before = told_.size();
    driver_.Submit(command, {}, [this, request](Driver::Told told) {
      std::string answer = told.answer ? std::to_string(*told.answer)
                                       : std::string(NameOf(told.answer.error().code));
      told_.push_back("r" + std::to_string(request) + ": " + answer + " @" +
                      std::to_string(told.index));
    });
    EXPECT_EQ(told_.size(), before) << "nothing is answered within Submit";
  }
  void Set(uint64_t request, const std::string& name, int64_t expected, int64_t value) {
    Submit({request, name, expected, value});
  }
  void Read(uint64_t request, const std::string& name) { Submit({request, name, 0, {}}); }

  // Runs what was posted; what was answered since the last time, in order.
  Lines Answers() {
    while (!posted_.empty()) {
      Task0 task = std::move(posted_.front());
      posted_.pop_front();
      task();
    }
    return std::exchange(told_, {});
  }
  // Entries of another leader.
  int64_t PutForeign(int64_t epoch, const ToyMachine::Entry& entry) {
    return log_.Put(epoch, ToyMachine().Encode(entry));
  }

  FakeMachineLog log_;
  Observer observer_;
  std::deque<Task0> posted_;
  Lines told_;
  Driver driver_;
};

TEST_F(MachineDriverTest, AnswersOnCommitInTheOrderOfTheCommands) {
  BecomeActive();
  Set(1, "a", 0, 5);
  Set(2, "b", 0, 6);
  Set(3, "a", 5, 7);
  EXPECT_EQ(Answers(), Lines{});
  log_.Commit();
  EXPECT_TRUE(told_.empty()) << "answers come in a task of their own";
  EXPECT_EQ(Answers(), Lines{"r1: 5 @2"});
  log_.Commit(2);
  EXPECT_EQ(Answers(), (Lines{"r2: 6 @3", "r3: 7 @4"}));
  EXPECT_EQ(observer_.Take(),
            (Lines{"published 2/1: 1 a 5", "published 3/1: 2 b 6", "published 4/1: 3 a 7"}));
  EXPECT_EQ(driver_.position(), (Position{4, 1}));
  EXPECT_EQ(driver_.committed(), driver_.tip());
}

TEST_F(MachineDriverTest, DecidesOnTheTipAndReadsWhatIsCommitted) {
  BecomeActive();
  Set(1, "a", 0, 5);
  EXPECT_TRUE(driver_.committed().registers.empty());
  EXPECT_EQ(driver_.tip().registers.at("a"), 5);
  EXPECT_EQ(driver_.tip().last, (Position{2, 1}));
  Set(2, "a", 5, 6);
  EXPECT_EQ(log_.entries().size(), 3u);
  EXPECT_EQ(driver_.tip().registers.at("a"), 6);
  log_.Commit();
  EXPECT_EQ(driver_.committed().registers.at("a"), 5);
  EXPECT_EQ(driver_.tip().registers.at("a"), 6);
}

TEST_F(MachineDriverTest, AnswersThatWroteNothingWaitForWhatTheyRestOn) {
  BecomeActive();
  Read(1, "a");
  EXPECT_EQ(Answers(), Lines{"r1: 0 @1"}) << "nothing is uncommitted";
  Set(2, "a", 0, 5);
  Read(3, "a");
  Set(4, "a", 0, 9);
  Set(2, "a", 0, 5);
  EXPECT_EQ(log_.entries().size(), 2u) << "neither the refusal nor the repetition is written";
  EXPECT_EQ(Answers(), Lines{});
  log_.Commit();
  EXPECT_EQ(Answers(), (Lines{"r2: 5 @2", "r3: 5 @2", "r4: INVALID_REQUEST @2", "r2: 5 @2"}));
}

TEST_F(MachineDriverTest, DropsAnswersWhenTheLeadIsLostAndForgetsTheTip) {
  BecomeActive();
  Set(1, "a", 0, 5);
  log_.Commit();
  Set(2, "a", 5, 6);
  Read(3, "a");
  EXPECT_EQ(Answers(), Lines{"r1: 5 @2"});
  log_.Follow();
  EXPECT_FALSE(driver_.is_active());
  EXPECT_EQ(driver_.tip(), driver_.committed());
  EXPECT_EQ(driver_.tip().registers.at("a"), 5);
  EXPECT_EQ(Answers(), (Lines{"r2: NOT_CONTROLLER @2", "r3: NOT_CONTROLLER @2"}));
  EXPECT_EQ(observer_.Take(), (Lines{"published 2/1: 1 a 5", "inactive"}));
}

TEST_F(MachineDriverTest, AppliesWhatItWroteAndLostOnceItCommitsAfterAll) {
  BecomeActive();
  Set(1, "a", 0, 5);
  log_.Follow();
  EXPECT_EQ(Answers(), Lines{"r1: NOT_CONTROLLER @1"});
  log_.Commit();
  EXPECT_EQ(Answers(), Lines{}) << "an answer is told once";
  EXPECT_EQ(driver_.committed().registers.at("a"), 5);
  EXPECT_EQ(driver_.tip(), driver_.committed());
  PutForeign(2, ToyMachine().Open(2));
  log_.CommitAll();
  EXPECT_EQ(driver_.committed().opened, 2);
  log_.Lead(3);
  log_.CommitAll();
  Set(1, "a", 0, 5);
  EXPECT_EQ(Answers(), Lines{"r1: 5 @4"}) << "the repetition is recognised";
}

TEST_F(MachineDriverTest, FoldsWhatAnotherLeaderWroteInstead) {
  BecomeActive();
  Set(1, "a", 0, 5);
  log_.Follow();
  log_.Truncate();
  PutForeign(2, ToyMachine().Open(2));
  PutForeign(2, {2, "b", 8});
  log_.CommitAll();
  EXPECT_EQ(driver_.committed().registers, (std::map<std::string, int64_t>{{"b", 8}}));
  EXPECT_EQ(driver_.position(), (Position{3, 2}));
  EXPECT_EQ(Answers(), Lines{"r1: NOT_CONTROLLER @1"});
}

TEST_F(MachineDriverTest, RefusesCommandsWhereItDoesNotLead) {
  Set(1, "a", 0, 5);
  EXPECT_EQ(Answers(), Lines{"r1: NOT_CONTROLLER @0"});
  BecomeActive();
  log_.Follow();
  Read(2, "a");
  EXPECT_EQ(Answers(), Lines{"r2: NOT_CONTROLLER @1"});
  EXPECT_EQ(log_.entries().size(), 1u);
}

TEST_F(MachineDriverTest, DecidesNothingBeforeItsEpochIsOpened) {
  log_.Lead(4);
  ASSERT_EQ(log_.entries().size(), 1u);
  EXPECT_EQ(log_.entries()[0].position, (Position{1, 4}));
  Set(1, "a", 0, 5);
  EXPECT_EQ(Answers(), Lines{"r1: NOT_CONTROLLER @0"});
  EXPECT_EQ(log_.entries().size(), 1u) << "the epoch is opened once";
  log_.Commit();
  EXPECT_EQ(observer_.Take(), (Lines{"published 1/4: 0 - 4", "active 4"}));
  EXPECT_EQ(driver_.epoch(), 4);
  Set(1, "a", 0, 5);
  log_.Commit();
  EXPECT_EQ(Answers(), Lines{"r1: 5 @2"});
}

TEST_F(MachineDriverTest, DecidesOnEntriesOfEarlierEpochsThatCommitLate) {
  PutForeign(1, ToyMachine().Open(1));
  PutForeign(1, {1, "a", 5});
  PutForeign(1, {2, "a", 6});
  log_.Commit();
  log_.Lead(2);
  EXPECT_EQ(log_.last(), 4);
  log_.Commit(2);
  EXPECT_FALSE(driver_.is_active());
  EXPECT_EQ(driver_.tip(), driver_.committed());
  Set(3, "a", 6, 7);
  EXPECT_EQ(Answers(), Lines{"r3: NOT_CONTROLLER @3"});
  log_.Commit();
  ASSERT_TRUE(driver_.is_active());
  Set(3, "a", 6, 7);
  Set(1, "a", 0, 5);
  log_.Commit();
  EXPECT_EQ(Answers(), (Lines{"r3: 7 @5", "r1: 5 @5"}));
  EXPECT_EQ(observer_.Take(),
            (Lines{"published 1/1: 0 - 1", "published 2/1: 1 a 5", "published 3/1: 2 a 6",
                   "published 4/2: 0 - 2", "active 2", "published 5/2: 3 a 7"}));
}

TEST_F(MachineDriverTest, RefusesWhatTheLogDoesNotTakeAndChangesNothing) {
  BecomeActive();
  log_.room = 1;
  Set(1, "a", 0, 5);
  ToyMachine::State tip = driver_.tip();
  Set(2, "a", 5, 6);
  EXPECT_EQ(driver_.tip(), tip);
  EXPECT_EQ(Answers(), Lines{"r2: THROTTLING_QUOTA_EXCEEDED @1"});
  Read(3, "a");
  log_.Commit();
  EXPECT_EQ(Answers(), (Lines{"r1: 5 @2", "r3: 5 @2"})) << "others are not hurt";
  Set(2, "a", 5, 6);
  log_.Commit();
  EXPECT_EQ(Answers(), Lines{"r2: 6 @3"}) << "and may be asked again";
}

TEST_F(MachineDriverTest, OpensItsEpochLaterIfTheLogIsFull) {
  PutForeign(1, {1, "a", 5});
  log_.room = 0;
  log_.Lead(2);
  EXPECT_EQ(log_.last(), 1);
  log_.room = 1;
  log_.Commit();
  EXPECT_EQ(log_.last(), 2) << "there is room once something commits";
  log_.Commit();
  EXPECT_TRUE(driver_.is_active());

  log_.Follow();
  log_.room = 0;
  log_.Lead(3);
  EXPECT_EQ(log_.last(), 2);
  log_.room = 1;
  Read(2, "a");
  EXPECT_EQ(log_.last(), 3) << "or when somebody asks";
  log_.Commit();
  Read(2, "a");
  EXPECT_EQ(Answers(), (Lines{"r2: NOT_CONTROLLER @2", "r2: 5 @3"}));
}

TEST_F(MachineDriverTest, LosesTheLeadBeforeItsEpochIsOpened) {
  log_.Lead(1);
  log_.Follow();
  log_.Commit();
  EXPECT_FALSE(driver_.is_active());
  EXPECT_EQ(observer_.Take(), Lines{"published 1/1: 0 - 1"}) << "it was never active";
  log_.Lead(2);
  log_.Commit();
  EXPECT_EQ(observer_.Take(), (Lines{"published 2/2: 0 - 2", "active 2"}));
}

TEST_F(MachineDriverTest, RefusesWhileItHasNotHeardYetThatItLeadsNoLonger) {
  BecomeActive();
  Set(1, "a", 0, 5);
  log_.LoseQuietly();
  Set(2, "a", 5, 6);
  EXPECT_EQ(driver_.tip().registers.at("a"), 5);
  log_.Follow();
  EXPECT_EQ(Answers(), (Lines{"r2: THROTTLING_QUOTA_EXCEEDED @1", "r1: NOT_CONTROLLER @1"}));
}

TEST_F(MachineDriverTest, TakesASnapshotForEverythingThatWas) {
  BecomeActive();
  Set(1, "a", 0, 5);
  log_.Follow();
  Answers();
  observer_.Take();
  ToyMachine::State state;
  state.registers = {{"b", 8}};
  state.requests = {{7, 8}};
  state.opened = 3;
  log_.Restore({40, 3}, ToyMachine().Snapshot(state));
  EXPECT_EQ(observer_.Take(), Lines{"restored 40/3"});
  state.last = {40, 3};
  EXPECT_EQ(driver_.committed(), state);
  EXPECT_EQ(driver_.tip(), state);
  EXPECT_EQ(driver_.position(), (Position{40, 3}));
  BecomeActive(4);
  Set(7, "b", 0, 8);
  Set(8, "b", 8, 9);
  log_.CommitAll();
  EXPECT_EQ(Answers(), (Lines{"r7: 8 @41", "r8: 9 @42"}));
}

TEST_F(MachineDriverTest, GoesOnFromTheStateThatItIsGiven) {
  ToyMachine::State state;
  state.registers = {{"a", 5}};
  state.last = {9, 2};
  Observer observer;
  observer.shown = state;
  FakeMachineLog log;
  Driver driver(ToyMachine(), log, observer,
                [this](Task0 task) { posted_.push_back(std::move(task)); }, state, {9, 2});
  EXPECT_EQ(driver.tip(), state);
  EXPECT_EQ(driver.position(), (Position{9, 2}));
  driver.OnCommitted({10, 3}, ToyMachine().Encode({1, "a", 6}));
  EXPECT_EQ(driver.committed().registers.at("a"), 6);
}

TEST_F(MachineDriverTest, TakesCommandsFromWithinWhatItTells) {
  observer_.on_active = [this] { Set(1, "a", 0, 5); };
  observer_.on_inactive = [this] { Read(9, "a"); };
  log_.Lead(1);
  log_.Commit();
  observer_.on_published = [this] {
    observer_.on_published = nullptr;
    Set(2, "a", 5, 6);
  };
  log_.CommitAll();
  EXPECT_EQ(Answers(), (Lines{"r1: 5 @2", "r2: 6 @3"}));
  EXPECT_EQ(driver_.tip(), driver_.committed());
  log_.Follow();
  EXPECT_EQ(Answers(), Lines{"r9: NOT_CONTROLLER @3"});
}

TEST_F(MachineDriverTest, AnswersWhatIsPostedThoughTheLeadIsLostMeanwhile) {
  BecomeActive();
  Set(1, "a", 0, 5);
  log_.Commit();
  log_.Follow();
  EXPECT_EQ(Answers(), Lines{"r1: 5 @2"}) << "it is committed: that stands";
}

using MachineDriverDeathTest = MachineDriverTest;

TEST_F(MachineDriverDeathTest, StopsIfTheLogBreaksItsPromises) {
  BecomeActive();
  Bytes entry = ToyMachine().Encode({1, "a", 5});
  EXPECT_DEATH(driver_.OnCommitted({1, 1}, entry), "told twice");
  EXPECT_DEATH(driver_.OnCommitted({2, 1}, entry), "not the one that was written");
  EXPECT_DEATH(driver_.OnLeading(2), "led already");
  EXPECT_DEATH(driver_.OnSnapshot({5, 1}, ToyMachine().Snapshot({})), "came to a leader");
}

}  // namespace
}  // namespace weir::machine
