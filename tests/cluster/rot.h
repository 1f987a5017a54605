// SPDX-License-Identifier: Apache-2.0
// A cluster that is written to while bits flip on its disks, or while records are deleted and
// leaders die. Each says what is wrong in the end, in words; empty if nothing is. One seed, one
// run.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace weir::cluster {

// Bits flip in closed segments, each on one replica alone: what is damaged is served by nobody, and
// soon there again, byte for byte; nothing is lost, and nobody leaves an ISR for it.
std::vector<std::string> WrongAfterRot(uint64_t seed);

// Records are deleted, and whoever led that is killed: they do not come back.
std::vector<std::string> WrongAfterDeletion(uint64_t seed);

}  // namespace weir::cluster
