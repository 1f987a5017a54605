// SPDX-License-Identifier: Apache-2.0
// Which segments a log need keep no longer, and when it begins a new one: Kafka's rules. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "common/base/ids.h"
#include "common/base/time.h"
#include "common/records/batch.h"
#include "storage/log/format/segment.h"

namespace weir::log {

struct RetentionRules {
  // Without one: kept whatever their age, whatever their size.
  std::optional<int64_t> ms;
  std::optional<uint64_t> bytes;
  bool operator==(const RetentionRules&) const = default;
};

// A segment as retention sees it.
struct SegmentAge {
  Offset base;
  Offset end;
  uint64_t bytes = 0;
  // Its largest timestamp, or when it was written last where its records have none.
  WallTime largest;
};

struct RetentionPlan {
  // The oldest so many segments go.
  size_t segments = 0;
  // The log begins here from now on.
  Offset start;
  // The active one is among them: it is to be closed first.
  bool takes_active = false;
  bool operator==(const RetentionPlan&) const = default;
};

// `segments` are all of a log, oldest first, the last one active where `has_active`. Nothing that
// reaches above `limit` goes.
RetentionPlan PlanRetention(std::span<const SegmentAge> segments, bool has_active,
                            const RetentionRules& rules, Offset start, Offset limit, WallTime now);

struct RollRules {
  uint64_t bytes = 1ull << 30;
  // The time between a segment's first batch and the first that begins another.
  int64_t ms = 604'800'000;
  // Each segment's `ms` is shorter by up to so much, by chance.
  int64_t jitter_ms = 0;
  // The largest size of either index.
  uint64_t index_bytes = 10ull << 20;
  bool operator==(const RollRules&) const = default;
};

// Whether the batch begins another segment. `jitter_ms` is what was drawn for this one, `created`
// when it was begun.
bool MustRoll(const SegmentFold& active, const RollRules& rules, int64_t jitter_ms,
              WallTime created, const records::BatchHeader& next, WallTime now);

}  // namespace weir::log
