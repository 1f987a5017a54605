// SPDX-License-Identifier: Apache-2.0
// Records that are lost or cannot be believed, though they were on stable storage.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/ids.h"

namespace weir::log {

struct Damage {
  std::string file;
  uint64_t position = 0;
  // How much of the file it takes, up to the next whole batch; 0: not looked for yet.
  uint64_t bytes = 0;
  // The offsets in [from, to): what is above is whole again.
  Offset from;
  Offset to;
  std::string what;
  bool operator==(const Damage&) const = default;
};

}  // namespace weir::log
