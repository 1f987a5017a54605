// SPDX-License-Identifier: Apache-2.0
#include "common/host/posix/event_loop.h"

#include <glog/logging.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

namespace weir::host {

namespace {

// A busy loop looks at its watched files this often.
constexpr Duration kPollWhenBusy = std::chrono::milliseconds(5);
// A timer that comes so much after its time is late.
constexpr Duration kLate = std::chrono::milliseconds(5);
constexpr Duration kForever = Duration::max();

}  // namespace

EventLoop::EventLoop() {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  PCHECK(epoll_ >= 0);
  wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  PCHECK(wake_ >= 0);
  epoll_event event{.events = EPOLLIN, .data = {.fd = wake_}};
  PCHECK(epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event) == 0);
}

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
  close(wake_);
  close(epoll_);
}

void EventLoop::CheckThread() const {
  // Before Run, whoever sets the loop up is its thread.
  DCHECK(runner_ == std::thread::id() || runner_ == std::this_thread::get_id())
      << "called from another thread than the loop's";
}

void EventLoop::Post(Task task) {
  bool wake = false;
  {
    std::lock_guard lock(mutex_);
    posted_.push_back(std::move(task));
    wake = std::exchange(asleep_, false);
  }
  if (wake) Wake();
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

void EventLoop::WatchReadable(int fd, Task ready) {
  CheckThread();
  CHECK(watched_.emplace(fd, std::move(ready)).second) << "watched twice: " << fd;
  epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
  PCHECK(epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0);
}

void EventLoop::Run() {
  runner_ = std::this_thread::get_id();
  polled_ = clock_.Now();
  while (TakePosted()) {
    RunBatch();
    // What was posted while the loop was busy, or the process stood still, goes before a timer that
    // is late for the same reason: whoever waits for silence must have listened.
    if (TimersAreLate()) {
      if (!TakePosted()) break;
      RunBatch();
    }
    RunTimers();
    if (!watched_.empty() && clock_.Now() - polled_ > kPollWhenBusy) Poll(Duration(0));
    Sleep();
  }
  runner_ = {};
}

void EventLoop::Stop() {
  bool wake = false;
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    wake = std::exchange(asleep_, false);
  }
  if (wake) Wake();
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
    std::lock_guard lock(mutex_);
    if (stopped_) return;
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
    std::lock_guard lock(mutex_);
    if (stopped_) return;
  }
}

void EventLoop::Sleep() {
  DropCancelledAlarms();
  Duration timeout = kForever;
  if (!alarms_.empty()) timeout = std::max(Duration(0), alarms_.top().when - clock_.Now());
  if (timeout == Duration(0)) return;
  {
    std::lock_guard lock(mutex_);
    if (stopped_ || !batch_.empty() || !posted_.empty()) return;
    asleep_ = true;
  }
  Poll(timeout);
  std::lock_guard lock(mutex_);
  asleep_ = false;
}

void EventLoop::Poll(Duration timeout) {
  std::array<epoll_event, 16> events;
  timespec wait{.tv_sec = timeout.count() / 1'000'000'000,
                .tv_nsec = timeout.count() % 1'000'000'000};
  int count = epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()),
                           timeout == kForever ? nullptr : &wait, nullptr);
  PCHECK(count >= 0 || errno == EINTR);
  polled_ = clock_.Now();
  for (int i = 0; i < count; ++i) {
    int fd = events[static_cast<size_t>(i)].data.fd;
    if (fd == wake_) {
      eventfd_t drained = 0;
      (void)eventfd_read(wake_, &drained);
      continue;
    }
    watched_.at(fd)();
  }
}

void EventLoop::Wake() { PCHECK(eventfd_write(wake_, 1) == 0); }

}  // namespace weir::host
