// SPDX-License-Identifier: Apache-2.0
// One machine's disk: files in memory that outlive the process, take time, and fail when told to.
// An operation happens when it completes, not when it is asked for; those that are under way when
// the process is killed have happened, or not, by chance. The knobs are for the test.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/host/disk.h"
#include "tests/sim/file_tree.h"
#include "tests/sim/timeline.h"

namespace weir::sim {

enum class DiskOperation { kOpen, kRead, kWrite, kSync, kTruncate, kSize, kFolder };

struct DiskFaults {
  // How often an operation fails with kIo. A failed write leaves any part of its bytes.
  double read_failures = 0;
  double write_failures = 0;
  double sync_failures = 0;
  bool read_only = false;
  // All files together; what would grow beyond fails with kFull.
  std::optional<uint64_t> capacity;
  // Latencies are multiplied by this.
  int64_t slowness = 1;
};

// The shortest and the longest that an operation takes.
struct DiskSpeed {
  Duration read_min = std::chrono::microseconds(20), read_max = std::chrono::microseconds(150);
  Duration write_min = std::chrono::microseconds(5), write_max = std::chrono::microseconds(60);
  Duration sync_min = std::chrono::microseconds(150), sync_max = std::chrono::microseconds(1500);
  Duration name_min = std::chrono::microseconds(5), name_max = std::chrono::microseconds(80);
};

class SimDisk {
 public:
  explicit SimDisk(Timeline& timeline) : timeline_(timeline) {}
  SimDisk(const SimDisk&) = delete;
  SimDisk& operator=(const SimDisk&) = delete;

  DiskFaults& faults() { return faults_; }
  DiskSpeed& speed() { return speed_; }
  // The next `count` operations of this kind fail with `kind`.
  void FailNext(DiskOperation operation, Error::Kind kind = Error::Kind::kIo, int count = 1);
  // No operation completes until Unstall.
  void Stall() { stalled_ = true; }
  void Unstall();

  // Operations that have happened so far.
  uint64_t operations() const { return operations_; }
  // `crash` is called right after the operation with this number (from 1) has happened, before its
  // completion is told.
  void CallAfter(uint64_t operation, std::function<void()> crash);

  // What is on the disk as a new process would find it.
  std::vector<std::string> Files() const { return tree_.Files(); }
  // Of all files together.
  uint64_t TotalSize() const { return tree_.TotalSize(); }
  host::Space space() const;
  // CHECKs that the file is there.
  std::string Contents(const std::string& path) const;
  void CorruptByte(const std::string& path, uint64_t offset);
  // A new disk in the old one's place. Only between two lives of the process.
  void Wipe() { tree_ = FileTree(); }

  // For Process: the disk as one life sees it; what to do when that life ends, and when the power
  // goes as well.
  std::unique_ptr<host::Disk> Attach(Life* life);
  void LifeEnded();
  void PowerLost();

 private:
  friend class SimFile;
  friend class DiskPort;

  // The bytes of a file that an operation touches: those that overlap happen in the order asked.
  struct Range {
    const Node* node = nullptr;
    uint64_t from = 0;
    uint64_t to = 0;
  };
  struct Operation {
    Life* life;
    DiskOperation kind;
    Range range;
    Instant due;
    // Does it, and returns what tells the process.
    Callback<Task0()> happen;
    // What a crash destroys instead of calling.
    bool scheduled = false;
    Timeline::EventId event = 0;
  };
  using Operations = std::list<Operation>;
  struct FailureAhead {
    DiskOperation operation;
    Error::Kind kind;
    int count;
  };

  void Begin(Life* life, DiskOperation kind, Range range, Callback<Task0()> happen);
  void Schedule(Operations::iterator operation);
  void Complete(Operations::iterator operation);
  Duration DrawLatency(DiskOperation kind);
  // An error to answer instead of doing `operation`, or none.
  std::optional<Error> DrawFailure(DiskOperation operation, const std::string& path, bool changes);
  Result<void> WriteNow(Node& node, const std::string& path, uint64_t offset, const Pieces& pieces);
  Result<std::shared_ptr<Node>> OpenNow(const std::string& path, host::OpenMode mode);

  Timeline& timeline_;
  FileTree tree_;
  DiskFaults faults_;
  DiskSpeed speed_;
  std::vector<FailureAhead> failures_ahead_;
  bool stalled_ = false;
  uint64_t operations_ = 0;
  uint64_t call_after_ = 0;
  std::function<void()> crash_;
  // Asked for and not yet happened, in the order asked.
  Operations pending_;
};

}  // namespace weir::sim
