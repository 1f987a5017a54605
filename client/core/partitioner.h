// SPDX-License-Identifier: Apache-2.0
// Which partition a key belongs to: the same one that Kafka's own clients choose.
#pragma once

#include <cstdint>
#include <string_view>

#include "common/base/ids.h"

namespace weir::client {

// MurmurHash2 with Kafka's seed.
uint32_t Murmur2(std::string_view bytes);

// `partitions` > 0.
PartitionIndex PartitionOfKey(std::string_view key, int32_t partitions);

}  // namespace weir::client
