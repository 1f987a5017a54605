// SPDX-License-Identifier: Apache-2.0
// A strand that is one thread: a queue of tasks, a heap of timers, and files to watch.
// Idle, it sleeps in the kernel until it is posted to; nothing ticks.
//
// Made, run and destroyed by one thread. Post and Stop come from any.
#pragma once

#include <deque>
#include <mutex>
#include <queue>
#include <thread>
#include <unordered_map>
#include <vector>

#include "common/host/posix/system_clock.h"
#include "common/host/strand.h"

namespace weir::host {

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

  // Runs `ready` whenever `fd` is readable, for as long as the loop lives. Only from the loop's
  // thread. `ready` reads what is there without blocking.
  void WatchReadable(int fd, Task ready);

 private:
  struct Alarm {
    Instant when;
    TimerId id;
    auto operator<=>(const Alarm&) const = default;
  };
  using AlarmHeap = std::priority_queue<Alarm, std::vector<Alarm>, std::greater<>>;

  void CheckThread() const;
  bool TakePosted();
  void RunBatch();
  bool TimersAreLate() const;
  void RunTimers();
  void DropCancelledAlarms();
  // Sleeps until posted to, until a watched file is readable, or until the next timer.
  void Sleep();
  void Poll(Duration timeout);
  void Wake();

  SystemClock clock_;
  int epoll_ = -1;
  int wake_ = -1;
  std::unordered_map<int, Task> watched_;
  Instant polled_;
  std::thread::id runner_;

  // Only the loop's thread touches these.
  std::deque<Task> batch_;
  AlarmHeap alarms_;
  std::unordered_map<TimerId, Task> timers_;
  TimerId last_timer_ = 0;

  std::mutex mutex_;
  // Guarded by mutex_.
  std::deque<Task> posted_;
  bool asleep_ = false;
  bool stopped_ = false;
};

}  // namespace weir::host
