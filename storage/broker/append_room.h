// SPDX-License-Identifier: Apache-2.0
// How many bytes of appends a node holds at a time, shared among its partitions: each may take a
// part of what is free, so that those whose followers stand still leave the others something. Who
// finds no room waits in its partition's line; the lines take turns. Pure.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>

#include "common/base/ids.h"

namespace weir::broker {

class AppendRoom {
 public:
  // Names one who waits; never 0.
  using Ticket = uint64_t;

  explicit AppendRoom(int64_t bytes) : bytes_(bytes) {}

  // Takes the bytes at once, or nothing: where there is no room, or others were there before.
  bool Take(const PartitionId& partition, int64_t bytes);
  // Stands in line for them.
  Ticket Wait(const PartitionId& partition, int64_t bytes);
  // Leaves the line. A ticket that waits no more is ignored.
  void Leave(Ticket ticket);
  // Whose turn it is: its bytes are taken. Ask until there is none.
  std::optional<Ticket> Next();
  void GiveBack(const PartitionId& partition, int64_t bytes);

  int64_t taken() const { return taken_; }
  bool has_line() const { return !partition_of_.empty(); }

 private:
  struct Waiter {
    Ticket ticket;
    int64_t bytes;
  };
  struct Share {
    int64_t taken = 0;
    std::deque<Waiter> line;
  };

  // One append of a partition that holds none may take more than its part, or a large one never
  // came in; and one of a node that holds none more than all.
  bool FitsShare(const Share& share, int64_t bytes) const;
  bool FitsNode(int64_t bytes) const { return taken_ == 0 || taken_ + bytes <= bytes_; }
  void TakeFor(Share& share, int64_t bytes);
  void ForgetIfIdle(const PartitionId& partition);

  const int64_t bytes_;
  int64_t taken_ = 0;
  Ticket last_ticket_ = 0;
  // Whose turn it is waits for room on the node: nobody passes.
  bool is_full_ = false;
  std::map<PartitionId, Share> shares_;
  // Invariant: each partition with a line, once.
  std::deque<PartitionId> turns_;
  std::map<Ticket, PartitionId> partition_of_;
};

}  // namespace weir::broker
