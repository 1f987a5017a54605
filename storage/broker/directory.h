// SPDX-License-Identifier: Apache-2.0
// One data directory of this node: whose it is, the disk under it, whether it works and has room.
// What lies in one directory fails with it alone. One strand.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "common/base/error_code.h"
#include "common/base/ids.h"
#include "common/host/deadline_timer.h"
#include "common/host/host.h"
#include "storage/broker/fenced_disk.h"
#include "storage/broker/high_watermarks.h"
#include "storage/compaction/driver/cleaner.h"
#include "storage/journal/journal.h"
#include "storage/log/open_files.h"

namespace weir::broker {

struct RoomConfig {
  // Producers are refused while less than this is free, so that what must go on has room: what
  // followers copy, checkpoints, indexes, coordinators. Nothing: a twentieth of the file system,
  // and no more than kMinFreeMost.
  std::optional<uint64_t> min_free;
  Duration measured_every = std::chrono::seconds(1);
};
inline constexpr uint64_t kMinFreeMost = 1ull << 30;

// What was appended to the directory's partitions, and may not be synced in their own files.
inline constexpr char kJournalFile[] = "journal";

class Directory {
 public:
  // `failed` is called once if the disk fails, never within a call. Everything in `host`, and
  // `disk`, outlive this.
  Directory(host::Host host, host::Disk& disk, std::string path, DirectoryId id, RoomConfig config,
            Callback<void(const Error&)> failed);
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  // Opens the journal, or makes it: before anything else that lies here.
  void OpenJournal(journal::JournalOptions options, Callback<void(Result<void>)> done);
  // Null until then.
  journal::Journal* journal() { return journal_.get(); }

  // Begins to look how much room there is. Called once.
  void Watch();

  const DirectoryId& id() const { return id_; }
  const std::string& path() const { return path_; }
  // The world as what lies here sees it: few of its files are open at a time.
  host::Host host() { return {host_.clock, host_.strand, files_, host_.network, host_.random}; }

  bool works() const { return !disk_.fence(); }
  // Why it does not work any more.
  const std::optional<Error>& failure() const { return disk_.fence(); }
  // Gives it up; nothing is written here from now on.
  void Fail(const Error& error);

  // Of the replicas that lie here.
  HighWatermarks& high_watermarks() { return high_watermarks_; }
  // Of the compacted logs that lie here.
  compaction::Cleaner& cleaner() { return cleaner_; }

  // Whether a producer may append so much more, before anything is done. KAFKA_STORAGE_ERROR if
  // there is no room for it.
  Answer<void> AdmitAppend(uint64_t bytes);
  // Less is free than producers must leave, or than one of them needed.
  bool is_full() const { return is_full_; }
  // As it was measured last, and less what was admitted since; nothing before the first time.
  std::optional<uint64_t> free() const;
  uint64_t min_free() const { return min_free_; }

 private:
  // So much of what is free will be used, unless that would leave too little or nobody knows yet.
  bool Take(uint64_t bytes);
  void Measure();
  void Measured(const host::Space& space);
  void SetFull(bool is_full);

  host::Host host_;
  const std::string path_;
  const DirectoryId id_;
  const RoomConfig config_;
  FencedDisk disk_;
  std::unique_ptr<journal::Journal> journal_;
  log::OpenFiles files_;
  HighWatermarks high_watermarks_;
  compaction::Cleaner cleaner_;
  std::optional<host::Space> space_;
  // Since `space_` was measured.
  uint64_t admitted_ = 0;
  uint64_t min_free_ = 0;
  bool is_full_ = false;
  host::DeadlineTimer timer_;
  Lifetime lifetime_;
};

}  // namespace weir::broker
