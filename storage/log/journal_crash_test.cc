// SPDX-License-Identifier: Apache-2.0
// Logs over one journal: the machine stops after every single step of a workload of several logs
// that append, roll, cut, restart and delete while the journal goes round, and again while they
// open. What was told to be durable is there, what is there is a prefix of what was appended, and
// the logs go on.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "storage/log/log_fixture.h"

namespace weir::log {
namespace {

using Values = std::vector<std::string>;

// What a log may hold: from `start` on these values, all below `durable` for certain.
struct Holding {
  int64_t first = 0;  // Of values.
  Values values;
  int64_t start = 0;
  int64_t durable = 0;

  int64_t end() const { return first + static_cast<int64_t>(values.size()); }
};

struct Model {
  HeardEvents events;
  std::unique_ptr<Log> log;
  Holding now;
  // While a change is under way: what it was before.
  std::optional<Holding> before;
  // While a deletion is: from where on the log may begin.
  std::optional<int64_t> deleting;
};

class Machine {
 public:
  explicit Machine(uint64_t seed, size_t logs = 2) : world(seed), random(seed), models(logs) {
    world.MakeFolder("", [](Result<void>) {});
    world.RunAll();
  }
  ~Machine() { Forget(); }

  // Says what is wrong; empty where nothing is.
  std::string Open() {
    std::string wrong = "the journal does not open";
    journal::OpenJournal(world.host(), "journal", kSmallJournal, [&](auto opened) {
      wrong = opened ? "" : opened.error().message;
      if (opened) journal = std::move(*opened);
    });
    world.RunAll();
    for (size_t i = 0; wrong.empty() && i < models.size(); ++i) StartOpening(i, &wrong);
    world.RunAll();
    for (size_t i = 0; wrong.empty() && i < models.size(); ++i) wrong = Judge(i);
    return wrong;
  }
  void StartOpening(size_t i, std::string* wrong) {
    LogOptions options;
    options.roll.bytes = 4000;
    options.recovery_bytes = 9000;
    OpenLog(world.host(), "topics/t-" + std::to_string(i), options, &models[i].events,
            {journal.get(), IdOf(i)}, [this, i, wrong](auto opened) {
              if (opened) {
                models[i].log = std::move(*opened);
              } else {
                *wrong = opened.error().message;
              }
            });
  }
  // The journal, and then the logs; stopped after so many steps.
  void OpenInPart(int steps) {
    std::string wrong;
    journal::OpenJournal(world.host(), "journal", kSmallJournal, [&](auto opened) {
      ASSERT_TRUE(opened) << opened.error();
      journal = std::move(*opened);
      for (size_t i = 0; i < models.size(); ++i) StartOpening(i, &wrong);
    });
    for (int i = 0; i < steps; ++i) world.RunOne();
    ASSERT_EQ(wrong, "");
    world.Crash();
    Forget();
  }
  void Crash() {
    for (Model& model : models) {
      if (!model.log || model.before) continue;
      model.now.durable = std::max(model.now.durable, model.log->durable().value());
    }
    world.Crash();
    Forget();
  }
  void Forget() {
    for (Model& model : models) model.log.reset();
    journal.reset();
  }

  void DoOne() {
    Model& model = models[random() % models.size()];
    if (!model.log || model.before || model.deleting) return;
    switch (random() % 30) {
      case 0:
        return Truncate(model);
      case 1:
        return Restart(model);
      case 2:
        return Append(model, 20'000);
      case 3:
        return Delete(model);
      default:
        return Append(model, random() % 900);
    }
  }
  void RunSteps(int steps) {
    int until_next = 0;
    while (steps-- > 0) {
      if (until_next-- <= 0) {
        DoOne();
        until_next = static_cast<int>(random() % 6);
      }
      world.RunOne();
    }
  }

  MemoryWorld world;
  std::mt19937_64 random;
  std::unique_ptr<journal::Journal> journal;
  std::vector<Model> models;

 private:
  static PartitionId IdOf(size_t i) {
    return {TopicId(Uuid::FromRandom(1, 1)), PartitionIndex(static_cast<int32_t>(i))};
  }
  int64_t Draw(int64_t from, int64_t to) {
    return from + static_cast<int64_t>(random() % static_cast<uint64_t>(to - from + 1));
  }
  void Append(Model& model, size_t bytes) {
    std::string value = std::to_string(++told_) + std::string(bytes, '.');
    auto appended =
        model.log->AppendAsLeader(BatchOf(value), LeaderEpoch(++epoch_), Origin::kClient, {});
    ASSERT_TRUE(appended) << appended.error();
    model.now.values.push_back(value);
  }
  // From here on the log may be anything from what it was down to `least`.
  void BeginChange(Model& model, int64_t least) {
    model.now.durable = std::max(model.now.durable, model.log->durable().value());
    model.before = model.now;
    model.before->durable = std::min(model.now.durable, least);
  }
  Callback<void(Result<void>)> EndOfChange(Model& model) {
    return [&model](Result<void> result) {
      ASSERT_TRUE(result) << result.error();
      model.now.durable = model.log->end().value();
      model.before.reset();
    };
  }
  void Truncate(Model& model) {
    const int64_t end = Draw(model.log->start().value(), model.log->end().value());
    BeginChange(model, end);
    model.now.values.resize(static_cast<size_t>(end - model.now.first));
    model.log->Truncate(Offset(end), EndOfChange(model));
  }
  void Restart(Model& model) {
    const int64_t start = Draw(0, 100);
    BeginChange(model, model.now.start);
    model.now = {start, {}, start, start};
    model.log->Restart(Offset(start), EndOfChange(model));
  }
  void Delete(Model& model) {
    const int64_t start = Draw(model.log->start().value(), model.log->written().value());
    model.deleting = start;
    model.log->DeleteBefore(Offset(start), [&model, start](Result<void> result) {
      ASSERT_TRUE(result) << result.error();
      model.now.start = std::max(model.now.start, start);
      model.deleting.reset();
    });
  }

  std::string Judge(size_t i) {
    Model& model = models[i];
    if (!model.log->damages().empty()) return model.log->damages()[0].what;
    Values found;
    Offset next = model.log->start();
    while (next < model.log->written()) {
      Result<Bytes> read = Fail(Error::Kind::kUnavailable, "not read");
      model.log->Read(next, model.log->written(), 1 << 20, [&](auto result) { read = result; });
      world.RunAll();
      if (!read) return read.error().message;
      records::BatchRun run(*read);
      while (true) {
        auto batch = run.Next();
        if (!batch) return batch.error().message;
        if (!*batch) break;
        records::RecordReader reader((*batch)->header, (*batch)->bytes.view());
        found.emplace_back((*reader.Next())->value.value_or(""));
        next = (*batch)->header.end_offset();
      }
    }
    const int64_t start = model.log->start().value();
    auto fits = [&](const Holding& may, int64_t durable) {
      const int64_t start_most = std::max(may.start, model.deleting.value_or(may.start));
      if (start < may.start || start > start_most) return false;
      if (next.value() > std::max(may.end(), start) || next.value() < durable) return false;
      for (size_t k = 0; k < found.size(); ++k) {
        if (may.values[static_cast<size_t>(start - may.first) + k] != found[k]) return false;
      }
      return true;
    };
    // A change that is under way has happened, or not yet.
    const bool is_lawful = model.before ? fits(model.now, model.now.end()) ||
                                              fits(*model.before, model.before->durable)
                                        : fits(model.now, model.now.durable);
    if (!is_lawful) {
      return "log " + std::to_string(i) + " begins at " + std::to_string(start) + " and ends at " +
             std::to_string(next.value()) + "; it was to be durable from " +
             std::to_string(model.now.start) + " to " + std::to_string(model.now.durable);
    }
    model.now = {start, std::move(found), start, model.log->durable().value()};
    model.before.reset();
    model.deleting.reset();
    return model.log->durable() == model.log->end() ? "" : "what was found is not durable";
  }

  int told_ = 0;
  int epoch_ = 0;
};

TEST(JournalCrash, AfterEveryStepLosesNothingDurable) {
  for (uint64_t seed = 1; seed <= 2; ++seed) {
    for (int steps = 0; steps < 900; steps += 1) {
      Machine machine(seed);
      ASSERT_EQ(machine.Open(), "");
      machine.RunSteps(steps);
      machine.Crash();
      ASSERT_EQ(machine.Open(), "") << "seed " << seed << " steps " << steps;
      machine.RunSteps(30);
      machine.Crash();
      ASSERT_EQ(machine.Open(), "") << "twice, seed " << seed << " steps " << steps;
    }
  }
}

TEST(JournalCrash, LifeAfterLifeLosesNothingDurable) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    Machine machine(seed, 1 + seed % 8);
    for (int life = 0; life < 12; ++life) {
      ASSERT_EQ(machine.Open(), "") << "seed " << seed << " life " << life;
      machine.RunSteps(static_cast<int>(machine.random() % 900));
      machine.Crash();
    }
  }
}

TEST(JournalCrash, WhileItOpensHarmsNothing) {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    for (int steps = 0; steps < 200; ++steps) {
      Machine machine(seed);
      ASSERT_EQ(machine.Open(), "");
      machine.RunSteps(500 + 50 * static_cast<int>(seed));
      machine.Crash();
      machine.OpenInPart(steps);
      machine.OpenInPart(steps / 2 + 1);
      ASSERT_EQ(machine.Open(), "") << "seed " << seed << " steps " << steps;
    }
  }
}

}  // namespace
}  // namespace weir::log
