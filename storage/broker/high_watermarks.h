// SPDX-License-Identifier: Apache-2.0
// What the high watermarks in one data directory were, so that a node that starts again shows at
// once what it showed before: written every five seconds if they moved, and by a stop in order.
// A high watermark never falls but by an unclean election, so an old one is a lower bound.
// One strand.
#pragma once

#include <functional>
#include <vector>

#include "common/base/callback.h"
#include "common/host/host.h"
#include "storage/broker/offset_checkpoint.h"

namespace weir::broker {

inline constexpr char kHighWatermarksFile[] = "replication-offset-checkpoint";

class HighWatermarks {
 public:
  // The directory's disk is that of `host`.
  explicit HighWatermarks(host::Host host) : host_(host) {}
  ~HighWatermarks() { host_.strand.Cancel(timer_); }
  HighWatermarks(const HighWatermarks&) = delete;
  HighWatermarks& operator=(const HighWatermarks&) = delete;

  // Without the file, or with one that cannot be read, nothing is known.
  void Read(Callback<void()> done);
  // As it was read: 0 where it is not known.
  Offset Of(const PartitionId& partition) const;

  // From now on `current` says what all of them are.
  void Watch(std::function<OffsetCheckpoint()> current);
  // Nothing is written any more.
  void Unwatch() { current_ = nullptr; }
  // Writes them now, if they have moved. Nothing is written before Watch: what has not been opened
  // yet must not be forgotten. `done` comes in any case.
  void Write(Callback<void()> done);

 private:
  void WriteLater();
  void Written(const Result<void>& how, OffsetCheckpoint what, Callback<void()> done);

  host::Host host_;
  OffsetCheckpoint known_;
  // As the file has it.
  OffsetCheckpoint written_;
  std::function<OffsetCheckpoint()> current_;
  bool is_writing_ = false;
  // Asked for while one was under way.
  std::vector<Callback<void()>> again_;
  host::Strand::TimerId timer_ = 0;
  Lifetime lifetime_;
};

}  // namespace weir::broker
