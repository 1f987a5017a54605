// SPDX-License-Identifier: Apache-2.0
// Records of the metadata log as a person reads them, one line each: for inspection and for tests.
// Pure, and takes whatever was read from a disk: what this version does not know is shown as it is.
#pragma once

#include <string>

#include "common/metadata/topic.h"
#include "proto/metadata/records.pb.h"

namespace weir::metadata {

// "partition 5e3a.../0 leader 1 epoch 0.0 isr (1 2 3) on (1 2 3)".
std::string TextOf(const v1::Record& record);

// "leader 1 epoch 0.0 isr (1 2 3)", and what else is not as it is mostly.
std::string TextOf(const Partition& partition);

}  // namespace weir::metadata
