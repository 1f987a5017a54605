// SPDX-License-Identifier: Apache-2.0
// Virtual time: one queue of events, ordered by time and then by when they were scheduled. Each
// event belongs to one life of one process, or to the world. One thread.
//
// A life that ended runs nothing any more. Callbacks that it leaves behind are destroyed when no
// code of it is on the stack, so that a coroutine is never destroyed under itself.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/callback.h"
#include "common/base/time.h"
#include "tests/sim/chance.h"
#include "tests/sim/trace.h"

namespace weir::sim {

// One incarnation of one process.
struct Life {
  // An event whose time came while the process stood still.
  struct Parked {
    std::string_view kind;
    Task0 run;
  };

  // From 1, in order of birth, over all processes; 0 is the world.
  uint64_t number = 0;
  std::string process;
  bool alive = true;
  bool paused = false;
  std::vector<Parked> parked;
};

class Timeline {
 public:
  // 0 is no event.
  using EventId = uint64_t;

  explicit Timeline(uint64_t seed) : chance_(seed) {}
  Timeline(const Timeline&) = delete;
  Timeline& operator=(const Timeline&) = delete;

  Instant now() const { return now_; }
  Chance& chance() { return chance_; }
  Trace& trace() { return trace_; }
  const Trace& trace() const { return trace_; }
  // Whose code runs at this moment; null for the world and the test.
  const Life* running() const { return running_; }
  // Whose code the last event ran, in the end; null where it was the world's alone.
  const Life* last_ran() const { return last_ran_; }
  uint64_t NextLife() { return ++last_life_; }

  // Schedules `run` in `life` (null: the world). `kind` is a literal, shown in the trace.
  // For a life that has ended, `run` is discarded.
  EventId At(Instant when, Life* life, std::string_view kind, Task0 run);
  EventId After(Duration delay, Life* life, std::string_view kind, Task0 run) {
    return At(now_ + delay, life, kind, std::move(run));
  }
  // After this the event does not run, unless it already came due in a process that stands still.
  void Cancel(EventId event);

  // Within an event of the world: runs `run` in `life` at once, or when it is no longer paused.
  void RunIn(Life& life, std::string_view kind, Task0 run);

  void Pause(Life& life) { life.paused = true; }
  void Resume(Life& life);

  // Destroys `held` when no code of any process is on the stack.
  void Discard(Task0 held);
  // Marks `life` as ended, takes its events out, and calls `after` when none of its code is on the
  // stack: at once, or when the running event has returned.
  void End(Life& life, Task0 after);

  // Runs the next event not later than `limit`; false if there is none.
  bool Step(Instant limit);
  // Moves time on where no event is left before.
  void AdvanceTo(Instant when);
  // Destroys all events, unrun.
  void Clear();

 private:
  struct Entry {
    Instant when;
    uint64_t sequence;
    uint32_t slot;
    bool operator<(const Entry& other) const {
      return when != other.when ? when > other.when : sequence > other.sequence;
    }
  };
  struct Slot {
    // 0 where free; else the sequence of the event that is here.
    uint64_t sequence = 0;
    Life* life = nullptr;
    std::string_view kind;
    Task0 run;
  };

  Task0 TakeOut(uint32_t slot);
  void Run(Life* life, std::string_view kind, Task0& run);
  void CleanUp();

  Instant now_;
  Chance chance_;
  Trace trace_;
  uint64_t last_sequence_ = 0;
  uint64_t last_life_ = 0;
  uint64_t events_at_once_ = 0;
  std::vector<Entry> heap_;
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_slots_;
  Life* running_ = nullptr;
  const Life* last_ran_ = nullptr;
  bool stepping_ = false;
  std::vector<Task0> discarded_;
  std::vector<Task0> endings_;
};

}  // namespace weir::sim
