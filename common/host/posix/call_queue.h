// SPDX-License-Identifier: Apache-2.0
// gRPC's queue of what its calls have done, which is what the loop sleeps in: one thread waits for
// the sockets, reads them, and runs whoever waited. gRPC has no thread of its own at it.
//
// Wake comes from any thread, everything else from the loop's.
#pragma once

#include <grpcpp/alarm.h>
#include <grpcpp/completion_queue.h>

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <utility>

#include "common/base/callback.h"
#include "common/host/posix/event_loop.h"

namespace weir::host {

// One operation of gRPC's, again and again. Lives until it is done.
class CallTag : public grpc::internal::CompletionQueueTag {
 public:
  // `owner`: the network whose end waits for it.
  CallTag(const void* owner, Callback<void(bool ok)> done)
      : owner_(owner), done_(std::move(done)) {}
  CallTag(const CallTag&) = delete;
  CallTag& operator=(const CallTag&) = delete;

  const void* owner() const { return owner_; }
  void Done(bool ok) { done_(ok); }
  // For operations of gRPC's core, which know no other tags.
  bool FinalizeResult(void** tag, bool*) override {
    *tag = this;
    return true;
  }

 private:
  const void* const owner_;
  Callback<void(bool)> done_;
};

// As gRPC's core is handed it.
inline void* CoreTag(CallTag* tag) { return static_cast<grpc::internal::CompletionQueueTag*>(tag); }

class CallQueue : public EventSource {
 public:
  // The one that `loop` sleeps in.
  static std::shared_ptr<CallQueue> Of(EventLoop& loop);

  CallQueue() = default;
  // After all that was under way has ended.
  ~CallQueue() override;

  grpc::CompletionQueue* queue() { return &queue_; }

  bool Deliver(Instant until) override;
  void Wake() override;

  // Waits for what `owner` has under way, and delivers that alone, until `done`.
  void DeliverUntil(const void* owner, const std::function<bool()>& done);

 private:
  struct Event {
    CallTag* tag;
    bool ok;
  };

  // False: nothing came until then.
  bool Next(Instant until, Event* event);

  grpc::CompletionQueue queue_;
  // Came while another owner's were waited for.
  std::deque<Event> deferred_;
  grpc::Alarm alarm_;
  std::atomic<bool> is_waking_ = false;
  CallTag woken_{nullptr, [this](bool) { is_waking_ = false; }};
};

}  // namespace weir::host
