// SPDX-License-Identifier: Apache-2.0
// How long records waited for their acknowledgement, partition by partition: one that stands still
// is a pause, however busy the others are. Pure.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "common/base/ids.h"
#include "common/base/time.h"

namespace weir::cli {

class PauseMeter {
 public:
  struct Pause {
    PartitionIndex partition;
    // When it began.
    WallTime at;
    Duration length{};
  };

  // Pauses longer than `notable` are listed.
  explicit PauseMeter(Duration notable) : notable_(notable) {}

  // A batch that was begun at `opened` is acknowledged, at `now`.
  void Acknowledged(PartitionIndex partition, Instant opened, Instant now, WallTime wall) {
    Duration length = now - opened;
    auto waited_ms = std::chrono::duration_cast<std::chrono::milliseconds>(length).count();
    Pause pause{partition, WallTime{wall.ms - waited_ms}, length};
    if (!longest_ || length > longest_->length) longest_ = pause;
    if (length <= notable_) return;
    // Batches that waited together waited for one thing.
    auto last = last_.find(partition);
    if (last != last_.end() && opened <= last->second.until) {
      Pause& open = pauses_[last->second.index];
      open.length = std::max(open.length, length);
      last->second.until = now;
      return;
    }
    last_[partition] = {now, pauses_.size()};
    pauses_.push_back(pause);
  }

  std::optional<Pause> longest() const { return longest_; }
  // In the order of their ends.
  const std::vector<Pause>& pauses() const { return pauses_; }

 private:
  struct Last {
    Instant until;
    size_t index = 0;
  };

  const Duration notable_;
  std::optional<Pause> longest_;
  std::vector<Pause> pauses_;
  std::map<PartitionIndex, Last> last_;
};

}  // namespace weir::cli
