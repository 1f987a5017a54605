// SPDX-License-Identifier: Apache-2.0
// A strand that is one thread: a queue of tasks, a heap of timers, and a source of events in which
// it sleeps, so that what comes from the network is heard without another thread's waking this one.
// Idle, it sleeps in the kernel until it is posted to; nothing ticks.
//
// Made, run and destroyed by one thread. Post and Stop come from any.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <queue>
#include <thread>
#include <unordered_map>
#include <vector>

#include "common/host/posix/system_clock.h"
#include "common/host/strand.h"

namespace weir::host {

// What a loop sleeps in: it has events of its own. Called on the loop's thread.
class EventSource {
 public:
  virtual ~EventSource() = default;
  // Delivers one event; waits for it until `until`, or until Wake. Whether there was one.
  virtual bool Deliver(Instant until) = 0;
  // Ends the Deliver that waits, or the next one. From any thread.
  virtual void Wake() = 0;
};

class EventLoop : public Strand {
 public:
  EventLoop();
  ~EventLoop() override;
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  void Post(Task task) override;
  TimerId RunAt(Instant when, Task task) override;
  void Cancel(TimerId timer) override;

  // Runs tasks on the calling thread until Stop. May be called again afterwards: what was posted
  // and has not run is still there.
  void Run();
  // Run returns after the task that is running now.
  void Stop();

  // The source that it sleeps in: the first that was made lives as long as the loop.
  const std::shared_ptr<EventSource>& Source(
      const std::function<std::shared_ptr<EventSource>()>& make);

 private:
  struct Alarm {
    Instant when;
    TimerId id;
    auto operator<=>(const Alarm&) const = default;
  };
  using AlarmHeap = std::priority_queue<Alarm, std::vector<Alarm>, std::greater<>>;

  void CheckThread() const;
  bool TakePosted();
  bool IsStopped();
  void RunBatch();
  bool TimersAreLate() const;
  void RunTimers();
  void DropCancelledAlarms();
  // Sleeps until posted to, until the source has events, or until the next timer.
  void Sleep();
  void WaitUntil(std::unique_lock<std::mutex>& lock, Instant until);

  SystemClock clock_;
  std::thread::id runner_;

  // Only the loop's thread touches these.
  std::deque<Task> batch_;
  AlarmHeap alarms_;
  std::unordered_map<TimerId, Task> timers_;
  TimerId last_timer_ = 0;

  std::mutex mutex_;
  // Written by the loop's thread alone, within mutex_.
  std::shared_ptr<EventSource> source_;
  // Where there is no source.
  std::condition_variable posted_to_;
  // Guarded by mutex_.
  std::deque<Task> posted_;
  bool asleep_ = false;
  bool stopped_ = false;
};

}  // namespace weir::host
