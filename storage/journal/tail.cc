// SPDX-License-Identifier: Apache-2.0
#include "storage/journal/tail.h"

#include <utility>

namespace weir::journal {

std::string TailFold::Apply(const RecordHead& head, uint64_t position, Ticket ticket) {
  if (head.kind == RecordKind::kForget) {
    found_.erase(head.partition);
    return "";
  }
  auto [at, added] = found_.try_emplace(head.partition);
  Found& found = at->second;
  // What was never told here is in the segments, synced: and so is all that comes before it.
  if (added || head.offset > found.tail.back().end) found = {.tail = {}, .first = ticket};
  if (!found.tail.empty() && head.offset < found.tail.back().end) {
    return "batches are appended at offset " + std::to_string(head.offset.value()) +
           " to a log that ends at " + std::to_string(found.tail.back().end.value());
  }
  found.tail.push_back({position, head.length, head.offset, head.end, head.epoch});
  found.last = ticket;
  return "";
}

std::map<PartitionId, TailFold::Found> TailFold::Take() { return std::exchange(found_, {}); }

}  // namespace weir::journal
