// SPDX-License-Identifier: Apache-2.0
// What a topic asks of the batches that its producers write.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>

#include "common/base/time.h"
#include "common/codec/compression.h"

namespace weir::log {

struct AdmissionRules {
  // The leader's clock stamps the batches (message.timestamp.type is LogAppendTime).
  bool stamps_append_time = false;
  // How far a producer's timestamp may lie behind the leader's clock, and before it.
  int64_t timestamp_before_max_ms = std::numeric_limits<int64_t>::max();
  int64_t timestamp_after_max_ms = 60 * 60 * 1000;
  // Batches are written in this compression; nothing: as they come.
  std::optional<codec::Compression> compression;
  int compression_level = codec::kUsualLevel;
  // Each record has a key (cleanup.policy has "compact").
  bool needs_keys = false;
  // A producer that has not written for so long is forgotten (producer.id.expiration.ms).
  Duration forgets_producers_after = std::chrono::hours(24);
  bool operator==(const AdmissionRules&) const = default;
};

}  // namespace weir::log
