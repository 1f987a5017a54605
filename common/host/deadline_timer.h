// SPDX-License-Identifier: Apache-2.0
// One deadline of an object on a strand: set anew, the one before is forgotten. Lives on the
// strand, and in the object that it calls; no call comes after its destructor.
#pragma once

#include <functional>
#include <utility>

#include "common/host/strand.h"

namespace weir::host {

class DeadlineTimer {
 public:
  // The strand outlives this.
  DeadlineTimer(Strand& strand, std::function<void()> reached)
      : strand_(strand), reached_(std::move(reached)) {}
  ~DeadlineTimer() { strand_.Cancel(timer_); }
  DeadlineTimer(const DeadlineTimer&) = delete;
  DeadlineTimer& operator=(const DeadlineTimer&) = delete;

  // Instant::Never(): there is none.
  void Set(Instant at) {
    if (at == at_) return;
    strand_.Cancel(std::exchange(timer_, 0));
    at_ = at;
    if (at == Instant::Never()) return;
    timer_ = strand_.RunAt(at, lifetime_.Bind([this] {
      timer_ = 0;
      at_ = Instant::Never();
      reached_();
    }));
  }

 private:
  Strand& strand_;
  const std::function<void()> reached_;
  Strand::TimerId timer_ = 0;
  // Of what is set; Never() once it was reached.
  Instant at_ = Instant::Never();
  Lifetime lifetime_;
};

}  // namespace weir::host
