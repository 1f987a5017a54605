// SPDX-License-Identifier: Apache-2.0
// Up to where each log of a data folder is clean, as the text of Kafka's file
// "cleaner-offset-checkpoint" (version 0). A topic stands there by its id, as in its folder's name.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/ids.h"

namespace weir::compaction {

inline constexpr std::string_view kCleanEndsName = "cleaner-offset-checkpoint";

using CleanEnds = std::map<PartitionId, Offset>;

std::string EncodeCleanEnds(const CleanEnds& ends);

// Nothing where the text is not such a file.
std::optional<CleanEnds> DecodeCleanEnds(std::string_view text);

}  // namespace weir::compaction
