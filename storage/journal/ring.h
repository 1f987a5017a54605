// SPDX-License-Identifier: Apache-2.0
// Where frames lie in the journal's file, and where the next may: behind the newest, or at the
// front again, never over one that a start would still need. Pure positions.
//
// A frame may be written over only when a frame on stable storage says that it is not needed: what
// a crash would find otherwise lacks something. So one block is always left for a frame that says
// it.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "common/base/strong.h"

namespace weir::journal {

// The number of a record among all that the journal was told since it was opened; the first is 1.
using Ticket = Strong<struct TicketTag, uint64_t>;

class Ring {
 public:
  struct Frame {
    uint64_t sequence = 0;
    // In blocks.
    uint64_t position = 0;
    uint64_t blocks = 0;
    // Of its last record, or of that of the frame before if it has none.
    Ticket last;
    // It holds no record.
    bool is_empty = false;
    // The blocks of all frames so far, this one included. Set by Add.
    uint64_t through = 0;
  };

  explicit Ring(uint64_t blocks) : blocks_(blocks) {}

  uint64_t blocks() const { return blocks_; }
  void Grow(uint64_t blocks);

  // Where a frame of so many blocks may begin; nothing where there is no room. `last_resort`: it
  // holds no record, and may take the block that is always left.
  std::optional<uint64_t> Place(uint64_t blocks, bool last_resort = false) const;
  // The newest frame, at a place that Place gave.
  void Add(Frame frame);

  // The first frame that holds a record from `oldest` on; `next`, which is the sequence of a frame
  // to come, if none does.
  uint64_t NeededFrom(std::optional<Ticket> oldest, uint64_t next) const;
  // Frames before `needed` may be written over. Returns the last record of them; 0 if there is
  // none.
  Ticket Free(uint64_t needed);
  // The last record of the newest frame that has at least `blocks` blocks behind it.
  Ticket LastBefore(uint64_t blocks) const;

  // From the oldest frame that is held to the newest, what was skipped at the end included: a ring
  // that grows while it is wrapped skips more.
  uint64_t held_blocks() const;
  // Of the frames alone.
  uint64_t frame_blocks() const;
  const std::deque<Frame>& frames() const { return frames_; }
  // Where the newest frame ends.
  uint64_t head() const {
    return frames_.empty() ? 0 : frames_.back().position + frames_.back().blocks;
  }

 private:
  std::optional<uint64_t> PlaceBehind(uint64_t head, uint64_t blocks) const;

  uint64_t blocks_;
  // Oldest first. Invariant: they do not overlap.
  std::deque<Frame> frames_;
};

}  // namespace weir::journal
