// SPDX-License-Identifier: Apache-2.0
// The world as one strand of one process sees it: five small seams, none of which blocks.
#pragma once

#include "common/host/clock.h"
#include "common/host/disk.h"
#include "common/host/network.h"
#include "common/host/random.h"
#include "common/host/strand.h"

namespace weir::host {

// References to what the process owns; all outlive whoever is handed a Host.
struct Host {
  Clock& clock;
  Strand& strand;
  Disk& disk;
  Network& network;
  Random& random;
};

}  // namespace weir::host
