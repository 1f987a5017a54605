// SPDX-License-Identifier: Apache-2.0
#include "storage/journal/tail.h"

#include <algorithm>
#include <utility>

namespace weir::journal {

std::string TailFold::Apply(const RecordHead& head, uint64_t position, Ticket ticket) {
  if (head.kind == RecordKind::kDrop) {
    found_.erase(head.partition);
    return "";
  }
  auto [at, added] = found_.try_emplace(head.partition);
  Found& found = at->second;
  if (added) found.first = ticket;
  std::string wrong;
  switch (head.kind) {
    case RecordKind::kAppend:
      // What was never told here is in the segments, synced: and so is all that comes before it.
      if (found.end && head.offset > *found.end) found = {.first = ticket};
      wrong = Append(found, {position, head.length, head.offset, head.end, head.epoch});
      break;
    case RecordKind::kCut:
      Cut(found, head.offset);
      break;
    case RecordKind::kRestart:
      found = {.tail = {.restart = head.offset}, .first = ticket, .end = head.offset};
      break;
    case RecordKind::kDrop:
      break;
  }
  found.last = ticket;
  return wrong;
}

std::string TailFold::Append(Found& found, const Extent& extent) {
  if (found.end && extent.base < *found.end) {
    return "batches are appended at offset " + std::to_string(extent.base.value()) +
           " to a log that ends at " + std::to_string(found.end->value());
  }
  found.tail.extents.push_back(extent);
  found.end = extent.end;
  return "";
}

void TailFold::Cut(Found& found, Offset end) {
  auto& extents = found.tail.extents;
  while (!extents.empty() && extents.back().base >= end) extents.pop_back();
  if (!extents.empty()) extents.back().end = std::min(extents.back().end, end);
  found.tail.cut = std::min(found.tail.cut.value_or(end), end);
  found.end = end;
}

std::map<PartitionId, TailFold::Found> TailFold::Take() { return std::exchange(found_, {}); }

}  // namespace weir::journal
