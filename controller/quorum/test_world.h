// SPDX-License-Identifier: Apache-2.0
// A world for this package's tests: one strand for all processes, virtual time, a network of
// streams that a test can break. The whole simulation is tests/sim.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/host/host.h"

namespace weir::quorum {

// Time stands still while there is work, and then jumps to the next timer.
class TestStrand final : public host::Strand, public host::Clock {
 public:
  void Post(Task task) override {
    {
      std::lock_guard lock(mutex_);
      tasks_.push_back(std::move(task));
    }
    posted_.notify_one();
  }
  TimerId RunAt(Instant when, Task task) override {
    timers_[{when, ++last_timer_}] = std::move(task);
    return last_timer_;
  }
  void Cancel(TimerId timer) override {
    std::erase_if(timers_, [&](const auto& entry) { return entry.first.second == timer; });
  }
  Instant Now() const override { return now_; }
  WallTime WallNow() const override { return {now_.ns / 1000000}; }

  // Runs until `done` holds, or `limit` has passed; returns whether it holds.
  template <class Done>
  bool RunUntil(Done done, Duration limit = std::chrono::seconds(20)) {
    Instant end = now_ + limit;
    while (!done()) {
      if (RunTask()) continue;
      if (timers_.empty() || timers_.begin()->first.first > end) {
        now_ = end;
        return done();
      }
      auto first = timers_.extract(timers_.begin());
      now_ = std::max(now_, first.key().first);
      first.mapped()();
    }
    return true;
  }
  void RunFor(Duration duration) {
    RunUntil([] { return false; }, duration);
  }
  // Waits for what another thread posts.
  template <class Done>
  void WaitUntil(Done done) {
    while (!done()) {
      if (RunTask()) continue;
      std::unique_lock lock(mutex_);
      posted_.wait(lock, [this] { return !tasks_.empty(); });
    }
  }

 private:
  bool RunTask() {
    Task task;
    {
      std::lock_guard lock(mutex_);
      if (tasks_.empty()) return false;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
    return true;
  }

  std::mutex mutex_;
  std::condition_variable posted_;
  std::deque<Task> tasks_;
  std::map<std::pair<Instant, TimerId>, Task> timers_;
  TimerId last_timer_ = 0;
  Instant now_{0};
};

class TestRandom final : public host::Random {
 public:
  explicit TestRandom(uint64_t seed) : state_(seed) {}
  uint64_t Next() override {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return state_ ^ (state_ >> 29);
  }

 private:
  uint64_t state_;
};

// All the processes' networks are ends of this one.
class TestWires {
 public:
  explicit TestWires(TestStrand& strand) : strand(strand) {}
  // An end and who hears it hold each other, as long as the stream lives.
  ~TestWires() {
    for (auto& pipe : pipes) {
      auto client = std::move(pipe->client_events);
      auto server = std::move(pipe->server_events);
    }
  }

  struct Pipe {
    host::Endpoint client;
    host::Endpoint server;
    std::shared_ptr<host::StreamEvents> client_events;
    std::shared_ptr<host::StreamEvents> server_events;
    bool is_open = true;

    void End(const host::CallStatus& status) {
      if (!std::exchange(is_open, false)) return;
      if (client_events) client_events->OnEnd(status);
      if (server_events) server_events->OnEnd({host::StatusCode::kCancelled, "ended", {}});
      client_events.reset();
      server_events.reset();
    }
  };

  // Everything to and from `process` ends, as when it dies.
  void Break(const host::Endpoint& process) {
    for (auto& pipe : pipes) {
      if (pipe->client != process && pipe->server != process) continue;
      strand.Post([pipe] { pipe->End({host::StatusCode::kUnavailable, "broken", {}}); });
    }
  }
  void Stop(const host::Endpoint& process) {
    listeners.erase(process);
    Break(process);
  }

  TestStrand& strand;
  std::map<host::Endpoint, host::Methods> listeners;
  std::set<host::Endpoint> cut;
  std::vector<std::shared_ptr<Pipe>> pipes;
};

class TestNetwork final : public host::Network {
 public:
  TestNetwork(TestWires& wires, host::Endpoint self) : wires_(wires), self_(std::move(self)) {}

  void Call(const host::Endpoint& to, const std::string& method, Pieces request, Duration,
            Callback<void(host::CallStatus, Bytes)> done) override {
    wires_.strand.Post(
        [this, to, method, request = Join(request), done = std::move(done)]() mutable {
          auto listener = wires_.listeners.find(to);
          if (listener == wires_.listeners.end()) {
            done({host::StatusCode::kUnavailable, "nobody listens", {}}, {});
            return;
          }
          auto& serve = std::get<host::UnaryMethod>(listener->second.at(method));
          serve({self_, ""}, request,
                [this, done = std::move(done)](host::CallStatus status, Pieces answer) mutable {
                  wires_.strand.Post([done = std::move(done), status = std::move(status),
                                      answer = Join(answer)]() mutable { done(status, answer); });
                });
        });
  }

  std::shared_ptr<host::Stream> Open(const host::Endpoint& to, const std::string& method,
                                     std::shared_ptr<host::StreamEvents> events) override {
    auto pipe =
        std::make_shared<TestWires::Pipe>(TestWires::Pipe{self_, to, std::move(events), {}});
    wires_.pipes.push_back(pipe);
    wires_.strand.Post([this, pipe, to, method] {
      auto listener = wires_.listeners.find(to);
      bool is_cut = wires_.cut.contains(self_) || wires_.cut.contains(to);
      if (listener == wires_.listeners.end() || is_cut) {
        pipe->End({host::StatusCode::kUnavailable, "nobody listens", {}});
        return;
      }
      auto& serve = std::get<host::StreamMethod>(listener->second.at(method));
      pipe->server_events = serve({self_, ""}, std::make_shared<End>(wires_.strand, pipe, true));
    });
    return std::make_shared<End>(wires_.strand, pipe, false);
  }

  Result<host::Endpoint> Listen(const host::Endpoint& at, host::Methods methods) override {
    wires_.listeners[at] = std::move(methods);
    return at;
  }
  void SetServing(bool) override {}

 private:
  class End final : public host::Stream {
   public:
    End(TestStrand& strand, std::shared_ptr<TestWires::Pipe> pipe, bool is_server)
        : strand_(strand), pipe_(std::move(pipe)), is_server_(is_server) {}
    void Send(Pieces message) override {
      strand_.Post([pipe = pipe_, is_server = is_server_, message = Join(message)] {
        auto other = is_server ? pipe->client_events : pipe->server_events;
        if (pipe->is_open && other) other->OnMessage(message);
      });
    }
    size_t queued_bytes() const override { return 0; }
    void Finish(host::CallStatus status) override {
      strand_.Post([pipe = pipe_, is_server = is_server_, status] {
        if (is_server || !status.ok()) {
          pipe->End(status);
        } else if (auto events = pipe->server_events) {
          events->OnPeerFinished();
        }
      });
    }
    void PauseReading() override {}
    void ResumeReading() override {}

   private:
    TestStrand& strand_;
    std::shared_ptr<TestWires::Pipe> pipe_;
    const bool is_server_;
  };

  TestWires& wires_;
  const host::Endpoint self_;
};

// Nothing in this package uses files through the host.
class NoDisk final : public host::Disk {
 public:
  void Open(std::string, host::OpenMode,
            Callback<void(Result<std::shared_ptr<host::File>>)>) override {}
  void MakeFolder(std::string, Callback<void(Result<void>)>) override {}
  void List(std::string, Callback<void(Result<std::vector<std::string>>)>) override {}
  void Rename(std::string, std::string, Callback<void(Result<void>)>) override {}
  void Remove(std::string, Callback<void(Result<void>)>) override {}
  void SyncFolder(std::string, Callback<void(Result<void>)>) override {}
  void Measure(Callback<void(Result<host::Space>)>) override {}
};

}  // namespace weir::quorum
