// SPDX-License-Identifier: Apache-2.0
// The working part of a Log: its state, and what it has under way on the disk. Operations under way
// hold it, so that the Log itself may go at any time.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/host/host.h"
#include "common/host/task.h"
#include "common/records/batch.h"
#include "storage/log/checkpoint.h"
#include "storage/log/files.h"
#include "storage/log/log.h"
#include "storage/log/recovery.h"
#include "storage/log/segment.h"

namespace weir::log {

class Store : public std::enable_shared_from_this<Store> {
 public:
  Store(host::Host host, std::string folder, LogOptions options, LogEvents* events,
        Recovered recovered);

  Offset start() const { return start_; }
  Offset end() const { return end_; }
  Offset written() const { return written_; }
  Offset durable() const { return durable_; }
  const LeaderEpochs& epochs() const { return epochs_; }

  // As in Log.
  Answer<Appended> AppendAsLeader(Bytes batch, LeaderEpoch epoch, Origin origin, WallTime now);
  Answer<void> AppendAsFollower(Bytes batches, LeaderEpoch epoch);
  void Truncate(Offset end, Callback<void(Result<void>)> done);
  void Restart(Offset start, Callback<void(Result<void>)> done);
  void Read(Offset from, Offset limit, size_t max_bytes, Callback<void(Result<Bytes>)> done);
  void Close(Callback<void(Result<void>)> done);

  // The Log is gone: nobody listens, and nothing new begins.
  void Abandon();

 private:
  // The folds as they stand between two batches.
  struct Folds {
    LeaderEpochs epochs;
    Producers producers;
  };

  // A batch that has its offsets and is not written yet.
  struct Pending {
    Offset base;
    Offset last;
    size_t bytes = 0;
    Pieces pieces;
    // It begins a segment; these are the folds of all before it.
    std::shared_ptr<const Folds> rolls;
  };

  // Marks one loop as under way; when it ends, whoever waits for that goes on. Where its frame is
  // destroyed instead (the host is gone), so are they.
  class Busy {
   public:
    Busy(std::shared_ptr<Store> store, bool* flag) : store_(std::move(store)), flag_(flag) {
      *flag_ = true;
    }
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;
    ~Busy();
    // The last thing that a loop does.
    void End();

   private:
    std::shared_ptr<Store> store_;
    bool* flag_;
    bool has_ended_ = false;
  };

  std::string Path(std::string_view name) const { return folder_ + "/" + std::string(name); }
  std::string RecordsPath(Offset base) const { return Path(RecordsName(base)); }
  Answer<void> MayAppend(LeaderEpoch epoch) const;
  void Enqueue(const records::BatchHeader& header, Pieces pieces);
  void Fail(const Error& error);
  // Waits until some loop ends.
  host::Task<void> Settled();
  void Wake();

  // Writing and syncing (store_write.cc).
  void StartWriting();
  void StartSyncing();
  static host::Task<void> WriteLoop(std::shared_ptr<Store> self);
  static host::Task<void> SyncLoop(std::shared_ptr<Store> self);
  std::vector<Pending> TakeGroup();
  host::Task<Result<void>> WriteGroup(std::vector<Pending> group);
  host::Task<Result<void>> StartSegment(Offset base, std::shared_ptr<const Folds> rolls);
  host::Task<Result<void>> OpenActive();
  host::Task<Result<void>> EnsureFolder();
  host::Task<Result<void>> SyncWritten();
  // Makes all that is written the last clean point; `folds` are those of it.
  host::Task<Result<void>> Seal(const Folds& folds);
  host::Task<Result<void>> WriteCheckpoint(const Folds& folds);
  host::Task<Result<void>> RemoveCheckpoint();

  // Changes that need everything else to stand still (store_change.cc).
  enum class Change { kTruncate, kRestart, kClose };
  static host::Task<Result<void>> RunChange(std::shared_ptr<Store> self, Change change,
                                            Offset offset);
  host::Task<Result<void>> Cut(Offset end);
  host::Task<Result<void>> CutFiles(size_t segment, uint64_t position);
  host::Task<Result<Producers>> FoldProducers(Offset cut, size_t segment, uint64_t position);
  host::Task<Result<void>> RemoveLastSegment();
  host::Task<Result<void>> Empty(Offset start);
  host::Task<Result<void>> CleanStop();
  void PlanFromFiles();

  // Reading (store_read.cc).
  static host::Task<Result<Bytes>> ReadRun(std::shared_ptr<Store> self, Offset from, Offset limit,
                                           size_t max_bytes);
  // The index of the segment that holds `offset`.
  size_t SegmentOf(Offset offset) const;
  host::Task<Result<FilePointer>> Reader(size_t segment);

  host::Host host_;
  const std::string folder_;
  const LogOptions options_;
  LogEvents* events_;

  // Invariant: start_ <= durable_ <= written_ <= end_.
  Offset start_;
  Offset end_;
  Offset written_;
  Offset durable_;
  // Of all that has offsets.
  LeaderEpochs epochs_;
  Producers producers_;

  // Of all that is written. Invariant: only the last may be empty.
  std::vector<Segment> segments_;
  // Of the last segment; opened with the first write.
  FilePointer active_;
  // Of the segment that was read last, which is not the active one.
  FilePointer reader_;
  Offset reader_base_;
  bool has_folder_;
  std::optional<Offset> checkpoint_end_;

  std::deque<Pending> pending_;
  // Where the segment begins that the last pending batch goes to, and its bytes with it.
  Offset planned_base_;
  uint64_t planned_bytes_ = 0;

  bool writing_ = false;
  bool syncing_ = false;
  bool changing_ = false;
  // Asked for and not done: meanwhile nothing is appended.
  int changes_ = 0;
  bool closed_ = false;
  bool abandoned_ = false;
  std::optional<Error> failed_;
  // Grows when something may be cut: what was read across that is not to be believed.
  uint64_t generation_ = 0;
  std::vector<Callback<void()>> waiters_;
};

}  // namespace weir::log
