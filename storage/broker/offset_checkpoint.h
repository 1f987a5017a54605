// SPDX-License-Identifier: Apache-2.0
// Offsets of partitions as text, in the layout of Kafka's checkpoint files: the version 0, how many
// lines follow, and in each "topic partition offset", with the topic's id for its name, as folders
// have it. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/base/ids.h"

namespace weir::broker {

using OffsetCheckpoint = std::map<PartitionId, Offset>;

std::string TextOf(const OffsetCheckpoint& checkpoint);
// kCorrupt for a text that is not whole.
Result<OffsetCheckpoint> CheckpointOf(std::string_view text);

}  // namespace weir::broker
