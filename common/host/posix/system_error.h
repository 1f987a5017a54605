// SPDX-License-Identifier: Apache-2.0
// What the kernel refused, as an Error.
#pragma once

#include <string_view>

#include "common/base/error.h"

namespace weir::host {

// "<doing>: <strerror>", with the kind that `error_number` (an errno) means.
std::unexpected<Error> SystemFailure(int error_number, std::string_view doing);

// The same of a sync: kIo whatever the number, since what was to be synced may be gone.
std::unexpected<Error> SyncFailure(int error_number, std::string_view doing);

}  // namespace weir::host
