// SPDX-License-Identifier: Apache-2.0
#include "common/host/posix/call_queue.h"

#include <glog/logging.h>

namespace weir::host {

namespace {

gpr_timespec TimespecOf(Instant at) {
  if (at == Instant::Never()) return gpr_inf_future(GPR_CLOCK_MONOTONIC);
  constexpr int64_t kSecond = 1'000'000'000;
  return {.tv_sec = at.ns / kSecond,
          .tv_nsec = static_cast<int32_t>(at.ns % kSecond),
          .clock_type = GPR_CLOCK_MONOTONIC};
}

}  // namespace

std::shared_ptr<CallQueue> CallQueue::Of(EventLoop& loop) {
  return std::static_pointer_cast<CallQueue>(
      loop.Source([] { return std::make_shared<CallQueue>(); }));
}

CallQueue::~CallQueue() {
  CHECK(deferred_.empty()) << "a network outlives its loop";
  queue_.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) CHECK_EQ(tag, &woken_) << "a network outlives its loop";
}

bool CallQueue::Next(Instant until, Event* event) {
  void* tag = nullptr;
  auto got = queue_.AsyncNext(&tag, &event->ok, TimespecOf(until));
  CHECK(got != grpc::CompletionQueue::SHUTDOWN);
  event->tag = static_cast<CallTag*>(tag);
  return got == grpc::CompletionQueue::GOT_EVENT;
}

bool CallQueue::Deliver(Instant until) {
  Event event;
  if (!deferred_.empty()) {
    event = deferred_.front();
    deferred_.pop_front();
  } else if (!Next(until, &event)) {
    return false;
  }
  event.tag->Done(event.ok);
  return true;
}

// An alarm that has rung already is the one event that a foreign thread can bring about.
void CallQueue::Wake() {
  if (is_waking_.exchange(true)) return;
  alarm_.Set(&queue_, gpr_time_0(GPR_CLOCK_MONOTONIC), &woken_);
}

void CallQueue::DeliverUntil(const void* owner, const std::function<bool()>& done) {
  std::deque<Event> others;
  for (const Event& event : std::exchange(deferred_, {})) {
    if (event.tag->owner() == owner) {
      event.tag->Done(event.ok);
    } else {
      others.push_back(event);
    }
  }
  while (!done()) {
    Event event;
    CHECK(Next(Instant::Never(), &event));
    if (event.tag->owner() == owner || event.tag == &woken_) {
      event.tag->Done(event.ok);
    } else {
      others.push_back(event);
    }
  }
  for (const Event& event : others) deferred_.push_back(event);
}

}  // namespace weir::host
