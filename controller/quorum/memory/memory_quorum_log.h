// SPDX-License-Identifier: Apache-2.0
// A QuorumLog in memory, for the simulation: the disk outlives the process, and a crash loses what
// was not yet synced.
#pragma once

#include <deque>
#include <memory>

#include "common/host/clock.h"
#include "common/host/strand.h"
#include "controller/quorum/quorum_log.h"

namespace weir::quorum {

// What survives. Held by the world, lent to one process at a time.
class MemoryQuorumDisk {
 public:
  // How long a synced write takes.
  Duration latency = std::chrono::milliseconds(1);
  // While set, writes fail with it. Behind one that found no room all that were asked for before
  // its answer came are refused as well.
  std::optional<Error> write_error;
  // One that fails for another reason than want of room has happened all the same.
  bool keeps_failed_writes = false;
  // While set, what was written cannot be read any more, and reading says so.
  std::optional<Error> damage;

  raft::HardState hard_state;
  std::optional<StoredSnapshot> snapshot;
  // What the entries follow upon.
  raft::LogPosition begin;
  std::deque<LogEntry> entries;

  // As after Save({.install = snapshot}).
  void Install(StoredSnapshot installed);
  bool is_open = false;
};

// Destroying it is the crash: a write whose latency has not passed never happened.
class MemoryQuorumLog final : public QuorumLog {
 public:
  // References outlive this.
  MemoryQuorumLog(const host::Clock& clock, host::Strand& strand, MemoryQuorumDisk& disk);
  ~MemoryQuorumLog() override;

  void Load(Callback<void(Result<Remembered>)> done) override;
  void Save(LogWrite write, Callback<void(Result<void>)> done) override;
  void ReadEntries(LogIndex from, LogIndex to, size_t max_bytes,
                   Callback<void(Result<std::vector<LogEntry>>)> done) override;
  void SaveSnapshot(StoredSnapshot snapshot, LogIndex begin,
                    Callback<void(Result<void>)> done) override;
  void ReadSnapshot(Callback<void(Result<std::optional<StoredSnapshot>>)> done) override;

 private:
  // What a write finds: nothing, or why it is not done.
  Result<void> Judge(uint64_t write);
  // What is done when its time comes; operations take effect one after another.
  void Queue(Duration latency, Callback<void()> operation);
  void RunNext();

  const host::Clock& clock_;
  host::Strand& strand_;
  MemoryQuorumDisk& disk_;
  bool holds_disk_ = false;
  bool running_ = false;
  uint64_t last_write_ = 0;
  uint64_t refused_to_ = 0;
  std::deque<std::pair<Duration, Callback<void()>>> queue_;
  Lifetime lifetime_;
};

}  // namespace weir::quorum
