// SPDX-License-Identifier: Apache-2.0
#include "common/host/posix/event_loop.h"

#include <glog/logging.h>

#include <algorithm>
#include <utility>

namespace weir::host {

namespace {

// A timer that comes so much after its time is late.
constexpr Duration kLate = std::chrono::milliseconds(5);
// Delivered in one turn. What else waits here, for example for a write to be finished, goes on in
// between, and not after all of a crowd.
constexpr int kEventsPerTurn = 32;
// Looks at the source before a late timer, each of which may bring one event or more.
constexpr int kLooksWhenLate = 64;

}  // namespace

EventLoop::EventLoop() = default;

EventLoop::~EventLoop() {
  // A dropped task may post another one as it goes.
  while (true) {
    auto timers = std::exchange(timers_, {});
    auto batch = std::exchange(batch_, {});
    std::deque<Task> posted;
    {
      std::lock_guard lock(mutex_);
      posted.swap(posted_);
    }
    if (timers.empty() && batch.empty() && posted.empty()) break;
  }
}

void EventLoop::CheckThread() const {
  // Before Run, whoever sets the loop up is its thread.
  DCHECK(runner_ == std::thread::id() || runner_ == std::this_thread::get_id())
      << "called from another thread than the loop's";
}

void EventLoop::Post(Task task) {
  std::shared_ptr<EventSource> source;
  {
    std::lock_guard lock(mutex_);
    posted_.push_back(std::move(task));
    if (!std::exchange(asleep_, false)) return;
    source = source_;
  }
  source ? source->Wake() : posted_to_.notify_one();
}

Strand::TimerId EventLoop::RunAt(Instant when, Task task) {
  CheckThread();
  TimerId id = ++last_timer_;
  timers_.emplace(id, std::move(task));
  alarms_.push({when, id});
  return id;
}

void EventLoop::Cancel(TimerId timer) {
  CheckThread();
  // The task goes last: its destructor may come back here.
  auto dropped = timers_.extract(timer);
  DropCancelledAlarms();
}

void EventLoop::DropCancelledAlarms() {
  // Alarms of cancelled timers stay in the heap until they are its top, or too many.
  while (!alarms_.empty() && !timers_.contains(alarms_.top().id)) alarms_.pop();
  if (alarms_.size() <= 2 * timers_.size() + 64) return;
  AlarmHeap kept;
  for (; !alarms_.empty(); alarms_.pop()) {
    if (timers_.contains(alarms_.top().id)) kept.push(alarms_.top());
  }
  alarms_ = std::move(kept);
}

const std::shared_ptr<EventSource>& EventLoop::Source(
    const std::function<std::shared_ptr<EventSource>()>& make) {
  CheckThread();
  std::lock_guard lock(mutex_);
  if (!source_) source_ = make();
  return source_;
}

void EventLoop::Run() {
  runner_ = std::this_thread::get_id();
  while (TakePosted()) {
    RunBatch();
    // What was posted while the loop was busy, or the process stood still, goes before a timer that
    // is late for the same reason: whoever waits for silence must have listened.
    if (TimersAreLate()) {
      for (int i = 0; source_ && !IsStopped() && i < kLooksWhenLate; ++i) source_->Deliver({});
      if (!TakePosted()) break;
      RunBatch();
    }
    RunTimers();
    Sleep();
  }
  runner_ = {};
}

void EventLoop::Stop() {
  std::shared_ptr<EventSource> source;
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    if (!std::exchange(asleep_, false)) return;
    source = source_;
  }
  source ? source->Wake() : posted_to_.notify_one();
}

bool EventLoop::TakePosted() {
  std::lock_guard lock(mutex_);
  if (std::exchange(stopped_, false)) return false;
  if (batch_.empty()) batch_.swap(posted_);
  return true;
}

void EventLoop::RunBatch() {
  while (!batch_.empty()) {
    Task task = std::move(batch_.front());
    batch_.pop_front();
    task();
    task = nullptr;
    if (IsStopped()) return;
  }
}

bool EventLoop::TimersAreLate() const {
  return !alarms_.empty() && clock_.Now() - alarms_.top().when > kLate;
}

void EventLoop::RunTimers() {
  if (alarms_.empty()) return;
  // Only what is due now: a timer that sets a timer for now yields to what was posted.
  Instant now = clock_.Now();
  TimerId last = last_timer_;
  while (!alarms_.empty() && alarms_.top().when <= now && alarms_.top().id <= last) {
    auto due = timers_.extract(alarms_.top().id);
    alarms_.pop();
    if (due) due.mapped()();
    if (IsStopped()) return;
  }
}

// With something to do it only looks at the source.
void EventLoop::Sleep() {
  DropCancelledAlarms();
  Instant until = alarms_.empty() ? Instant::Never() : alarms_.top().when;
  {
    std::unique_lock lock(mutex_);
    if (stopped_) return;
    asleep_ = batch_.empty() && posted_.empty() && until > clock_.Now();
    if (!asleep_) until = Instant{};
    if (!source_) {
      while (asleep_ && until > clock_.Now()) WaitUntil(lock, until);
      asleep_ = false;
      return;
    }
  }
  for (int i = 0; i < kEventsPerTurn && source_->Deliver(i == 0 ? until : Instant{}); ++i) {
    if (IsStopped()) break;
  }
  std::lock_guard lock(mutex_);
  asleep_ = false;
}

bool EventLoop::IsStopped() {
  std::lock_guard lock(mutex_);
  return stopped_;
}

void EventLoop::WaitUntil(std::unique_lock<std::mutex>& lock, Instant until) {
  if (until == Instant::Never()) return posted_to_.wait(lock);
  posted_to_.wait_for(lock, until - clock_.Now());
}

}  // namespace weir::host
