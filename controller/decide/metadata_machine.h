// SPDX-License-Identifier: Apache-2.0
// The cluster's metadata as a machine (common/machine): decides commands on an image, and folds
// entries into it. A request that carries an id is decided once; repeated, it is answered the same.
#pragma once

#include "common/machine/machine_driver.h"
#include "controller/decide/commands.h"

namespace weir::decide {

class MetadataMachine {
 public:
  using State = metadata::Image;
  using Command = decide::Command;
  using Entry = metadata::v1::Entry;
  using Outcome = decide::Outcome;

  static constexpr ErrorCode kNotLeading = ErrorCode::kNotController;

  explicit MetadataMachine(ControllerId self) : self_(self) {}

  Decision Decide(const State& tip, const Command& command, machine::Now now) const;
  State Apply(State state, const Entry& entry, machine::Position position) const;
  Entry Open(int64_t epoch) const;
  Bytes Encode(const Entry& entry) const;
  Entry Decode(const Bytes& bytes) const;
  State Restore(const Bytes& snapshot, machine::Position position) const;
  std::unique_ptr<machine::SnapshotSource> TakeSnapshot(const State& state) const;

 private:
  ControllerId self_;
};

}  // namespace weir::decide
