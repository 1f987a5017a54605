// SPDX-License-Identifier: Apache-2.0
#include "storage/compaction/core/plan.h"

#include <algorithm>
#include <utility>

#include "common/base/planted_bug.h"

namespace weir::compaction {
namespace {

// Kafka's index has 32 bits for a position, and for an offset beside the segment's.
constexpr uint64_t kSegmentBytesMax = std::numeric_limits<int32_t>::max();
constexpr int64_t kSegmentOffsetsMax = std::numeric_limits<int32_t>::max();

// What was cut or deleted meanwhile makes what an earlier run wrote down useless: all is dirty.
Offset FirstDirty(const LogExtent& log) {
  if (!log.clean_end || *log.clean_end < log.start || *log.clean_end > log.end) return log.start;
  return *log.clean_end;
}

bool IsCleanable(const ClosedSegment& segment, const LogExtent& log, Offset first_dirty,
                 const CompactionConfig& config, WallTime now) {
  bool is_stable =
      segment.end <= log.stable_end || PLANTED_BUG("compaction: cleans above the high watermark");
  if (!is_stable) return false;
  bool is_dirty = segment.end > first_dirty;
  return !is_dirty || config.lag_ms_min <= 0 ||
         segment.max_timestamp.ms <= now.ms - config.lag_ms_min;
}

}  // namespace

double Cleanable::dirty_ratio() const {
  if (dirty_bytes == 0) return 0;
  return static_cast<double>(dirty_bytes) / static_cast<double>(clean_bytes + dirty_bytes);
}

Cleanable FindCleanable(const LogExtent& log, const CompactionConfig& config, WallTime now) {
  Cleanable found;
  found.first_dirty = found.end = FirstDirty(log);
  int64_t oldest_ms = std::numeric_limits<int64_t>::max();
  for (const ClosedSegment& segment : log.closed) {
    if (!IsCleanable(segment, log, found.first_dirty, config, now)) break;
    if (segment.end <= found.first_dirty) {
      found.clean_bytes += segment.bytes;
      continue;
    }
    found.dirty_bytes += segment.bytes;
    found.end = segment.end;
    // Only what can be cleaned makes a log overdue: otherwise one whose high watermark stands still
    // would be picked for ever.
    if (segment.first_timestamp.ms > 0) {
      oldest_ms = std::min(oldest_ms, segment.first_timestamp.ms);
    }
  }
  int64_t due_ms = now.ms - std::max<int64_t>(config.lag_ms_max, 0);
  if (oldest_ms < due_ms) found.overdue_ms = due_ms - oldest_ms;
  return found;
}

std::vector<std::span<const ClosedSegment>> GroupSegments(std::span<const ClosedSegment> closed,
                                                          Offset end,
                                                          const CompactionConfig& config) {
  const uint64_t bytes_max = std::min(config.segment_bytes, kSegmentBytesMax);
  std::vector<std::span<const ClosedSegment>> groups;
  size_t at = 0;
  while (at < closed.size() && closed[at].base < end) {
    uint64_t bytes = closed[at].bytes;
    uint64_t index_bytes = closed[at].index_bytes;
    size_t after = at + 1;
    for (; after < closed.size() && closed[after].base < end; ++after) {
      bytes += closed[after].bytes;
      index_bytes += closed[after].index_bytes;
      bool fits = bytes <= bytes_max && index_bytes <= config.index_bytes_max &&
                  closed[after].end - closed[at].base <= kSegmentOffsetsMax;
      if (!fits) break;
    }
    groups.push_back(closed.subspan(at, after - at));
    at = after;
  }
  return groups;
}

const Candidate* PickNext(std::span<const Candidate> candidates) {
  const Candidate* next = nullptr;
  for (const Candidate& candidate : candidates) {
    if (!candidate.cleanable.is_due(candidate.config)) continue;
    auto urgency = [](const Candidate& of) {
      return std::pair(of.cleanable.overdue_ms, of.cleanable.dirty_ratio());
    };
    if (next == nullptr || urgency(candidate) > urgency(*next)) next = &candidate;
  }
  return next;
}

}  // namespace weir::compaction
