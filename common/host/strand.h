// SPDX-License-Identifier: Apache-2.0
// A place where work is done one piece at a time, in the order it was posted.
// What lives on a strand needs no locks: only that strand touches it.
#pragma once

#include <cstdint>

#include "common/base/callback.h"
#include "common/base/time.h"

namespace weir::host {

class Strand {
 public:
  using Task = Callback<void()>;
  // 0 is no timer.
  using TimerId = uint64_t;

  virtual ~Strand() = default;

  // Runs `task` on this strand, never within the call. From any thread.
  virtual void Post(Task task) = 0;

  // Runs `task` on this strand at `when`, or soon after. Only from this strand.
  virtual TimerId RunAt(Instant when, Task task) = 0;

  // After this the task does not run. One that has run, or 0, is ignored. Only from this strand.
  virtual void Cancel(TimerId timer) = 0;
};

}  // namespace weir::host
