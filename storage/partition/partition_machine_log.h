// SPDX-License-Identifier: Apache-2.0
// A partition as the log behind a machine: each entry is a batch of one record, committed when the
// high watermark has passed it. The machine follows the log on every replica, leader or not, so
// that whoever is elected lacks little. An entry's index is its offset + 1.
//
// One strand. The partition outlives it, and nobody else writes there. Its owner passes on what the
// partition's hooks hear.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "common/base/callback.h"
#include "common/host/host.h"
#include "common/machine/machine_log.h"
#include "storage/partition/partition.h"

namespace weir::partition {

class PartitionMachineLog final : public machine::MachineLog {
 public:
  PartitionMachineLog(host::Host host, Partition* partition) : host_(host), partition_(partition) {}

  // From here on `events`, which outlives this, is told of what is committed after `position`, and
  // of leadership. Never within the call.
  void Start(machine::LogEvents* events, machine::Position position = {});

  // Of PartitionHooks.
  void LeadershipChanged(std::optional<LeaderEpoch> leads);
  void HighWatermarkRaised() { ReadOn(); }

  std::optional<int64_t> Append(int64_t epoch, Bytes entry) override;

 private:
  struct Uncommitted {
    Offset end;
    size_t bytes;
  };

  void ReadOn();
  void HasRead(Result<Bytes> read);
  void Tell(const Bytes& batches);
  void Forget(Offset committed);

  host::Host host_;
  Partition* const partition_;
  machine::LogEvents* events_ = nullptr;
  // As events_ was told.
  std::optional<LeaderEpoch> leads_;
  // Invariant: all below was told.
  Offset next_;
  bool is_reading_ = false;
  // Appended here in this epoch.
  std::deque<Uncommitted> uncommitted_;
  size_t uncommitted_bytes_ = 0;
  Lifetime lifetime_;
};

}  // namespace weir::partition
