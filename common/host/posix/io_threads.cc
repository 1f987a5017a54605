// SPDX-License-Identifier: Apache-2.0
#include "common/host/posix/io_threads.h"

#include <glog/logging.h>
#include <pthread.h>

namespace weir::host {

IoThreads::IoThreads(Strand& strand, size_t threads_max)
    : mailbox_(std::make_shared<Mailbox>(strand)), threads_max_(threads_max) {}

IoThreads::~IoThreads() { CHECK(threads_.empty()) << "not ended"; }

void IoThreads::End() {
  mailbox_->Close();
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  mailbox_->Discard();
}

void IoThreads::Enqueue(Callback<void()> job) {
  bool start = false;
  {
    std::lock_guard lock(mutex_);
    if (ending_) return;
    jobs_.push_back(std::move(job));
    start = jobs_.size() > idle_ && threads_.size() < threads_max_;
  }
  changed_.notify_one();
  if (!start) return;
  threads_.emplace_back([this] { RunJobs(); });
  pthread_setname_np(threads_.back().native_handle(), "weir-disk");
}

void IoThreads::RunJobs() {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    changed_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
    --idle_;
    if (jobs_.empty()) return;
    Callback<void()> job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    job = nullptr;
    lock.lock();
  }
}

}  // namespace weir::host
