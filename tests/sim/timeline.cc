// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/timeline.h"

#include <glog/logging.h>

#include <algorithm>
#include <utility>

namespace weir::sim {

namespace {

// An event's id holds its slot and its sequence.
constexpr int kSlotBits = 24;
constexpr uint64_t kSlotMask = (1ull << kSlotBits) - 1;

// More events than this without time passing are a loop without an end.
constexpr uint64_t kEventsAtOnceMax = 10'000'000;

}  // namespace

Timeline::EventId Timeline::At(Instant when, Life* life, std::string_view kind, Task0 run) {
  if (life != nullptr && !life->alive) {
    Discard(std::move(run));
    return 0;
  }
  uint32_t slot = 0;
  if (free_slots_.empty()) {
    slot = static_cast<uint32_t>(slots_.size());
    CHECK_LE(slot, kSlotMask) << "too many events wait at once";
    slots_.emplace_back();
  } else {
    slot = free_slots_.back();
    free_slots_.pop_back();
  }
  uint64_t sequence = ++last_sequence_;
  slots_[slot] = {sequence, life, kind, std::move(run)};
  heap_.push_back({std::max(when, now_), sequence, slot});
  std::push_heap(heap_.begin(), heap_.end());
  return sequence << kSlotBits | slot;
}

Task0 Timeline::TakeOut(uint32_t slot) {
  Task0 run = std::move(slots_[slot].run);
  slots_[slot] = {};
  free_slots_.push_back(slot);
  return run;
}

void Timeline::Cancel(EventId event) {
  if (event == 0) return;
  auto slot = static_cast<uint32_t>(event & kSlotMask);
  CHECK_LT(slot, slots_.size());
  if (slots_[slot].sequence == event >> kSlotBits) Discard(TakeOut(slot));
}

void Timeline::RunIn(Life& life, std::string_view kind, Task0 run) {
  CHECK(running_ == nullptr) << "one process cannot run inside another";
  if (!life.alive) {
    Discard(std::move(run));
  } else if (life.paused) {
    life.parked.push_back({kind, std::move(run)});
  } else {
    Run(&life, kind, run);
    Discard(std::move(run));
  }
}

void Timeline::Resume(Life& life) {
  life.paused = false;
  std::vector<Life::Parked> parked = std::exchange(life.parked, {});
  for (Life::Parked& event : parked) At(now_, &life, event.kind, std::move(event.run));
}

void Timeline::Discard(Task0 held) {
  if (held) discarded_.push_back(std::move(held));
}

void Timeline::End(Life& life, Task0 after) {
  CHECK(life.alive);
  life.alive = false;
  for (uint32_t slot = 0; slot < slots_.size(); ++slot) {
    if (slots_[slot].life == &life) Discard(TakeOut(slot));
  }
  for (Life::Parked& event : life.parked) Discard(std::move(event.run));
  life.parked.clear();
  endings_.push_back(std::move(after));
  if (running_ == nullptr) CleanUp();
}

void Timeline::Run(Life* life, std::string_view kind, Task0& run) {
  trace_.AddEvent(now_, life == nullptr ? 0 : life->number, kind);
  trace_.Say(now_, [&] {
    return (life == nullptr ? std::string("world") : life->process) + " " + std::string(kind);
  });
  if (life != nullptr) last_ran_ = life;
  Life* outer = std::exchange(running_, life);
  run();
  running_ = outer;
}

bool Timeline::Step(Instant limit) {
  CHECK(!stepping_) << "an event cannot run the world";
  while (!heap_.empty()) {
    Entry next = heap_.front();
    bool stale = slots_[next.slot].sequence != next.sequence;
    if (!stale && next.when > limit) return false;
    std::pop_heap(heap_.begin(), heap_.end());
    heap_.pop_back();
    if (stale) continue;
    CHECK_GE(next.when.ns, now_.ns);
    events_at_once_ = next.when == now_ ? events_at_once_ + 1 : 0;
    now_ = next.when;
    CHECK_LT(events_at_once_, kEventsAtOnceMax)
        << "time stands still: the last event was \"" << slots_[next.slot].kind << '"';
    Life* life = slots_[next.slot].life;
    std::string_view kind = slots_[next.slot].kind;
    Task0 run = TakeOut(next.slot);
    if (life != nullptr && life->paused) {
      life->parked.push_back({kind, std::move(run)});
      continue;
    }
    stepping_ = true;
    last_ran_ = nullptr;
    Run(life, kind, run);
    stepping_ = false;
    Discard(std::move(run));
    CleanUp();
    return true;
  }
  return false;
}

void Timeline::AdvanceTo(Instant when) {
  if (when > now_) now_ = when;
}

void Timeline::CleanUp() {
  // What is destroyed may discard more, and an ending may too.
  while (!discarded_.empty() || !endings_.empty()) {
    std::exchange(discarded_, {}).clear();
    for (Task0& ending : std::exchange(endings_, {})) ending();
  }
}

void Timeline::Clear() {
  for (uint32_t slot = 0; slot < slots_.size(); ++slot) {
    if (slots_[slot].sequence != 0) Discard(TakeOut(slot));
  }
  heap_.clear();
  CleanUp();
}

}  // namespace weir::sim
