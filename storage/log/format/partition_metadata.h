// SPDX-License-Identifier: Apache-2.0
// Kafka's file "partition.metadata" (version 0): whose records a folder holds. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/ids.h"

namespace weir::log {

inline constexpr std::string_view kPartitionMetadataName = "partition.metadata";

std::string EncodePartitionMetadata(const TopicId& topic);

// Nothing where the text is not such a file.
std::optional<TopicId> DecodePartitionMetadata(std::string_view text);

}  // namespace weir::log
