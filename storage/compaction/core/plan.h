// SPDX-License-Identifier: Apache-2.0
// What of a log may be cleaned, whether it is time to, and which segments become one. Pure: the
// rules are Kafka's, but for those that a comment names.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "common/base/ids.h"
#include "common/base/time.h"

namespace weir::compaction {

// A segment that is written no more.
struct ClosedSegment {
  Offset base;
  // One past its last offset. Offsets may be missing up to the next one's base.
  Offset end;
  uint64_t bytes = 0;
  uint64_t index_bytes = 0;
  // The largest timestamp of its first batch, and of all.
  WallTime first_timestamp;
  WallTime max_timestamp;
  bool operator==(const ClosedSegment&) const = default;
};

// What a topic asks for.
struct CompactionConfig {
  // A log is cleaned when more than this part of it is dirty.
  double dirty_ratio_min = 0.5;
  // A record younger than the first is left alone; one that was dirty for longer than the second is
  // cleaned whatever the ratio. Milliseconds.
  int64_t lag_ms_min = 0;
  int64_t lag_ms_max = std::numeric_limits<int64_t>::max();
  // How long a tombstone stays after the first run that saw it.
  int64_t delete_retention_ms = 86'400'000;
  // What a segment may grow to, and its index.
  uint64_t segment_bytes = 1ull << 30;
  uint64_t index_bytes_max = 10ull << 20;
  bool operator==(const CompactionConfig&) const = default;
};

// A log as a run finds it.
struct LogExtent {
  Offset start;
  Offset end;
  // Nothing below it is ever cut, and what it decides is decided: the high watermark, or the last
  // stable offset where that is lower.
  Offset stable_end;
  // Up to where earlier runs cleaned; nothing where none is known of.
  std::optional<Offset> clean_end;
  // Oldest first, all but the one that is written.
  std::vector<ClosedSegment> closed;
};

struct Cleanable {
  // From here on keys are looked at. Records below it were, in earlier runs.
  Offset first_dirty;
  // Segments up to here are cleaned; a segment's end.
  Offset end;
  uint64_t clean_bytes = 0;
  uint64_t dirty_bytes = 0;
  // By how much its oldest dirty record is overdue; 0: it is not.
  int64_t overdue_ms = 0;

  double dirty_ratio() const;
  bool is_due(const CompactionConfig& config) const {
    return dirty_bytes > 0 && (overdue_ms > 0 || dirty_ratio() > config.dirty_ratio_min);
  }
};

Cleanable FindCleanable(const LogExtent& log, const CompactionConfig& config, WallTime now);

// The segments that begin below `end`, those together that fit one segment. One that alone is
// larger than a segment may be stays alone.
std::vector<std::span<const ClosedSegment>> GroupSegments(std::span<const ClosedSegment> closed,
                                                          Offset end,
                                                          const CompactionConfig& config);

// A log that could be cleaned, for whoever picks.
struct Candidate {
  PartitionId partition;
  Cleanable cleanable;
  CompactionConfig config;
};

// The one to clean next: the one that is most overdue, else the dirtiest; null where none is due.
const Candidate* PickNext(std::span<const Candidate> candidates);

}  // namespace weir::compaction
