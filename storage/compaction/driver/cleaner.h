// SPDX-License-Identifier: Apache-2.0
// Keeps the compacted logs of one data folder clean: one run at a time, over the log that needs it
// most. A log that cannot be cleaned is said aloud and left alone; the others go on.
//
// One strand. A log is touched from Enter to Leave, and never within a call.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "common/base/callback.h"
#include "common/base/error.h"
#include "common/base/ids.h"
#include "common/host/deadline_timer.h"
#include "common/host/host.h"
#include "common/host/task.h"
#include "storage/compaction/core/clean_ends.h"
#include "storage/compaction/core/plan.h"
#include "storage/compaction/core/throttle.h"
#include "storage/compaction/driver/clean_run.h"
#include "storage/compaction/driver/cleanable_log.h"
#include "storage/compaction/driver/run_stop.h"

namespace weir::compaction {

struct CleanerOptions {
  RunOptions run;
  // Read and written together; 0: without limit.
  uint64_t bytes_per_second = 0;
  // Where nothing was to be cleaned, the next look comes after this.
  Duration pause = std::chrono::seconds(15);
};

class Cleaner {
 public:
  // The file of what is clean lies in `folder` of the host's disk.
  Cleaner(host::Host host, std::string folder, CleanerOptions options);
  ~Cleaner();
  Cleaner(const Cleaner&) = delete;
  Cleaner& operator=(const Cleaner&) = delete;

  // The log is open, and of a topic that is compacted; again, with what its topic asks for now.
  void Enter(const PartitionId& id, CleanableLog* log, const CompactionConfig& config);

  // The log is about to be closed, or its topic is compacted no more. It is not touched after.
  void Leave(const PartitionId& id);

  // The log is about to be cut to end at `end`, or to be emptied: what follows there is dirty. The
  // run over it ends.
  void Cut(const PartitionId& id, Offset end);

  // The replica is here no more.
  void Forget(const PartitionId& id);

  // Looks at once for what needs to be cleaned, not after the pause.
  void Look();

  struct Totals {
    int64_t runs = 0;
    int64_t failed = 0;
    uint64_t bytes_before = 0;
    uint64_t bytes_after = 0;
  };
  const Totals& totals() const { return totals_; }
  // What could not be cleaned, and is not tried again before it is opened anew.
  std::map<PartitionId, Error> Uncleanable() const;
  std::optional<Offset> CleanEnd(const PartitionId& id) const;
  // What it runs over now.
  std::optional<PartitionId> running() const;

 private:
  struct Entered {
    CleanableLog* log = nullptr;
    CompactionConfig config;
    std::optional<Error> broken;
    // Not tried before.
    Instant not_before{};
  };
  struct Running {
    PartitionId id;
    std::shared_ptr<RunStop> stop;
  };

  // Reads what was clean, with the first log that enters.
  void Load();
  void Loaded(Result<Bytes> read);
  void LowerTo(const PartitionId& id, Offset end);
  void SaveSoon();
  void LookAtSome();
  std::optional<Candidate> CandidateOf(const PartitionId& id, const Entered& entered) const;
  void Begin(const Candidate& candidate);
  void Ended(const PartitionId& id, const Result<RunReport>& report);
  void Failed(const PartitionId& id, Entered& entered, const Error& error);
  void StopRun(const PartitionId& id);

  host::Host host_;
  const std::string path_;
  const CleanerOptions options_;
  // A run that was stopped may outlive this.
  const std::shared_ptr<Throttle> throttle_;
  std::map<PartitionId, Entered> logs_;
  CleanEnds clean_ends_;
  bool is_loading_ = false;
  bool is_loaded_ = false;
  // What was cut before the file was read.
  CleanEnds cut_before_loaded_;
  bool is_saving_ = false;
  bool has_unsaved_ = false;
  // Until the run has ended, though it was asked to before.
  std::optional<Running> running_;
  // A look goes on; the last log that it looked at, and the one that needs it most of those.
  bool is_looking_ = false;
  std::optional<PartitionId> looked_at_;
  std::optional<Candidate> picked_;
  Totals totals_;
  host::DeadlineTimer timer_;
  Lifetime lifetime_;
};

}  // namespace weir::compaction
