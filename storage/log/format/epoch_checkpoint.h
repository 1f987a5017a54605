// SPDX-License-Identifier: Apache-2.0
// Kafka's file "leader-epoch-checkpoint" (version 0): which leader epoch begins at which offset, as
// lines of text. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/ids.h"
#include "common/collections/epoch_history.h"

namespace weir::log {

using LeaderEpochs = EpochHistory<LeaderEpoch, Offset>;

inline constexpr std::string_view kEpochCheckpointName = "leader-epoch-checkpoint";

std::string EncodeEpochCheckpoint(const LeaderEpochs& epochs);

// Nothing where the text is not such a file.
std::optional<LeaderEpochs> DecodeEpochCheckpoint(std::string_view text);

}  // namespace weir::log
