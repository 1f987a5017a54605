// SPDX-License-Identifier: Apache-2.0
#include "controller/quorum/rocksdb/rocksdb_quorum_log.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "controller/quorum/rocksdb/store.h"

namespace weir::quorum {
namespace {

// What can wait is done when there was nothing else to do for so long, or after so many writes.
constexpr std::chrono::seconds kIdle(1);
constexpr uint64_t kWritesMost = 1000;

}  // namespace

// Owns the store and the thread; the store is touched by that thread alone.
class RocksdbQuorumLog::Worker {
 public:
  Worker(std::string folder, host::Strand& strand, Options options)
      : store_(std::make_unique<Store>(std::move(folder), options)),
        strand_(strand),
        thread_([this] { Work(); }) {}

  // What was asked is still done; nobody hears of it.
  ~Worker() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    ready_.notify_one();
    thread_.join();
  }

  // job(Store&) on the thread, and its result to `done` on the strand.
  template <class T, class Job>
  void Run(Callback<void(T)> done, Job job) {
    auto whole = [this, done = lifetime_.Bind(std::move(done)), job = std::move(job)]() mutable {
      T result = job(*store_);
      strand_.Post([done = std::move(done), result = std::move(result)]() mutable {
        done(std::move(result));
      });
    };
    {
      std::lock_guard lock(mutex_);
      jobs_.push_back(std::move(whole));
    }
    ready_.notify_one();
  }

 private:
  void Work();
  // Nothing where none came for a while.
  std::optional<Callback<void()>> Next();

  std::unique_ptr<Store> store_;
  host::Strand& strand_;

  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<Callback<void()>> jobs_;
  bool stopping_ = false;
  // Locked by the strand alone: the thread only carries what is bound to it.
  Lifetime lifetime_;
  std::thread thread_;
};

std::optional<Callback<void()>> RocksdbQuorumLog::Worker::Next() {
  std::unique_lock lock(mutex_);
  auto is_due = [this] { return stopping_ || !jobs_.empty(); };
  if (store_->rest_waits() == 0) {
    ready_.wait(lock, is_due);
  } else {
    ready_.wait_for(lock, kIdle, is_due);
  }
  if (jobs_.empty()) return std::nullopt;
  Callback<void()> job = std::move(jobs_.front());
  jobs_.pop_front();
  return job;
}

void RocksdbQuorumLog::Worker::Work() {
  while (true) {
    auto job = Next();
    if (job) (*job)();
    if (!job || store_->rest_waits() >= kWritesMost) store_->Rest();
    std::lock_guard lock(mutex_);
    if (stopping_ && jobs_.empty()) break;
  }
  store_.reset();
}

RocksdbQuorumLog::RocksdbQuorumLog(std::string folder, host::Strand& strand)
    : RocksdbQuorumLog(std::move(folder), strand, Options()) {}

RocksdbQuorumLog::RocksdbQuorumLog(std::string folder, host::Strand& strand, Options options)
    : worker_(std::make_unique<Worker>(std::move(folder), strand, options)) {}

RocksdbQuorumLog::~RocksdbQuorumLog() = default;

void RocksdbQuorumLog::Load(Callback<void(Result<Remembered>)> done) {
  worker_->Run<Result<Remembered>>(std::move(done), [](Store& store) { return store.Load(); });
}

void RocksdbQuorumLog::Save(LogWrite write, Callback<void(Result<void>)> done) {
  worker_->Run<Result<void>>(
      std::move(done), [write = std::move(write)](Store& store) { return store.Save(write); });
}

void RocksdbQuorumLog::ReadEntries(LogIndex from, LogIndex to, size_t max_bytes,
                                   Callback<void(Result<std::vector<LogEntry>>)> done) {
  worker_->Run<Result<std::vector<LogEntry>>>(std::move(done), [from, to, max_bytes](Store& store) {
    return store.ReadEntries(from, to, max_bytes);
  });
}

void RocksdbQuorumLog::SaveSnapshot(StoredSnapshot snapshot, LogIndex begin,
                                    Callback<void(Result<void>)> done) {
  worker_->Run<Result<void>>(std::move(done),
                             [snapshot = std::move(snapshot), begin](Store& store) {
                               return store.SaveSnapshot(snapshot, begin);
                             });
}

void RocksdbQuorumLog::ReadSnapshot(Callback<void(Result<std::optional<StoredSnapshot>>)> done) {
  worker_->Run<Result<std::optional<StoredSnapshot>>>(
      std::move(done), [](Store& store) { return store.ReadSnapshot(); });
}

}  // namespace weir::quorum
