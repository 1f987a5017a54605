// SPDX-License-Identifier: Apache-2.0
#include "storage/journal/ring.h"

#include <glog/logging.h>

#include <algorithm>

namespace weir::journal {

void Ring::Grow(uint64_t blocks) {
  CHECK_GE(blocks, blocks_);
  blocks_ = blocks;
}

std::optional<uint64_t> Ring::PlaceBehind(uint64_t head, uint64_t blocks) const {
  if (frames_.empty()) {
    if (head + blocks <= blocks_) return head;
    return blocks <= blocks_ ? std::optional<uint64_t>(0) : std::nullopt;
  }
  uint64_t front = frames_.front().position;
  // Where both are equal, every block is taken.
  if (head <= front) {
    return head + blocks <= front ? std::optional(head) : std::nullopt;
  }
  if (head + blocks <= blocks_) return head;
  return blocks <= front ? std::optional<uint64_t>(0) : std::nullopt;
}

std::optional<uint64_t> Ring::Place(uint64_t blocks, bool last_resort) const {
  auto at = PlaceBehind(head(), blocks);
  if (!at || last_resort) return at;
  return PlaceBehind(*at + blocks, 1) ? at : std::nullopt;
}

void Ring::Add(Frame frame) {
  if (!frames_.empty()) {
    CHECK_GT(frame.sequence, frames_.back().sequence);
    CHECK_GE(frame.last, frames_.back().last);
  }
  CHECK_LE(frame.position + frame.blocks, blocks_);
  frame.through = (frames_.empty() ? 0 : frames_.back().through) + frame.blocks;
  frames_.push_back(frame);
}

uint64_t Ring::NeededFrom(std::optional<Ticket> oldest, uint64_t next) const {
  if (!oldest) return next;
  auto first = std::ranges::lower_bound(frames_, *oldest, {}, &Frame::last);
  return first == frames_.end() ? next : first->sequence;
}

Ticket Ring::Free(uint64_t needed) {
  Ticket last;
  while (!frames_.empty() && frames_.front().sequence < needed) {
    last = frames_.front().last;
    frames_.pop_front();
  }
  return last;
}

Ticket Ring::LastBefore(uint64_t blocks) const {
  if (frames_.empty() || frames_.back().through < blocks) return Ticket(0);
  auto after =
      std::ranges::upper_bound(frames_, frames_.back().through - blocks, {}, &Frame::through);
  return after == frames_.begin() ? Ticket(0) : std::prev(after)->last;
}

uint64_t Ring::held_blocks() const {
  if (frames_.empty()) return 0;
  uint64_t front = frames_.front().position;
  bool is_wrapped = frames_.back().position < front;
  return is_wrapped ? blocks_ - front + head() : head() - front;
}

uint64_t Ring::frame_blocks() const {
  if (frames_.empty()) return 0;
  return frames_.back().through - frames_.front().through + frames_.front().blocks;
}

}  // namespace weir::journal
