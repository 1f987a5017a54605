// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/process.h"

#include <glog/logging.h>

#include <algorithm>
#include <utility>

namespace weir::sim {

namespace {

constexpr int64_t kMillion = 1'000'000;
// The world begins on 1 January 2026.
constexpr int64_t kWallStartMs = 1'767'225'600'000;

}  // namespace

class SimClock final : public host::Clock {
 public:
  explicit SimClock(const Process& process) : process_(process) {}
  Instant Now() const override { return process_.local_base_ + process_.LocalElapsed(); }
  WallTime WallNow() const override {
    Duration since = process_.wall_base_ + process_.LocalElapsed();
    return {kWallStartMs + std::chrono::floor<std::chrono::milliseconds>(since).count()};
  }

 private:
  const Process& process_;
};

namespace {

class SimStrand final : public host::Strand {
 public:
  using WorldTime = std::function<Instant(Instant local)>;

  SimStrand(Timeline& timeline, Life* life, const host::Clock& clock, WorldTime world_time)
      : timeline_(timeline), life_(life), clock_(clock), world_time_(std::move(world_time)) {}

  void Post(Task task) override { timeline_.At(timeline_.now(), life_, "task", std::move(task)); }

  TimerId RunAt(Instant when, Task task) override {
    TimerId id = ++last_timer_;
    if (!life_->alive || when == Instant::Never()) {
      timeline_.Discard(std::move(task));
      return id;
    }
    Timer& timer = timers_[id];
    timer.when = when;
    timer.task = std::move(task);
    timer.event = Schedule(id, when);
    return id;
  }

  void Cancel(TimerId id) override {
    auto timer = timers_.find(id);
    if (timer == timers_.end()) return;
    timeline_.Cancel(timer->second.event);
    timeline_.Discard(std::move(timer->second.task));
    timers_.erase(timer);
  }

  void DropTimers() {
    for (auto& [id, timer] : timers_) timeline_.Discard(std::move(timer.task));
    timers_.clear();
  }

 private:
  struct Timer {
    Instant when;
    Task task;
    Timeline::EventId event = 0;
  };

  Timeline::EventId Schedule(TimerId id, Instant when) {
    Duration late(timeline_.chance().Between(0, 20'000));
    return timeline_.At(world_time_(when) + late, life_, "timer", [this, id] { Fire(id); });
  }

  void Fire(TimerId id) {
    auto timer = timers_.find(id);
    if (timer == timers_.end()) return;
    // The clock may have been slowed since.
    if (clock_.Now() < timer->second.when) {
      timer->second.event = Schedule(id, timer->second.when);
      return;
    }
    Task task = std::move(timer->second.task);
    timers_.erase(timer);
    task();
  }

  Timeline& timeline_;
  Life* life_;
  const host::Clock& clock_;
  WorldTime world_time_;
  TimerId last_timer_ = 0;
  std::map<TimerId, Timer> timers_;
};

class SimRandom final : public host::Random {
 public:
  explicit SimRandom(uint64_t seed) : chance_(seed) {}
  uint64_t Next() override { return chance_.Next(); }

 private:
  Chance chance_;
};

}  // namespace

// Kept after its end, for whoever still holds its Host.
struct Process::Incarnation {
  Incarnation(Process& process, std::shared_ptr<Life> born)
      : life(std::move(born)),
        clock(process),
        strand(process.timeline_, life.get(), clock,
               [&process](Instant local) { return process.WorldTimeOf(local); }),
        network(process.network_.Attach(life)),
        random(process.timeline_.chance().Next()) {
    for (const auto& disk : process.disks_) disks.push_back(disk->Attach(life.get()));
  }

  std::shared_ptr<Life> life;
  SimClock clock;
  SimStrand strand;
  std::vector<std::unique_ptr<host::Disk>> disks;
  std::unique_ptr<host::Network> network;
  SimRandom random;
  std::shared_ptr<void> program;
  // Whether what it left behind is gone.
  bool cleared = false;
};

Process::Process(std::string name, Timeline& timeline, SimNetwork& network, size_t disks)
    : name_(std::move(name)), timeline_(timeline), network_(network) {
  CHECK_GE(disks, 1u);
  for (size_t i = 0; i < disks; ++i) disks_.push_back(std::make_unique<SimDisk>(timeline));
  Restart();
}

Process::~Process() {
  if (alive()) End(false);
}

bool Process::alive() const { return !lives_.empty() && lives_.back()->life->alive; }
bool Process::paused() const { return alive() && lives_.back()->life->paused; }
bool Process::serving() const { return alive() && network_.serving(*lives_.back()->life); }

host::Host Process::host() {
  Incarnation& now = *lives_.back();
  return {now.clock, now.strand, *now.disks.front(), *now.network, now.random};
}

host::Disk& Process::host_disk(size_t number) { return *lives_.back()->disks.at(number); }

host::Host Process::Restart() {
  CHECK(!alive()) << name_ << " is still alive";
  CHECK(lives_.empty() || lives_.back()->cleared) << "an ended process cannot restart itself";
  Rebase();
  // Monotonic time means nothing beyond one life, and begins anywhere.
  local_base_ = Instant{timeline_.chance().Between(0, 1'000'000'000'000)};
  auto life = std::make_shared<Life>();
  life->number = timeline_.NextLife();
  life->process = name_;
  lives_.push_back(std::make_unique<Incarnation>(*this, std::move(life)));
  return host();
}

void Process::Start(Program program) {
  if (!alive()) Restart();
  Incarnation& now = *lives_.back();
  CHECK(now.program == nullptr) << name_ << " runs a program already";
  now.program = program(host());
}

void Process::Kill() { End(false); }
void Process::PowerLoss() { End(true); }

void Process::End(bool power_lost) {
  Incarnation* ended = lives_.back().get();
  CHECK(ended->life->alive) << name_ << " has ended already";
  timeline_.End(*ended->life, [this, ended, power_lost] {
    ended->strand.DropTimers();
    for (const auto& disk : disks_) {
      disk->LifeEnded();
      if (power_lost) disk->PowerLost();
    }
    network_.LifeEnded(*ended->life, power_lost);
    // Last, for what was waiting may have spoken to it.
    timeline_.Discard([program = std::move(ended->program)] {});
    ended->cleared = true;
  });
}

void Process::Pause() {
  CHECK(alive());
  timeline_.Pause(*lives_.back()->life);
}

void Process::Resume() {
  CHECK(alive());
  timeline_.Resume(*lives_.back()->life);
}

void Process::SetDrift(int64_t parts_per_million) {
  CHECK_GT(parts_per_million, -kMillion) << "a clock does not run backwards";
  Rebase();
  drift_ = parts_per_million;
}

Duration Process::LocalElapsed() const {
  auto elapsed = static_cast<__int128>((timeline_.now() - world_base_).count());
  return Duration(static_cast<int64_t>(elapsed + elapsed * drift_ / kMillion));
}

void Process::Rebase() {
  Duration elapsed = LocalElapsed();
  world_base_ = timeline_.now();
  local_base_ = local_base_ + elapsed;
  wall_base_ += elapsed;
}

Instant Process::WorldTimeOf(Instant local) const {
  if (local <= local_base_) return timeline_.now();
  auto elapsed = static_cast<__int128>((local - local_base_).count());
  __int128 rate = kMillion + drift_;
  auto world = static_cast<int64_t>((elapsed * kMillion + rate - 1) / rate);
  return world > INT64_MAX / 2 ? Instant{INT64_MAX / 2} : world_base_ + Duration(world);
}

}  // namespace weir::sim
