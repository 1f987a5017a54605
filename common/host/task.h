// SPDX-License-Identifier: Apache-2.0
// Coroutines for edges and drivers: a Task<T> runs on one strand and reads like a recipe.
//
//   Task<Result<void>> Copy(Disk& disk) {
//     auto file = co_await Await<Result<std::shared_ptr<File>>>(
//         [&](auto done) { disk.Open("a", OpenMode::kRead, std::move(done)); });
//     ...
//   }
//   Spawn(Copy(disk), [](Result<void> copied) { ... });
//
// A Task is lazy: it starts when it is awaited or spawned. Arguments are taken by value, or outlive
// it. A spawned coroutine whose pending callback is destroyed uncalled is destroyed with it, from
// its root: so a host that drops its callbacks leaks nothing.
#pragma once

#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "common/base/callback.h"

namespace weir::host {

namespace internal {

struct PromiseBase {
  std::coroutine_handle<> awaiter;
  std::coroutine_handle<> root;

  std::suspend_always initial_suspend() noexcept { return {}; }
  void unhandled_exception() { std::terminate(); }
};

struct ResumeAwaiter {
  bool await_ready() noexcept { return false; }
  template <class Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> done) noexcept {
    return done.promise().awaiter;
  }
  void await_resume() noexcept {}
};

template <class T>
struct Promise;

}  // namespace internal

template <class T>
class [[nodiscard]] Task {
 public:
  using promise_type = internal::Promise<T>;

  explicit Task(std::coroutine_handle<promise_type> frame) : frame_(frame) {}
  Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, {})) {}
  Task& operator=(Task&&) = delete;
  ~Task() {
    if (frame_) frame_.destroy();
  }

  bool await_ready() const noexcept { return false; }
  template <class Outer>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Outer> outer) noexcept {
    frame_.promise().awaiter = outer;
    frame_.promise().root = outer.promise().root;
    return frame_;
  }
  T await_resume() { return frame_.promise().Take(); }

 private:
  std::coroutine_handle<promise_type> frame_;
};

namespace internal {

template <class T>
struct Promise : PromiseBase {
  std::optional<T> value;

  Task<T> get_return_object() {
    return Task<T>(std::coroutine_handle<Promise>::from_promise(*this));
  }
  ResumeAwaiter final_suspend() noexcept { return {}; }
  template <class U>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  T Take() { return std::move(*value); }
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object() {
    return Task<void>(std::coroutine_handle<Promise>::from_promise(*this));
  }
  ResumeAwaiter final_suspend() noexcept { return {}; }
  void return_void() {}
  void Take() {}
};

// The outermost frame of a spawned coroutine: it owns itself, and is gone when it ends.
struct Root {
  struct promise_type {
    std::coroutine_handle<> root;

    Root get_return_object() {
      root = std::coroutine_handle<promise_type>::from_promise(*this);
      return {};
    }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};

template <class T>
Root RunRoot(Task<T> task, Callback<void(T)> done) {
  T value = co_await task;
  done(std::move(value));
}

inline Root RunRoot(Task<void> task, Callback<void()> done) {
  co_await task;
  if (done) done();
}

// Resumes a suspended coroutine once; destroyed unused, it destroys the coroutine's root.
class Resumption {
 public:
  Resumption(std::coroutine_handle<> frame, std::coroutine_handle<> root)
      : frame_(frame), root_(root) {}
  Resumption(Resumption&& other) noexcept
      : frame_(std::exchange(other.frame_, {})), root_(other.root_) {}
  Resumption& operator=(Resumption&&) = delete;
  ~Resumption() {
    if (frame_) root_.destroy();
  }
  void Resume() { std::exchange(frame_, {}).resume(); }

 private:
  std::coroutine_handle<> frame_;
  std::coroutine_handle<> root_;
};

template <class T, class Start>
class CallbackAwaiter {
 public:
  explicit CallbackAwaiter(Start start) : start_(std::move(start)) {}
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> frame) {
    start_([this, resumption = Resumption(frame, frame.promise().root)](T value) mutable {
      value_.emplace(std::move(value));
      // The callback, and so the resumption, may be gone before Resume returns.
      Resumption last = std::move(resumption);
      last.Resume();
    });
  }
  T await_resume() { return std::move(*value_); }

 private:
  Start start_;
  std::optional<T> value_;
};

template <class Start>
class PlainCallbackAwaiter {
 public:
  explicit PlainCallbackAwaiter(Start start) : start_(std::move(start)) {}
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> frame) {
    start_([resumption = Resumption(frame, frame.promise().root)]() mutable {
      Resumption last = std::move(resumption);
      last.Resume();
    });
  }
  void await_resume() {}

 private:
  Start start_;
};

}  // namespace internal

// Waits for a callback: `start` is handed one to call once, later (never within `start`).
template <class T, class Start>
auto Await(Start start) {
  return internal::CallbackAwaiter<T, Start>(std::move(start));
}

// The same for a callback without an argument.
template <class Start>
auto AwaitDone(Start start) {
  return internal::PlainCallbackAwaiter<Start>(std::move(start));
}

// Starts `task` at once; `done` hears its value.
template <class T>
void Spawn(Task<T> task, Callback<void(T)> done) {
  internal::RunRoot<T>(std::move(task), std::move(done));
}
inline void Spawn(Task<void> task, Callback<void()> done = {}) {
  internal::RunRoot(std::move(task), std::move(done));
}

// Runs tasks side by side, each of which waits for something; their values in the order given.
template <class T>
Task<std::vector<T>> All(std::vector<Task<T>> tasks) {
  struct Gathering {
    std::vector<std::optional<T>> values;
    size_t left = 0;
    Callback<void(std::vector<T>)> done;
  };
  if (tasks.empty()) co_return std::vector<T>();
  co_return co_await Await<std::vector<T>>([&tasks](auto done) {
    auto gathering = std::make_shared<Gathering>();
    gathering->values.resize(tasks.size());
    gathering->left = tasks.size();
    gathering->done = std::move(done);
    for (size_t i = 0; i < tasks.size(); ++i) {
      Spawn<T>(std::move(tasks[i]), [gathering, i](T value) {
        gathering->values[i].emplace(std::move(value));
        if (--gathering->left > 0) return;
        std::vector<T> values;
        for (auto& each : gathering->values) values.push_back(std::move(*each));
        std::exchange(gathering->done, nullptr)(std::move(values));
      });
    }
  });
}

}  // namespace weir::host
