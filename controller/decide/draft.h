// SPDX-License-Identifier: Apache-2.0
// An entry in the making: the records so far, and the image that they make of the tip. Each part of
// a decision sees what the parts before it have done. A value.
#pragma once

#include <optional>
#include <utility>

#include "common/metadata/apply.h"
#include "common/metadata/records.h"
#include "controller/decide/commands.h"
#include "controller/decide/elect.h"

namespace weir::decide {

// Left free for what ends a decision: a node, a request.
inline constexpr size_t kLastRecordsBytes = 64 << 10;

class Draft {
 public:
  explicit Draft(const metadata::Image& tip) : image_(tip) {}

  void Add(const metadata::v1::Record& record) {
    image_ = metadata::Apply(std::move(image_), record);
    *entry_.add_records() = record;
    bytes_ += record.ByteSizeLong();
  }

  // Writes the partition with the next partition epoch, if it is another than it was.
  void Change(const PartitionId& id, metadata::Partition partition) {
    const metadata::Partition* known = image_.partitions.Find(id);
    if (known && *known == partition) return;
    if (known) partition.partition_epoch = known->partition_epoch + 1;
    Add(metadata::ToRecord(id, partition));
    ++partitions_;
  }

  // One decision holds no more.
  bool is_full() const {
    return partitions_ >= kPartitionsMax || bytes_ + kLastRecordsBytes >= kEntryBytesMax;
  }

  // No part of a decision may end here: it is too large as a whole.
  bool exceeds_bytes() const { return bytes_ + kLastRecordsBytes > kEntryBytesMax; }

  const metadata::Image& image() const { return image_; }
  bool empty() const { return entry_.records_size() == 0; }

  // What was drafted, with `outcome` as the answer; no entry if nothing was.
  Decision Finish(Outcome outcome) && {
    if (empty()) return {std::nullopt, std::move(outcome)};
    return {std::move(entry_), std::move(outcome)};
  }

 private:
  metadata::Image image_;
  metadata::v1::Entry entry_;
  int32_t partitions_ = 0;
  size_t bytes_ = 0;
};

// Who may lead a partition in this image; `leaving` may not.
ElectionRules RulesFor(const metadata::Image& image, const PartitionId& id,
                       const metadata::Partition& partition, NodeId leaving = kNoNode);

// Takes `node` out of the ISR of every partition and finds new leaders, as far as one decision may;
// false if some are left. `keeps_log` says whether what the node had counts afterwards.
// `only_if_others_remain`: where it is the last in sync, it stays (a stop in order).
struct Leaving {
  NodeId node;
  // What was not flushed is lost: replicas of `cache` topics do not count any more.
  bool loses_cache = false;
  bool only_if_others_remain = false;
  // Only what lies in this directory; nothing: all that the node has.
  std::optional<DirectoryId> directory = {};
};
bool Leave(Draft& draft, const Leaving& leaving);

}  // namespace weir::decide
