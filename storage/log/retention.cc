// SPDX-License-Identifier: Apache-2.0
#include "storage/log/retention.h"

#include <glog/logging.h>

#include <algorithm>
#include <limits>

namespace weir::log {
namespace {

bool IsTooOld(const SegmentAge& segment, const RetentionRules& rules, WallTime now) {
  return rules.ms && now.ms - segment.largest.ms > *rules.ms;
}

}  // namespace

RetentionPlan PlanRetention(std::span<const SegmentAge> segments, bool has_active,
                            const RetentionRules& rules, Offset start, Offset limit, WallTime now) {
  uint64_t kept_bytes = 0;
  for (const SegmentAge& segment : segments) kept_bytes += segment.bytes;
  RetentionPlan plan{0, start, false};
  // Oldest first, up to the first that stays: a log has no hole.
  for (size_t i = 0; i < segments.size(); ++i) {
    const SegmentAge& segment = segments[i];
    const bool is_active = has_active && i + 1 == segments.size();
    if (segment.end > limit) break;
    // It was begun for what is about to be written.
    if (is_active && segment.bytes == 0) break;
    // What lies below the start goes as soon as it is closed; it is not closed for that.
    const bool is_passed = !is_active && segment.end <= start;
    const bool is_too_much = rules.bytes && kept_bytes >= *rules.bytes + segment.bytes;
    if (!is_passed && !is_too_much && !IsTooOld(segment, rules, now)) break;
    kept_bytes -= segment.bytes;
    plan.segments = i + 1;
    plan.start = std::max(plan.start, segment.end);
    plan.takes_active = is_active;
  }
  // Where compaction left a gap, the log begins with what is there.
  if (plan.start > start && plan.segments < segments.size()) {
    plan.start = std::max(plan.start, std::min(segments[plan.segments].base, limit));
  }
  return plan;
}

bool MustRoll(const SegmentFold& active, const RollRules& rules, int64_t jitter_ms,
              WallTime created, const records::BatchHeader& next, WallTime now) {
  if (active.bytes == 0) return false;
  // Kafka's index has 32 bits for a position, and for an offset.
  constexpr uint64_t kBytesMax = std::numeric_limits<int32_t>::max();
  if (active.bytes + next.size() > std::min(rules.bytes, kBytesMax)) return true;
  if (next.last_offset() - active.base > std::numeric_limits<int32_t>::max()) return true;
  if (active.offset_entries >= rules.index_bytes / OffsetIndex::kEntryBytes) return true;
  // The last entry of the time index is made when the segment is closed.
  if (active.time_entries + 1 >= rules.index_bytes / TimeIndex::kEntryBytes) return true;
  const int64_t waited = active.first_timestamp.ms >= 0
                             ? next.max_timestamp.ms - active.first_timestamp.ms
                             : now.ms - created.ms;
  return waited > rules.ms - jitter_ms;
}

}  // namespace weir::log
