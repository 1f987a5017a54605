// SPDX-License-Identifier: Apache-2.0
// The log behind a machine: the quorum's, or a partition's. Two calls down, three up.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "common/base/bytes.h"

namespace weir::machine {

// A position in the log behind, and the epoch (term, leader epoch) that wrote what is there.
struct Position {
  int64_t index = 0;
  int64_t epoch = 0;
  auto operator<=>(const Position&) const = default;
};

// A state being written down, piece by piece, while the log goes on.
class SnapshotSource {
 public:
  virtual ~SnapshotSource() = default;
  // The next piece; empty at the end.
  virtual Bytes Next() = 0;
};

// What the log tells its machine, on the machine's strand, never within a call to the log.
class LogEvents {
 public:
  virtual ~LogEvents() = default;

  // From here on Append is taken, with this epoch. Entries of earlier epochs may still arrive as
  // committed: the machine decides only once an entry of this epoch was applied.
  virtual void OnLeading(int64_t epoch) = 0;

  // Append is refused from here on. What was appended and not committed may yet be, or not.
  virtual void OnFollowing() = 0;

  // The next committed entry. Each is told once, in order, whoever appended it.
  virtual void OnCommitted(Position position, Bytes entry) = 0;

  // The state as of `last`, whole: what was told before is replaced.
  virtual void OnSnapshot(Position last, Bytes snapshot) = 0;

  // The state as of what was told last, so that the log can forget what made it. Null: this machine
  // writes none, and the log is kept.
  virtual std::unique_ptr<SnapshotSource> TakeSnapshot() { return nullptr; }
};

class MachineLog {
 public:
  virtual ~MachineLog() = default;

  // Puts `entry` at the end and returns its index; nothing if this process does not lead with
  // `epoch`, or if too much waits to be committed already (the caller refuses, it does not queue).
  virtual std::optional<int64_t> Append(int64_t epoch, Bytes entry) = 0;
};

}  // namespace weir::machine
