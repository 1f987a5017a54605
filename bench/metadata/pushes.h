// SPDX-License-Identifier: Apache-2.0
// What it costs the active controller to push one committed entry to the sessions of many nodes:
// all that is ours, up to the network, which is a sink here.
#pragma once

#include "common/metadata/image.h"

namespace weir::bench {

struct PushCost {
  double per_entry_us = 0;
  // Of the entry's bytes, beyond the one that all sessions share.
  double copies_per_entry = 0;
};

PushCost CostOfPushes(metadata::Image image, int sessions, int entries);

}  // namespace weir::bench
