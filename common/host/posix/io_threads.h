// SPDX-License-Identifier: Apache-2.0
// A few threads that wait for the disk, so that the strand does not. They start when there is
// something to do, one for each job that finds all others busy, and then stay.
//
// Submit comes from the strand; `done` runs there.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/host/posix/mailbox.h"

namespace weir::host {

class IoThreads {
 public:
  IoThreads(Strand& strand, size_t threads_max);
  ~IoThreads();

  // Finishes the jobs that were submitted, drops what nobody has been told yet, and from now on
  // drops all that is submitted.
  void End();

  // Runs `work` on one of the threads, then `done` with what it returned on the strand.
  template <class Work, class Done>
  void Submit(Work work, Done done) {
    Enqueue([mailbox = mailbox_, work = std::move(work), done = std::move(done)]() mutable {
      mailbox->Push(
          [done = std::move(done), result = work()]() mutable { done(std::move(result)); });
    });
  }
  // The same where nobody waits for the end.
  void Enqueue(Callback<void()> job);

 private:
  void RunJobs();

  std::shared_ptr<Mailbox> mailbox_;
  const size_t threads_max_;
  std::vector<std::thread> threads_;

  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  std::deque<Callback<void()>> jobs_;
  size_t idle_ = 0;
  bool ending_ = false;
};

}  // namespace weir::host
