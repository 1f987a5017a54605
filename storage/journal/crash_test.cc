// SPDX-License-Identifier: Apache-2.0
// The machine stops after every single step of a workload that goes round the file several times,
// cuts and restarts, and again during each start: what was told to be committed is there, what is
// there is a prefix of what was appended, and all goes on.
#include <gtest/gtest.h>

#include "storage/journal/journal_fixture.h"

namespace weir::journal {
namespace {

// Several logs on one journal, and what each may hold after a crash.
class Machine {
 public:
  Machine(uint64_t seed, size_t logs) : random(seed), t(seed), disks_(logs), logs_(logs) {}

  // False if something is wrong; `why` then says what.
  bool Open() {
    auto opened = t.TryOpen();
    if (!opened) return Wrong("it does not open: " + opened.error().message);
    for (size_t i = 0; i < disks_.size(); ++i) {
      logs_[i] = std::make_unique<ModelLog>(t.world, PartitionOf(static_cast<int>(i)), disks_[i]);
      std::string wrong = logs_[i]->Open(*t.journal);
      if (!wrong.empty()) return Wrong(std::to_string(i) + ": " + wrong);
      if (!Judge(i)) return false;
      logs_[i]->durable = disks_[i].end();
    }
    return true;
  }

  // Something, as a seed says.
  void DoOne() {
    ModelLog& log = *logs_[random() % logs_.size()];
    if (log.is_changing()) return;
    ++told_;
    switch (random() % 40) {
      case 0:
        return log.Cut(log.segments.end() - At(log.segments));
      case 1:
        return log.Restart(Offset(static_cast<int64_t>(random() % 50)));
      case 2:
        log.Append(std::string(20'000, 'L'));
        return;
      case 3:
        log.is_deaf = !log.is_deaf;
        if (!log.is_deaf) log.OnSyncWanted();
        return;
      default:
        log.Append(std::to_string(told_) + std::string(random() % 3000, '.'));
    }
  }

  void Crash() {
    expected_.clear();
    for (size_t i = 0; i < logs_.size(); ++i) {
      expected_.push_back({disks_[i], logs_[i] ? logs_[i]->durable : Offset(0),
                           logs_[i] ? logs_[i]->change : std::nullopt});
      if (!logs_[i]) expected_.back().durable = disks_[i].end();
      disks_[i].Crash(random);
      logs_[i].reset();
    }
    t.journal.reset();
    t.world.Crash();
  }

  std::mt19937_64 random;
  JournalFixture t;
  std::string why;

 private:
  struct Expected {
    ModelLog::Segments all;
    Offset durable;
    // It was under way.
    std::optional<ModelLog::UnderWay> change;
  };

  int64_t At(const ModelLog::Segments& segments) {
    int64_t size = segments.end() - segments.start;
    return static_cast<int64_t>(random() % static_cast<uint64_t>(std::min<int64_t>(size, 8) + 1));
  }
  bool Wrong(std::string what) {
    why = std::move(what);
    return false;
  }
  static bool IsPrefix(const ModelLog::Segments& found, const ModelLog::Segments& of) {
    return found.start == of.start && found.written.size() <= of.written.size() &&
           std::equal(found.written.begin(), found.written.end(), of.written.begin());
  }
  bool Judge(size_t i) {
    if (expected_.empty()) return true;
    const Expected& expected = expected_[i];
    const ModelLog::Segments& found = disks_[i];
    bool is_lawful = IsPrefix(found, expected.all) && found.end() >= expected.durable;
    if (expected.change) {
      is_lawful = found.start == expected.change->after.start &&
                  found.written == expected.change->after.written;
      is_lawful = is_lawful || (IsPrefix(found, expected.change->before) &&
                                found.end() >= expected.change->durable_before);
    }
    if (is_lawful) return true;
    return Wrong("log " + std::to_string(i) + " begins at " + std::to_string(found.start.value()) +
                 " and ends at " + std::to_string(found.end().value()) + "; it ended at " +
                 std::to_string(expected.all.end().value()) + ", durable to " +
                 std::to_string(expected.durable.value()));
  }

  std::vector<ModelLog::Segments> disks_;
  std::vector<std::unique_ptr<ModelLog>> logs_;
  std::vector<Expected> expected_;
  int told_ = 0;
};

// Runs a workload for `steps` steps of the world; stops there.
void RunSteps(Machine& machine, int steps) {
  int until_next = 0;
  while (steps-- > 0) {
    if (until_next-- <= 0) {
      machine.DoOne();
      until_next = static_cast<int>(machine.random() % 4);
    }
    machine.t.world.RunOne();
  }
}

TEST(Crash, AfterEveryStepLosesNothingThatWasCommitted) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    for (int steps = 0; steps < 700; ++steps) {
      Machine machine(seed, 3);
      ASSERT_TRUE(machine.Open()) << machine.why;
      RunSteps(machine, steps);
      machine.Crash();
      ASSERT_TRUE(machine.Open()) << machine.why << "; seed " << seed << " steps " << steps;
      RunSteps(machine, 40);
      machine.Crash();
      ASSERT_TRUE(machine.Open()) << machine.why << "; twice; seed " << seed << " steps " << steps;
    }
  }
}

TEST(Crash, LifeAfterLifeLosesNothingThatWasCommitted) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    Machine machine(seed, 1 + seed % 20);
    for (int life = 0; life < 25; ++life) {
      ASSERT_TRUE(machine.Open()) << machine.why << "; seed " << seed << " life " << life;
      RunSteps(machine, static_cast<int>(machine.random() % 400));
      machine.Crash();
    }
  }
}

TEST(Crash, DuringAStartHarmsNothing) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    for (int steps = 0; steps < 20; ++steps) {
      Machine machine(seed, 3);
      ASSERT_TRUE(machine.Open()) << machine.why;
      RunSteps(machine, 300 + 7 * static_cast<int>(seed));
      machine.Crash();
      Result<void> opened;
      machine.t.StartOpening(&opened);
      for (int i = 0; i < steps; ++i) machine.t.world.RunOne();
      machine.t.journal.reset();
      machine.t.world.Crash();
      ASSERT_TRUE(machine.Open()) << machine.why << "; seed " << seed << " steps " << steps;
    }
  }
}

}  // namespace
}  // namespace weir::journal
