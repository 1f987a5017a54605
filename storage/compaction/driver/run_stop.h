// SPDX-License-Identifier: Apache-2.0
// Asks a run to end, from outside. Once it is asked, the run touches its log no more.
#pragma once

#include "common/base/error.h"

namespace weir::compaction {

struct RunStop {
  bool is_asked = false;

  static std::unexpected<Error> Stopped() {
    return Fail(Error::Kind::kUnavailable, "the run was stopped");
  }
};

}  // namespace weir::compaction
