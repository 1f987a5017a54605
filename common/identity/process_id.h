// SPDX-License-Identifier: Apache-2.0
// Which controller or storage node a process is: the number given with --id, or with --id=auto the
// number at the end of the host's name, as a StatefulSet gives it ("weir-nodes-2" is 2).
#pragma once

#include <string>

#include "common/base/error.h"

namespace weir::identity {

// kInvalid, in words for a person, if neither says a number >= 0.
Result<int32_t> ProcessId(const std::string& flag, const std::string& host_name);

}  // namespace weir::identity
